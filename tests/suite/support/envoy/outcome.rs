//! What an Envoy made of one upstream, out of its counters and its access log.

use std::collections::BTreeMap;

use serde_json::Value;

/// What came of one connection. Names of counters are Envoy's, below `cluster.<name>.`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Outcome {
    /// Why Envoy does not load the configuration, if so; then there was no connection.
    pub(crate) rejected: Option<String>,
    /// `ssl.handshake`.
    pub(crate) handshakes: u64,
    /// `ssl.connection_error`.
    pub(crate) connection_errors: u64,
    /// `upstream_cx_connect_fail`.
    pub(crate) connect_fails: u64,
    /// `ssl.fail_verify_*` that moved, such as `fail_verify_san`.
    pub(crate) verify_failures: BTreeMap<String, u64>,
    /// From `ssl.versions.*`, such as `TLSv1.2`.
    pub(crate) version: Option<String>,
    /// From `ssl.ciphers.*`, the OpenSSL name.
    pub(crate) suite: Option<String>,
    /// From `ssl.curves.*`, such as `P-256`; none with RSA key exchange.
    pub(crate) group: Option<String>,
    /// From `ssl.sigalgs.*`, such as `rsa_pss_rsae_sha256`; none with RSA key exchange.
    pub(crate) signature: Option<String>,
    /// The status of the HTTP response; none from a TCP proxy.
    pub(crate) status: Option<u64>,
    /// Response flags, such as `UF` or `UF,URX`; empty if there are none.
    pub(crate) flags: String,
    /// `%UPSTREAM_TRANSPORT_FAILURE_REASON%`, blanks as `_`; empty if there is none.
    pub(crate) reason: String,
    /// The whole line of the access log, a JSON object.
    pub(crate) access_log: String,
    /// The body of the HTTP response; empty from a TCP proxy.
    pub(crate) body: String,
}

impl Outcome {
    pub(super) fn rejected(text: String) -> Self {
        Self { rejected: Some(text), ..Self::default() }
    }

    /// Whether Envoy has a TLS connection that lasts. What is said in it does not matter: a
    /// server that answers 400 for want of a client certificate does connect.
    pub(crate) fn connects(&self) -> bool {
        self.handshakes >= 1 && self.connection_errors == 0 && self.verify_failures.is_empty()
    }

    /// Whether anything has happened yet.
    pub(super) fn decided(&self) -> bool {
        self.handshakes + self.connect_fails >= 1
    }

    /// Takes in one counter, by its name below the cluster's.
    pub(super) fn count(&mut self, counter: &str, value: u64) {
        if value == 0 {
            return;
        }
        let named = [
            ("ssl.versions.", &mut self.version),
            ("ssl.ciphers.", &mut self.suite),
            ("ssl.curves.", &mut self.group),
            ("ssl.sigalgs.", &mut self.signature),
        ];
        for (prefix, field) in named {
            if let Some(name) = counter.strip_prefix(prefix) {
                *field = Some(name.to_owned());
            }
        }
        match counter {
            "ssl.handshake" => self.handshakes = value,
            "ssl.connection_error" => self.connection_errors = value,
            "upstream_cx_connect_fail" => self.connect_fails = value,
            _ => {
                if let Some(name) = counter.strip_prefix("ssl.")
                    && name.starts_with("fail_verify_")
                {
                    self.verify_failures.insert(name.to_owned(), value);
                }
            }
        }
    }

    /// Takes in one line of the access log.
    pub(super) fn log(&mut self, line: &Value) {
        let text = |key: &str| {
            line[key].as_str().filter(|text| *text != "-").unwrap_or_default().to_owned()
        };
        self.status = line["status"].as_u64().filter(|status| *status != 0);
        self.flags = text("flags");
        self.reason = text("reason");
        self.access_log = line.to_string();
    }
}
