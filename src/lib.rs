//! Tells whether an Envoy proxy can reach a TLS server and, if not, what has to change.

pub mod cli;
pub mod envoy;
pub mod gloo;
pub mod lab;
pub mod probe;
pub mod remedy;
pub mod report;
pub mod survey;
pub mod target;
pub mod tls;
pub mod trial;
pub mod verdict;
pub mod wire;
pub mod yaml;
