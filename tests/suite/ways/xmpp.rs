//! XMPP, by Prosody.

use super::{has_no_tls, says, scripted, suits_behind};
use crate::support::servers::Prosody;

#[test]
fn the_tls_that_clients_ask_for_is_surveyed() {
    suits_behind("xmpp", Prosody::for_clients().address());
}

#[test]
fn the_tls_that_servers_ask_for_is_surveyed() {
    suits_behind("xmpp-server", Prosody::for_servers().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Prosody::without_tls();
    has_no_tls("xmpp", server.address(), "the XMPP server does not offer STARTTLS");
}

#[test]
fn a_name_that_the_server_does_not_know_is_said() {
    let server = Prosody::for_clients();
    let found = super::run(server.address(), &["--starttls", "xmpp", "--sni", "other.example"]);
    assert_eq!(found.code, Some(2), "{}", found.stdout);
    assert!(found.stdout.contains("answers the stream with 'host-unknown'"), "{}", found.stdout);
    const FAILURE: &[&[u8]] = &[
        b"",
        b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'><stream:features>\
          <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
        b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ];
    says("xmpp", &scripted(FAILURE), 2, "answers STARTTLS with 'failure'");
}
