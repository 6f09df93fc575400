//! MySQL, by MariaDB.

use super::{has_no_tls, says, scripted, suits_behind};
use crate::support::servers::Mariadb;

#[test]
fn the_tls_behind_the_greeting_is_surveyed() {
    suits_behind("mysql", Mariadb::with_tls().address());
}

#[test]
fn what_servers_do_to_hosts_without_a_login_is_said() {
    let found = super::run("127.0.0.1:9".parse().unwrap(), &["--starttls", "mysql"]);
    assert!(found.stderr.contains("max_connect_errors"), "{}", found.stderr);
}

#[test]
fn a_server_without_tls_is_said_to_be_one() {
    let server = Mariadb::without_tls();
    has_no_tls("mysql", server.address(), "the MySQL server does not offer TLS");
}

#[test]
fn errors_and_others_are_repeated() {
    const BLOCKED: &[&[u8]] = &[b"\x16\0\0\0\xff\x69\x04Host 'a' is blocked"];
    says("mysql", &scripted(BLOCKED), 2, "the connection with 'Host 'a' is blocked'");
    says("mysql", &scripted(&[b"220 ftp\r\n"]), 2, "no MySQL server: it says '220 ftp'");
}
