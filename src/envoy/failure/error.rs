//! BoringSSL's errors, as Envoy writes them into its reasons.

use crate::tls::AlertDescription;

/// How many errors of one text are read; Envoy writes two or three.
const MOST: usize = 8;
/// The longest name of a library or an error that is read, in bytes.
const LONGEST: usize = 64;
/// An SSL reason from here on is an alert of the server's, whose number comes on top.
const ALERTS: u32 = 1000;
/// The numbers of libraries and what is packed below them.
const LIBRARY: u32 = 1 << 24;
const SYSTEM: u32 = 2;
const SSL: u32 = 16;
/// OpenSSL's number of the same library.
const OPENSSL_SSL: u32 = 20;

/// One error of BoringSSL: number = library x 16777216 + reason.
///
/// Measured with Envoy 1.36 to 1.40; BoringSSL `include/openssl/err.h`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct TlsError {
    /// The packed number, such as 268436496.
    pub number: u32,
    /// The error's name as the text has it; none if the text has only the number.
    text: Option<String>,
}

impl TlsError {
    /// One without a text.
    #[must_use]
    pub const fn new(number: u32) -> Self {
        Self { number, text: None }
    }

    /// The number of the library: 16 is SSL, 2 the system (the reason is an errno then).
    #[must_use]
    pub const fn library(&self) -> u32 {
        self.number / LIBRARY
    }

    /// The reason within the library.
    #[must_use]
    pub const fn reason(&self) -> u32 {
        self.number % LIBRARY
    }

    /// BoringSSL's name of the library, or `unknown library`.
    #[must_use]
    pub fn library_name(&self) -> &'static str {
        let index = usize::try_from(self.library()).unwrap_or(usize::MAX);
        LIBRARIES.get(index).copied().unwrap_or("unknown library")
    }

    /// The alert that the server sent, if the error is one.
    #[must_use]
    pub fn alert(&self) -> Option<AlertDescription> {
        if self.library() != SSL {
            return None;
        }
        let alert = self.reason().checked_sub(ALERTS)?;
        u8::try_from(alert).ok().map(AlertDescription)
    }

    /// BoringSSL's name of the error, from its number or else from the text.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        let known = NAMES.iter().find(|(number, _)| *number == self.number);
        known.map(|(_, name)| (*name).to_owned()).or_else(|| self.alert_name()).or_else(|| {
            let text = self.text.clone();
            text.filter(|name| name != "unknown_error" && name != "unknown error")
        })
    }

    fn alert_name(&self) -> Option<String> {
        let alert = self.alert()?;
        let name = match alert.0 {
            90 => "user_cancelled",
            121 => "ech_required",
            // RFC 8446 has it; BoringSSL has no name for it.
            109 => return None,
            _ => alert.name()?,
        };
        let since = match alert.0 {
            0..=20 | 30..=47 => "SSLV3",
            _ => "TLSV1",
        };
        Some(format!("{since}_ALERT_{}", name.to_uppercase()))
    }

    /// Reads the errors of a text in their order, whatever stands between and around them: blanks
    /// or underscores, `|`, blanks or commas, `TLS error:` or `TLS_error:`, with or without
    /// `:TLS_error_end`. A bare number counts only after `TLS error` or as the whole text.
    #[must_use]
    pub fn read_all(text: &str) -> Vec<Self> {
        let mut errors = Vec::new();
        if let Some(error) = whole(text) {
            return vec![error];
        }
        let mut at = 0;
        while let Some(start) = next_digit(text, at) {
            let digits = run(&text[start..], |byte| byte.is_ascii_digit());
            at = start + digits.len();
            if errors.len() == MOST {
                break;
            }
            // A hexadecimal number may begin with letters; `error:` before it says where.
            if let Some(error) = hexadecimal(text, start).or_else(|| decimal(text, start, digits)) {
                errors.push(error);
            }
        }
        errors
    }
}

fn next_digit(text: &str, from: usize) -> Option<usize> {
    let found = text.as_bytes()[from..].iter().position(u8::is_ascii_digit);
    found.map(|offset| from + offset)
}

fn run(text: &str, member: impl Fn(&u8) -> bool) -> &str {
    let length = text.bytes().take_while(|byte| member(byte)).count();
    &text[..length]
}

/// A text that is a number and nothing else.
fn whole(text: &str) -> Option<TlsError> {
    let number: u32 = text.trim().parse().ok()?;
    let library = TlsError::new(number).library();
    (1..=33).contains(&library).then(|| TlsError::new(number))
}

