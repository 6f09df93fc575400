//! Holds the project against real servers and real Envoys, on the loopback interface only.
//!
//! One binary for all of it, since each test binary links an OpenSSL. The programs that it runs
//! come from `scripts/install-test-dependencies`; one that is missing fails the test.

#![allow(
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so best by panicking"
)]
#![allow(
    dead_code,
    reason = "the lab offers what a server can be told, not only what is told today"
)]

mod accepted;
mod addresses;
mod appearance;
mod cases;
mod command;
mod config_dump;
mod deploy;
mod documents;
mod explain;
mod faults;
mod fleet;
mod kubernetes;
mod lab;
mod matrix;
mod odd;
mod readme;
mod regression;
mod report;
mod round_trips;
mod rude;
mod secret;
mod siblings;
mod support;
mod upgrade;
mod upstreams;
mod ways;
mod write;
