//! Gloo Gateway: its resources, its texts and its Envoys' configuration, read into what a cluster
//! does.
//!
//! What Gloo makes of an Upstream is told here once, so that the same rules hold wherever an
//! Upstream comes from. Pure: no sockets.

mod cluster;
pub mod config_dump;
mod document;
mod field;
mod note;
mod ownership;
mod release;
mod secret;
mod settings;
mod ssl_config;
pub mod symptom;
mod upstream;

pub use cluster::{
    Cluster, Context, Endpoint, EndpointTls, Hop, NoSecrets, ParametersFrom, PlainBecause,
    ProxyProtocol, Reach, Refusal, SecretKnowledge, SecretSource, Tls, TlsBecause, Tunnel,
    translate,
};
pub use document::{DOCUMENT_LIMIT, Document, DocumentError, DocumentFault, Place, ranges, read};
pub use field::FieldFault;
pub use note::Note;
pub use ownership::{AppliedFrom, UPSTREAM_CONFIG};
pub use release::{OneWayTls, Platform, Release, UnknownPlatform, UnknownRelease};
pub use secret::{
    KeyName, Leaf, Looks, Mode, PairFault, Secret, SecretFault, SecretFinding, SecretKind,
    SecretVerdict, Secrets, Terms, TlsMaterial, Weight, Which,
};
pub use settings::Settings;
pub use ssl_config::{Credentials, Parameters, SslConfig};
pub use upstream::{ObjectName, StaticHost, StaticSpec, Status, Upstream, UpstreamKind, is_name};
