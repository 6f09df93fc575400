//! POP3, by Dovecot.

use super::{has_no_tls, says, scripted, suits_behind};
use crate::support::servers::Dovecot;

#[test]
fn the_tls_behind_stls_is_surveyed() {
    suits_behind("pop3", Dovecot::pop3().start().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Dovecot::pop3().setting("ssl = no").start();
    has_no_tls("pop3", server.address(), "the POP3 server does not offer STLS: it answers '-ERR");
}

#[test]
fn trouble_that_may_pass_is_no_verdict() {
    const BUSY: &[&[u8]] = &[b"+OK\r\n", b"-ERR [SYS/TEMP] busy\r\n"];
    says("pop3", &scripted(BUSY), 2, "answers STLS with '-ERR [SYS/TEMP] busy'");
}
