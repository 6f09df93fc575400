//! FTP, by vsftpd.

use super::{has_no_tls, says, scripted, suits_behind};
use crate::support::servers::Vsftpd;

#[test]
fn the_tls_behind_auth_is_surveyed() {
    suits_behind("ftp", Vsftpd::with_tls().address());
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Vsftpd::without_tls();
    has_no_tls("ftp", server.address(), "the FTP server does not offer AUTH TLS: it answers '530");
}

#[test]
fn refusals_are_repeated_in_the_servers_words() {
    says("ftp", &scripted(&[b"421 too many users\r\n"]), 2, "with '421 too many users'");
    const LATER: &[&[u8]] = &[b"220 ftp\r\n", b"431 no resources\r\n"];
    says("ftp", &scripted(LATER), 2, "answers AUTH TLS with '431 no resources'");
}
