//! Alerts.

use std::fmt;

/// How grave an alert is. Unknown levels are kept.
///
/// RFC 5246 §7.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct AlertLevel(pub u8);

impl AlertLevel {
    /// The connection goes on.
    pub const WARNING: Self = Self(1);
    /// The connection ends.
    pub const FATAL: Self = Self(2);
}

/// What an alert says. Unknown numbers are kept.
///
/// IANA registry 'TLS Alerts'; RFC 8446 §6.2.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AlertDescription(pub u8);

impl AlertDescription {
    /// The peer will send no more.
    pub const CLOSE_NOTIFY: Self = Self(0);
    /// No acceptable set of parameters.
    pub const HANDSHAKE_FAILURE: Self = Self(40);
    /// A certificate was missing or could not be used.
    pub const BAD_CERTIFICATE: Self = Self(42);
    /// A field was out of range or contradicted another.
    pub const ILLEGAL_PARAMETER: Self = Self(47);
    /// The protocol version is not supported.
    pub const PROTOCOL_VERSION: Self = Self(70);
    /// The server wants stronger suites than the client offers.
    pub const INSUFFICIENT_SECURITY: Self = Self(71);
    /// Something unrelated to the peer went wrong.
    pub const INTERNAL_ERROR: Self = Self(80);
    /// A retry with a lower version was not called for (RFC 7507).
    pub const INAPPROPRIATE_FALLBACK: Self = Self(86);
    /// The server does not serve the name in the ClientHello.
    pub const UNRECOGNIZED_NAME: Self = Self(112);
    /// The server does not know the identity offered for a pre-shared key.
    pub const UNKNOWN_PSK_IDENTITY: Self = Self(115);
    /// The server insists on a client certificate (TLS 1.3).
    pub const CERTIFICATE_REQUIRED: Self = Self(116);
    /// None of the protocols in the ALPN extension is served.
    pub const NO_APPLICATION_PROTOCOL: Self = Self(120);

    /// The registered name, or `None` for a number without one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(number, _)| *number == self.0).map(|(_, name)| *name)
    }
}

#[rustfmt::skip]
const NAMES: [(u8, &str); 34] = [
    (0, "close_notify"), (10, "unexpected_message"), (20, "bad_record_mac"),
    (21, "decryption_failed"), (22, "record_overflow"), (30, "decompression_failure"),
    (40, "handshake_failure"), (41, "no_certificate"), (42, "bad_certificate"),
    (43, "unsupported_certificate"), (44, "certificate_revoked"), (45, "certificate_expired"),
    (46, "certificate_unknown"), (47, "illegal_parameter"), (48, "unknown_ca"),
    (49, "access_denied"), (50, "decode_error"), (51, "decrypt_error"),
    (60, "export_restriction"), (70, "protocol_version"), (71, "insufficient_security"),
    (80, "internal_error"), (86, "inappropriate_fallback"), (90, "user_canceled"),
    (100, "no_renegotiation"), (109, "missing_extension"), (110, "unsupported_extension"),
    (111, "certificate_unobtainable"), (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"), (114, "bad_certificate_hash_value"),
    (115, "unknown_psk_identity"), (116, "certificate_required"),
    (120, "no_application_protocol"),
];

impl fmt::Display for AlertDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("number {}", self.0)),
        }
    }
}

/// One alert, with its level.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Alert {
    /// Warning or fatal.
    pub level: AlertLevel,
    /// What it says.
    pub description: AlertDescription,
}

impl Alert {
    /// Whether the connection can go on after this alert.
    ///
    /// `close_notify` ends the connection whatever its level (RFC 5246 §7.2.1).
    #[must_use]
    pub fn is_warning(self) -> bool {
        self.level == AlertLevel::WARNING && self.description != AlertDescription::CLOSE_NOTIFY
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alert {}", self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn close_notify_ends_the_connection_at_any_level() {
        let alert =
            Alert { level: AlertLevel::WARNING, description: AlertDescription::CLOSE_NOTIFY };
        assert!(!alert.is_warning());
    }

    #[test]
    fn numbers_without_a_name_are_kept() {
        let alert = Alert { level: AlertLevel::FATAL, description: AlertDescription(200) };
        assert_eq!(alert.to_string(), "alert number 200");
    }
}