fn decimal(text: &str, start: usize, digits: &str) -> Option<TlsError> {
    if !(6..=10).contains(&digits.len()) {
        return None;
    }
    let before = &text[..start];
    if before.ends_with(|letter: char| letter.is_alphanumeric()) {
        return None;
    }
    let number = digits.parse().ok().filter(|number| *number >= LIBRARY)?;
    let marked = {
        let before = before.trim_end_matches([' ', '_', '|', ':']);
        before.ends_with("TLS error") || before.ends_with("TLS_error")
    };
    let rest = text[start + digits.len()..].strip_prefix(':');
    match rest.and_then(tail) {
        Some(name) => Some(TlsError { number, text: name }),
        None => marked.then(|| TlsError::new(number)),
    }
}

/// `error:1000007d:SSL routines:OPENSSL_internal:NAME`, the form of `ERR_error_string`.
fn hexadecimal(text: &str, start: usize) -> Option<TlsError> {
    // At most seven letters can stand between the colon and the first digit.
    let before = &text.as_bytes()[start.saturating_sub(8)..start];
    let colon = start - before.len() + before.iter().rposition(|byte| *byte == b':')?;
    let before = text[..colon].strip_suffix("error")?;
    if before.ends_with("TLS_") || before.ends_with("TLS ") {
        return None;
    }
    let digits = run(&text[colon + 1..], u8::is_ascii_hexdigit);
    let number = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 8)?;
    let rest = text[colon + 1 + 8..].strip_prefix(':')?;
    // Only the first digit of the number makes one error of it.
    let first = next_digit(text, colon + 1) == Some(start);
    if first && let Some(error) = of_openssl(number, rest) {
        return Some(error);
    }
    first.then(|| tail(rest)).flatten().map(|name| TlsError { number, text: name })
}

/// OpenSSL's own errors, which people paste from `s_client` or curl, as BoringSSL would number
/// them: 1.x has a function between library and reason, 3.x has other bits for the library, and
/// from 1000 on both count alerts as BoringSSL does. OpenSSL `include/openssl/err.h`.
fn of_openssl(number: u32, rest: &str) -> Option<TlsError> {
    let (function, words) = rest.strip_prefix("SSL routines:")?.split_once(':')?;
    let of_old = number / LIBRARY == OPENSSL_SSL;
    let of_new = number >> 23 == OPENSSL_SSL;
    if function == "OPENSSL_internal" || !(of_old || of_new) {
        return None;
    }
    let reason = number & if of_old { 0xfff } else { 0x7f_ffff };
    if (ALERTS..ALERTS + 256).contains(&reason) {
        return Some(TlsError::new(SSL * LIBRARY + reason));
    }
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-".contains(byte);
    let name = run(words, letters).trim().replace([' ', '-'], "_").to_uppercase();
    let known = NAMES.iter().find(|(number, known)| number / LIBRARY == SSL && *known == name);
    let text = (!name.is_empty() && name.len() <= LONGEST).then_some(name);
    Some(match known {
        Some((number, _)) => TlsError::new(*number),
        // Below 1000 the numbers are not BoringSSL's.
        None => TlsError { number: SSL * LIBRARY, text },
    })
}

