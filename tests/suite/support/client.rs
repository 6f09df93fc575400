//! An independent client: the system's `openssl s_client`, which shares no code with ours.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::program;

/// What a handshake agreed on, as `s_client` prints it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Agreed {
    /// Such as `TLSv1.2`.
    pub(crate) version: String,
    /// The OpenSSL name of the suite.
    pub(crate) suite: String,
}

/// Makes one handshake with arguments split at blanks, such as `-tls1_2 -cipher AES128-SHA`.
///
/// # Errors
///
/// All that `s_client` prints, if there is no handshake.
pub(crate) fn handshake(address: SocketAddr, args: &str) -> Result<Agreed, String> {
    let output = Command::new(program("openssl"))
        .args(["s_client", "-connect", &address.to_string()])
        .args(args.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let agreed = text
        .lines()
        .find_map(|line| line.strip_prefix("New, ")?.split_once(", Cipher is "))
        // A suite is printed too when the handshake fails after the ServerHello.
        .filter(|_| output.status.success());
    let Some((since, suite)) = agreed else {
        return Err(format!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    };
    // Beside the suite stands the version that it came with; at TLS 1.2 and below, the version
    // agreed on follows further down.
    let version = text.lines().find_map(|line| line.trim().strip_prefix("Protocol  : "));
    Ok(Agreed { version: version.unwrap_or(since).to_owned(), suite: suite.to_owned() })
}
