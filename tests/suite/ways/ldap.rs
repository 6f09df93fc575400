//! LDAP, by OpenLDAP.

use super::{has_no_tls, says, scripted, suits_behind};
use crate::support::servers::Slapd;

#[test]
fn the_tls_behind_starttls_is_surveyed() {
    suits_behind("ldap", Slapd::with_tls().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Slapd::without_tls();
    has_no_tls("ldap", server.address(), "the LDAP server does not offer StartTLS: it answers");
}

#[test]
fn refusals_are_repeated_in_the_servers_words() {
    const BUSY: &[&[u8]] = &[b"", b"\x30\x10\x02\x01\x01\x78\x0b\x0a\x01\x33\x04\0\x04\x04busy"];
    says("ldap", &scripted(BUSY), 2, "answers StartTLS with 'result code 51, busy'");
}
