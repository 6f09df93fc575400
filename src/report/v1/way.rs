//! What lies between here and a server's TLS.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::probe;

/// What lies between here and a server's TLS, in the order of the fields.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// The proxy that was named for the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyWay>,
    /// `HOST:PORT` that a proxy of the cluster's was asked for by HTTP CONNECT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// The header that precedes all else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyProtocol>,
    /// The protocol in which the server was asked for TLS. Then all that is said is about the TLS
    /// behind that, and Envoy itself would not get there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starttls: Option<StartTls>,
}

/// A proxy.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProxyWay {
    /// Its URL, without credentials.
    pub url: String,
    /// Whether it resolves names, so that the addresses of the endpoints are not known.
    pub resolves_names: bool,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyProtocol {
    /// Text.
    V1,
    /// Binary.
    V2,
}

/// A protocol in which a server is asked for TLS.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartTls {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SMTP.
    Smtp,
    /// LMTP.
    Lmtp,
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// LDAP.
    Ldap,
    /// XMPP from a client.
    Xmpp,
    /// XMPP from another server.
    XmppServer,
    /// FTP.
    Ftp,
}

impl Way {
    /// `None` where nothing lies between.
    pub(crate) fn new(way: &probe::Way) -> Option<Self> {
        (!way.is_direct()).then(|| Self {
            proxy: way.proxy.as_ref().map(|proxy| ProxyWay {
                url: proxy.to_string(),
                resolves_names: proxy.resolves_names(),
            }),
            tunnel: way.tunnel.as_ref().map(|tunnel| tunnel.authority.clone()),
            proxy_protocol: way.proxy_header.map(ProxyProtocol::from),
            starttls: way.starttls.as_ref().map(|opening| opening.protocol.into()),
        })
    }
}

impl Way {
    /// What to tell of it, if anything but a proxy of the cluster's.
    pub(crate) fn words(&self) -> Option<String> {
        let mut parts = Vec::new();
        if let Some(proxy) = &self.proxy {
            let resolves = if proxy.resolves_names { ", which resolves names" } else { "" };
            parts.push(format!("through {}{resolves}", proxy.url));
        }
        if let Some(version) = self.proxy_protocol {
            let version = probe::ProxyHeader::from(version);
            parts.push(format!("with a PROXY {version} header"));
        }
        if let Some(protocol) = self.starttls {
            let protocol = probe::StartTls::from(protocol);
            parts.push(format!("asked for TLS in {protocol} first, as Envoy would not"));
        }
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

impl From<ProxyProtocol> for probe::ProxyHeader {
    fn from(version: ProxyProtocol) -> Self {
        match version {
            ProxyProtocol::V1 => Self::V1,
            ProxyProtocol::V2 => Self::V2,
        }
    }
}

impl From<probe::ProxyHeader> for ProxyProtocol {
    fn from(version: probe::ProxyHeader) -> Self {
        match version {
            probe::ProxyHeader::V1 => Self::V1,
            probe::ProxyHeader::V2 => Self::V2,
        }
    }
}

impl From<probe::StartTls> for StartTls {
    fn from(protocol: probe::StartTls) -> Self {
        use probe::StartTls as Asked;
        match protocol {
            Asked::Postgres => Self::Postgres,
            Asked::Mysql => Self::Mysql,
            Asked::Smtp => Self::Smtp,
            Asked::Lmtp => Self::Lmtp,
            Asked::Imap => Self::Imap,
            Asked::Pop3 => Self::Pop3,
            Asked::Ldap => Self::Ldap,
            Asked::Xmpp => Self::Xmpp,
            Asked::XmppServer => Self::XmppServer,
            Asked::Ftp => Self::Ftp,
        }
    }
}

impl From<StartTls> for probe::StartTls {
    fn from(protocol: StartTls) -> Self {
        match protocol {
            StartTls::Postgres => Self::Postgres,
            StartTls::Mysql => Self::Mysql,
            StartTls::Smtp => Self::Smtp,
            StartTls::Lmtp => Self::Lmtp,
            StartTls::Imap => Self::Imap,
            StartTls::Pop3 => Self::Pop3,
            StartTls::Ldap => Self::Ldap,
            StartTls::Xmpp => Self::Xmpp,
            StartTls::XmppServer => Self::XmppServer,
            StartTls::Ftp => Self::Ftp,
        }
    }
}
