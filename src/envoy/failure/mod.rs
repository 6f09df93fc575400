//! What Envoy says when a cluster fails, and what it means.
//!
//! [`TlsError`] reads BoringSSL's error numbers out of Envoy's reasons; [`SYMPTOMS`] is the table
//! of what is known, each row with the signs that it is recognised by, its causes and what helps.
//! Pure: no I/O. What Gloo says is in [`crate::gloo::symptom`], in rows of the same shape.

mod error;
mod symptom;
mod table;

pub use error::TlsError;
pub use symptom::{Detail, Gravity, Sign, Step, Symptom};
pub use table::SYMPTOMS;