/// What follows a number: a library that BoringSSL has, its function, the error's name. None if
/// it is no such thing.
fn tail(rest: &str) -> Option<Option<String>> {
    let (library, rest) = rest.split_once(':')?;
    let library = library.replace('_', " ");
    let known = LIBRARIES.iter().any(|name| name.eq_ignore_ascii_case(library.trim()));
    let (function, rest) = rest.split_once(':').unwrap_or((rest, ""));
    if !known && function != "OPENSSL_internal" {
        return None;
    }
    let ends = |byte: &u8| b":|,\"'{}()[]\n\\".contains(byte);
    let mut name = run(rest, |byte| !ends(byte));
    if library.eq_ignore_ascii_case("SSL routines") {
        name = run(name, |byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    }
    let name = name.trim_matches([' ', '_']);
    Some((!name.is_empty() && name.len() <= LONGEST).then(|| name.to_owned()))
}

/// By number. BoringSSL `crypto/err/err.cc`.
#[rustfmt::skip]
const LIBRARIES: [&str; 34] = [
    "invalid library (0)", "unknown library", "system library", "bignum routines",
    "RSA routines", "Diffie-Hellman routines", "public key routines", "memory buffer routines",
    "object identifier routines", "PEM routines", "DSA routines", "X.509 certificate routines",
    "ASN.1 encoding routines", "configuration file routines", "common libcrypto routines",
    "elliptic curve routines", "SSL routines", "BIO routines", "PKCS7 routines",
    "PKCS8 routines", "X509 V3 routines", "random number generator", "ENGINE routines",
    "OCSP routines", "UI routines", "COMP routines", "ECDSA routines", "ECDH routines",
    "HMAC routines", "Digest functions", "Cipher functions", "HKDF functions",
    "Trust Token functions", "User defined functions",
];

const fn system(errno: u32) -> u32 {
    SYSTEM * LIBRARY + errno
}

/// Errors that Envoy raises itself, measured with 1.36 to 1.40, and Linux's errno.
#[rustfmt::skip]
const NAMES: [(u32, &str); 29] = [
    (268_435_563, "BAD_ECC_CERT"), (268_435_581, "CERTIFICATE_VERIFY_FAILED"),
    (268_435_602, "ENCRYPTED_LENGTH_TOO_LONG"), (268_435_605, "ERROR_PARSING_EXTENSION"),
    (268_435_610, "HANDSHAKE_FAILURE_ON_CLIENT_HELLO"), (268_435_631, "NO_CIPHERS_AVAILABLE"),
    (268_435_646, "PARSE_TLSEXT"), (268_435_658, "RENEGOTIATION_MISMATCH"),
    (268_435_678, "UNEXPECTED_EXTENSION"), (268_435_679, "UNEXPECTED_MESSAGE"),
    (268_435_681, "UNEXPECTED_RECORD"), (268_435_694, "UNSUPPORTED_COMPRESSION_ALGORITHM"),
    (268_435_696, "UNSUPPORTED_PROTOCOL"), (268_435_698, "WRONG_CIPHER_RETURNED"),
    (268_435_703, "WRONG_VERSION_NUMBER"), (268_435_715, "INVALID_ALPN_PROTOCOL"),
    (268_435_736, "NO_SUPPORTED_VERSIONS_ENABLED"), (268_435_753, "TLS13_DOWNGRADE"),
    (268_435_758, "KEY_USAGE_BIT_INCORRECT"), (100_663_424, "UNSUPPORTED_ALGORITHM"),
    (201_326_703, "DIGEST_AND_KEY_TYPE_NOT_SUPPORTED"),
    (system(32), "Broken pipe"), (system(101), "Network is unreachable"),
    (system(103), "Software caused connection abort"), (system(104), "Connection reset by peer"),
    (system(107), "Transport endpoint is not connected"), (system(110), "Connection timed out"),
    (system(111), "Connection refused"), (system(113), "No route to host"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(u32, Option<String>)> {
        TlsError::read_all(text).iter().map(|error| (error.number, error.name())).collect()
    }

    fn named(number: u32, name: &str) -> (u32, Option<String>) {
        (number, Some(name.to_owned()))
    }

    /// Shapes of all ages, from Envoy itself and from issues.
    #[test]
    fn reasons_of_every_shape_are_read() {
        let refused = vec![
            named(268_436_496, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
            named(268_435_610, "HANDSHAKE_FAILURE_ON_CLIENT_HELLO"),
        ];
        for text in [
            "TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL_routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end",
            "TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end",
            "TLS error: 268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE 268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO",
            "{remote_connection_failure,TLS_error:_268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE,268435610:SSL_routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO}",
            "error:10000410:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE error:1000009a:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO",
        ] {
            assert_eq!(read(text), refused, "{text}");
        }
    }

    #[test]
    fn openssl_s_own_errors_are_told_by_their_names() {
        #[rustfmt::skip]
        let table = [
            ("error:1416F086:SSL routines:tls_process_server_certificate:certificate verify failed", named(268_435_581, "CERTIFICATE_VERIFY_FAILED")),
            ("140735:error:14094410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:../ssl/record/rec_layer_s3.c:1543:SSL alert number 40", named(268_436_496, "SSLV3_ALERT_HANDSHAKE_FAILURE")),
            ("error:0A000410:SSL routines::sslv3 alert handshake failure", named(268_436_496, "SSLV3_ALERT_HANDSHAKE_FAILURE")),
            ("error:0A00010B:SSL routines::wrong version number", named(268_435_703, "WRONG_VERSION_NUMBER")),
            ("error:0A00014D:SSL routines::legacy sigalg disallowed", named(268_435_456, "LEGACY_SIGALG_DISALLOWED")),
        ];
        for (text, expected) in table {
            assert_eq!(read(text), [expected], "{text}");
        }
    }

    #[test]
    fn the_system_s_errors_are_read() {
        for text in [
            "TLS_error:|33554536:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end",
            "TLS_error:|33554536:system_library:OPENSSL_internal:Connection_reset_by_peer:TLS_error_end",
        ] {
            assert_eq!(read(text), [named(33_554_536, "Connection reset by peer")], "{text}");
        }
        assert_eq!(
            read("TLS_error:|33554433:system_library:OPENSSL_internal:Operation_not_permitted"),
            [named(33_554_433, "Operation_not_permitted")]
        );
    }

    #[test]
    fn a_bare_number_counts_after_its_mark_or_alone() {
        assert_eq!(read("268436526"), [named(268_436_526, "TLSV1_ALERT_PROTOCOL_VERSION")]);
        assert_eq!(read("TLS error: 268435703").len(), 1);
        for text in
            ["took 268436526 ns", "1500000000", "7", "268436526:443", "x268436526:SSL routines:a:b"]
        {
            assert_eq!(read(text), [], "{text}");
        }
    }

    #[test]
    fn unknown_numbers_are_taken_apart() {
        let errors = TlsError::read_all(
            "TLS_error:|268436547:SSL_routines:OPENSSL_internal:unknown_error|251658345:elliptic_curve_routines:OPENSSL_internal:SOMETHING_NEW:TLS_error_end",
        );
        assert_eq!(errors[0].alert(), Some(AlertDescription(91)));
        assert_eq!((errors[0].library(), errors[0].reason(), errors[0].name()), (16, 1091, None));
        assert_eq!(
            (errors[1].library_name(), errors[1].reason()),
            ("elliptic curve routines", 105)
        );
        assert_eq!(errors[1].name().as_deref(), Some("SOMETHING_NEW"));
        assert_eq!(TlsError::new(u32::MAX).library_name(), "unknown library");
    }

    /// Every row of the table that was measured.
    #[test]
    fn alerts_have_boringssl_s_names() {
        for (alert, name) in [
            (0, "SSLV3_ALERT_CLOSE_NOTIFY"),
            (10, "SSLV3_ALERT_UNEXPECTED_MESSAGE"),
            (20, "SSLV3_ALERT_BAD_RECORD_MAC"),
            (21, "TLSV1_ALERT_DECRYPTION_FAILED"),
            (22, "TLSV1_ALERT_RECORD_OVERFLOW"),
            (30, "SSLV3_ALERT_DECOMPRESSION_FAILURE"),
            (40, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
            (41, "SSLV3_ALERT_NO_CERTIFICATE"),
            (42, "SSLV3_ALERT_BAD_CERTIFICATE"),
            (43, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"),
            (44, "SSLV3_ALERT_CERTIFICATE_REVOKED"),
            (45, "SSLV3_ALERT_CERTIFICATE_EXPIRED"),
            (46, "SSLV3_ALERT_CERTIFICATE_UNKNOWN"),
            (47, "SSLV3_ALERT_ILLEGAL_PARAMETER"),
            (48, "TLSV1_ALERT_UNKNOWN_CA"),
            (49, "TLSV1_ALERT_ACCESS_DENIED"),
            (50, "TLSV1_ALERT_DECODE_ERROR"),
            (51, "TLSV1_ALERT_DECRYPT_ERROR"),
            (60, "TLSV1_ALERT_EXPORT_RESTRICTION"),
            (70, "TLSV1_ALERT_PROTOCOL_VERSION"),
            (71, "TLSV1_ALERT_INSUFFICIENT_SECURITY"),
            (80, "TLSV1_ALERT_INTERNAL_ERROR"),
            (86, "TLSV1_ALERT_INAPPROPRIATE_FALLBACK"),
            (90, "TLSV1_ALERT_USER_CANCELLED"),
            (100, "TLSV1_ALERT_NO_RENEGOTIATION"),
            (110, "TLSV1_ALERT_UNSUPPORTED_EXTENSION"),
            (111, "TLSV1_ALERT_CERTIFICATE_UNOBTAINABLE"),
            (112, "TLSV1_ALERT_UNRECOGNIZED_NAME"),
            (113, "TLSV1_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE"),
            (114, "TLSV1_ALERT_BAD_CERTIFICATE_HASH_VALUE"),
            (115, "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY"),
            (116, "TLSV1_ALERT_CERTIFICATE_REQUIRED"),
            (120, "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"),
            (121, "TLSV1_ALERT_ECH_REQUIRED"),
        ] {
            let error = TlsError::new(268_436_456 + alert);
            assert_eq!(error.name().as_deref(), Some(name));
            assert_eq!(error.alert().map(|alert| u32::from(alert.0)), Some(alert));
        }
    }

    #[test]
    fn the_details_of_a_verification_are_no_part_of_the_name() {
        let text = "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_SAN_matcher,_certificate_SANs_are_[a.example]:TLS_error_end";
        assert_eq!(read(text), [named(268_435_581, "CERTIFICATE_VERIFY_FAILED")]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(TLS[ _]error|error|[0-9a-f]{1,11}|SSL[ _]routines|OPENSSL_internal|[:|, _é]|\\PC){0,24}") {
            prop_assert!(TlsError::read_all(&text).len() <= MOST);
        }
    }
}
