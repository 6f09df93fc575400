//! Java's own TLS stack, by a small program in `fixtures/jsse`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::{kept, program, root};

/// A Java server that answers every request with an empty 200. What Java disables by policy is
/// enabled, so an old protocol or suite works once it is named.
#[derive(Clone, Debug)]
pub(crate) struct Jsse {
    leaf: Leaf,
    protocols: String,
    suites: String,
    properties: Vec<String>,
    verify_client: bool,
}

impl Jsse {
    /// One with an RSA certificate and Java's default protocols and suites.
    pub(crate) fn new() -> Self {
        Self {
            leaf: Leaf::Rsa,
            protocols: "-".to_owned(),
            suites: "-".to_owned(),
            properties: Vec::new(),
            verify_client: false,
        }
    }

    pub(crate) fn leaf(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    /// Java's names with commas between them, such as `TLSv1,TLSv1.1`.
    pub(crate) fn protocols(mut self, protocols: &str) -> Self {
        protocols.clone_into(&mut self.protocols);
        self
    }

    /// Java's names with commas between them; 3DES and older begin with `SSL_`.
    pub(crate) fn suites(mut self, suites: &str) -> Self {
        suites.clone_into(&mut self.suites);
        self
    }

    /// A system property, such as `jdk.tls.namedGroups=secp384r1`.
    pub(crate) fn property(mut self, property: &str) -> Self {
        self.properties.push(format!("-D{property}"));
        self
    }

    /// Wants certificates of our authority from clients.
    pub(crate) fn verify_client(mut self) -> Self {
        self.verify_client = true;
        self
    }

    pub(crate) fn start(&self) -> Server {
        let (classes, leaf) = (classes(), keys::leaf(self.leaf));
        Server::start(&program("java"), |command, _, address| {
            // Quick to start rather than quick to run.
            command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m"]);
            command.args(&self.properties).arg("-cp").arg(classes).arg("Server");
            command.arg(address.port().to_string()).arg(&leaf.pkcs12).arg(keys::PASSWORD);
            command.args([&self.protocols, &self.suites]);
            if self.verify_client {
                command.arg(keys::authority());
            }
        })
    }
}

/// Compiles the program, once in a test process.
fn classes() -> &'static PathBuf {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let directory = kept().join("classes");
        let compiled = Command::new(program("javac"))
            .arg("-d")
            .arg(&directory)
            .arg(root().join("fixtures/jsse/Server.java"))
            .output()
            .expect("javac runs");
        if !compiled.status.success() {
            panic!("javac: {}", String::from_utf8_lossy(&compiled.stderr));
        }
        directory
    })
}
