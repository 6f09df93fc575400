//! What a client says of itself in a ClientHello, as far as configuration decides it.

use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_extensions, parse_tls_plaintext,
};

/// The parts of a ClientHello that do not change from one connection to the next.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Hello {
    /// The server name; none if there is no such extension.
    pub(crate) server_name: Option<String>,
    /// Code points, in order.
    pub(crate) suites: Vec<u16>,
    /// `supported_versions`; without the extension, the one version of the hello.
    pub(crate) versions: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) signatures: Vec<u16>,
    pub(crate) alpn: Vec<String>,
}

impl Hello {
    /// Reads a hello out of its first record; none if it is something else.
    pub(crate) fn read(record: &[u8]) -> Option<Self> {
        let (_, plaintext) = parse_tls_plaintext(record).ok()?;
        let TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello)) =
            plaintext.msg.first()?
        else {
            return None;
        };
        let mut read = Self {
            suites: hello.ciphers.iter().map(|suite| suite.0).collect(),
            versions: vec![hello.version.0],
            ..Self::default()
        };
        let (_, extensions) = parse_tls_extensions(hello.ext.unwrap_or_default()).ok()?;
        extensions.iter().for_each(|extension| read.take(extension));
        Some(read)
    }

    fn take(&mut self, extension: &TlsExtension<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match extension {
            TlsExtension::SNI(names) => {
                self.server_name = names.first().map(|(_, name)| text(name));
            }
            TlsExtension::SupportedVersions(versions) => {
                self.versions = versions.iter().map(|version| version.0).collect();
            }
            TlsExtension::EllipticCurves(groups) => {
                self.groups = groups.iter().map(|group| group.0).collect();
            }
            TlsExtension::SignatureAlgorithms(signatures) => self.signatures.clone_from(signatures),
            TlsExtension::ALPN(names) => {
                self.alpn = names.iter().map(|name| text(name)).collect();
            }
            _ => {}
        }
    }
}
