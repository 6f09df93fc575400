//! Dovecot, which speaks four protocols with STARTTLS.

use super::Server;
use crate::support::keys::{self, Leaf};
use crate::support::program;

/// One of its protocols on a port of its own.
#[derive(Clone, Debug)]
pub(crate) struct Dovecot {
    protocol: &'static str,
    service: &'static str,
    settings: String,
}

impl Dovecot {
    pub(crate) fn imap() -> Self {
        Self::new("imap", "imap-login")
    }

    pub(crate) fn pop3() -> Self {
        Self::new("pop3", "pop3-login")
    }

    /// SMTP, as clients submit mail.
    pub(crate) fn submission() -> Self {
        Self::new("submission", "submission-login")
    }

    pub(crate) fn lmtp() -> Self {
        Self::new("lmtp", "lmtp")
    }

    fn new(protocol: &'static str, service: &'static str) -> Self {
        Self { protocol, service, settings: String::new() }
    }

    /// A line of the configuration, such as `ssl = no`.
    pub(crate) fn setting(mut self, line: &str) -> Self {
        self.settings += line;
        self.settings += "\n";
        self
    }

    pub(crate) fn start(&self) -> Server {
        Server::start(&program("dovecot"), |command, directory, address| {
            let leaf = keys::leaf(Leaf::Rsa);
            let text = format!(
                "base_dir = {home}/run\nstate_dir = {home}\nlog_path = /dev/stderr\n\
                 protocols = {protocol}\nlisten = 127.0.0.1\nssl = yes\n\
                 ssl_cert = <{certificate}\nssl_key = <{key}\n\
                 mail_location = maildir:{home}/mail\nsubmission_relay_host = 127.0.0.1\n\
                 passdb {{\n  driver = static\n  args = nopassword\n}}\n\
                 userdb {{\n  driver = static\n  args = uid=nobody gid=nogroup home={home}\n}}\n\
                 service {service} {{\n  inet_listener {protocol} {{\n    port = {port}\n  }}\n}}\n\
                 service imap-login {{\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
                 service pop3-login {{\n  inet_listener pop3s {{\n    port = 0\n  }}\n}}\n{more}",
                home = directory.display(),
                protocol = self.protocol,
                service = self.service,
                port = address.port(),
                certificate = leaf.certificate.display(),
                key = leaf.key.display(),
                more = self.settings,
            );
            let path = directory.join("dovecot.conf");
            std::fs::write(&path, text).unwrap();
            command.arg("-F").arg("-c").arg(path);
        })
    }
}
