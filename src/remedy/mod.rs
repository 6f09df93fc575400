//! From a proven change of Envoy's configuration to the YAML that makes it.
//!
//! Decides nothing about compatibility: it carries what the trial has proven into the fields of
//! a Gloo Upstream, or of what another product has in its place. Only enum names are written (`TLSv1_2`), never a TLS 1.3 suite, and lists
//! always whole, since a merge patch replaces them.

mod change;
mod edit;
pub mod product;
mod resource;
mod upstream;

pub use change::{Change, Conflict};
pub use edit::{Edit, EditError, Reason, Step, edit, edit_documents};
pub use resource::{
    NoRevision, Prefer, Resource, Revision, RevisionNote, Subject, Wanted, merge_patch_between,
    revise, same_but_for_offers, with_edits,
};
pub use upstream::{
    Names, kubectl_command, kubectl_patch, merge_patch, replaces_hosts, upstream, yaml,
};
