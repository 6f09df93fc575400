//! Real forward proxies: Tinyproxy for HTTP CONNECT, MicroSocks for SOCKS5.

use super::Server;
use crate::support::program;

/// User and password of the proxies that want some.
pub(crate) const USER: &str = "someone";
pub(crate) const PASSWORD: &str = "s3cr3t";

/// An HTTP proxy that connects to every port.
pub(crate) fn tinyproxy(wants_credentials: bool) -> Server {
    Server::start(&program("tinyproxy"), |command, directory, address| {
        let mut text = format!("Port {}\nListen 127.0.0.1\nTimeout 60\n", address.port());
        if wants_credentials {
            text += &format!("BasicAuth {USER} {PASSWORD}\n");
        }
        let path = directory.join("tinyproxy.conf");
        std::fs::write(&path, text).unwrap();
        command.arg("-d").arg("-c").arg(path);
    })
}

/// A SOCKS5 proxy.
pub(crate) fn microsocks(wants_credentials: bool) -> Server {
    Server::start(&program("microsocks"), |command, _, address| {
        command.args(["-i", "127.0.0.1", "-p", &address.port().to_string()]);
        if wants_credentials {
            command.args(["-u", USER, "-P", PASSWORD]);
        }
    })
}
