//! LMTP, by Dovecot.

use super::{has_no_tls, says, scripted, suits_behind};
use crate::support::servers::Dovecot;

#[test]
fn the_tls_behind_starttls_is_surveyed() {
    suits_behind("lmtp", Dovecot::lmtp().start().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Dovecot::lmtp().setting("ssl = no").start();
    has_no_tls("lmtp", server.address(), "the LMTP server does not offer STARTTLS");
}

#[test]
fn a_server_that_speaks_smtp_does_not_know_the_greeting() {
    const SMTP: &[&[u8]] = &[b"220 mail\r\n", b"500 5.5.1 unknown command\r\n"];
    says("lmtp", &scripted(SMTP), 2, "the LMTP server answers LHLO with '500 5.5.1");
}
