//! Gloo Gateway: its resources, its texts and its Envoys' configuration, read into what a cluster
//! does.
//!
//! What Gloo makes of an Upstream is told here once, so that the same rules hold wherever an
//! Upstream comes from. Pure: no sockets.

pub mod symptom;
