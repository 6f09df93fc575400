//! Servers that speak no TLS, or nothing at all.

use super::Case;
use crate::support::servers::{Nginx, Scripted, closed_port};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("plain HTTP", || Nginx::plain().start()).fails(),
        Case::new("SSH", Scripted::ssh).fails(),
        Case::new("closed port", closed_port).fails(),
        Case::new("closes at once", Scripted::closes_at_once).fails(),
        Case::new("closes after the hello", Scripted::closes_after_hello).fails(),
        Case::new("resets", Scripted::resets).fails(),
        Case::new("silent", Scripted::silent).fails(),
    ]
}
