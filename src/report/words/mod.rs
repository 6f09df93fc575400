//! Findings in words: what it is, and what to do about it. Shared by all formats.

pub(super) mod gloo;

use crate::probe::{ProbeError, StartTls, StartTlsFault};
use crate::survey::Oddity;
use crate::tls::{CipherSuite, TlsVersion};
use crate::verdict::{Finding, Hopeless, Summary};
use crate::wire::PlainProtocol;

/// One sentence without a full stop that says what was found.
pub(super) fn message(finding: &Finding) -> String {
    match finding {
        Finding::CipherSuites { added, replaces: false } => format!(
            "the server accepts none of the cipher suites that Envoy offers; it accepts {}",
            added.join(", ")
        ),
        Finding::CipherSuites { added, replaces: true } => format!(
            "the server's certificate does not allow the key exchange of Envoy's cipher suites; \
             it allows that of {}",
            added.join(", ")
        ),
        Finding::FailingSuites { left_out } => format!(
            "the server fails as long as Envoy offers {}; it answers without, so the change leaves \
             {} out",
            left_out.join(" or "),
            if left_out.len() == 1 { "it" } else { "them" }
        ),
        Finding::Wavers(obstacle) => {
            format!("Envoy gets through on one connection and not on another: {obstacle}")
        }
        Finding::MinimumVersion(version) => {
            format!("the server speaks at most {version}, below Envoy's minimum")
        }
        Finding::MaximumVersion { needed, in_force, speaks_older: true } if needed > in_force => {
            format!(
                "the server accepts nothing that Envoy offers up to {in_force}, where Envoy \
                 stops; under {needed} it does"
            )
        }
        Finding::MaximumVersion { needed, in_force, .. } => maximum_version(*needed, *in_force),
        Finding::Curves { added, for_certificate: true } => format!(
            "the server's certificate has an ECDSA key on {}, which Envoy does not offer",
            added.join(", ")
        ),
        Finding::Curves { added, .. } => format!(
            "the server accepts none of the groups that Envoy offers; it accepts {}",
            added.join(", ")
        ),
        Finding::HelloSize { large, small, size_alone: true } => format!(
            "hellos of {large} bytes, as Envoy's with a post-quantum key, are not answered; those \
             of {small} bytes are, unless they are padded to that size"
        ),
        Finding::HelloSize { large, small, size_alone: false } => format!(
            "the server fails on the post-quantum key in Envoy's hello of {large} bytes; it \
             answers one of {small} bytes without the key, also when that is padded to the same \
             size"
        ),
        Finding::SignatureAlgorithms { added } => format!(
            "the server signs with nothing that Envoy offers; it signs with {}",
            added.join(", ")
        ),
        Finding::Sni { sent, wanted } => sni(sent.as_deref(), wanted.as_ref()),
        Finding::Alpn { offered, http2 } => alpn(offered, *http2),
        Finding::ClientCertificate { alert, shown, .. } => {
            let what = if *shown {
                "refuses the client certificate"
            } else {
                "insists on a client certificate"
            };
            let alert = alert.map_or(String::new(), |alert| format!(" (alert {alert})"));
            format!("the server {what}{alert}")
        }
        Finding::ClientCertificateOptional => {
            "the server asks for a client certificate and completes the handshake without one"
                .to_owned()
        }
        Finding::CertificateUntrusted(words) => {
            format!("the server's certificate does not verify against the CA: {words}")
        }
        Finding::CertificateExpired(words) => {
            format!("the server's certificate is out of its dates: {words}")
        }
        Finding::CertificateName { wanted, names } => format!(
            "the server's certificate is for {}, not for {}",
            list_or(names, "no name at all"),
            wanted.join(" or ")
        ),
        Finding::KeyUsage(bit) => format!(
            "the keyUsage of the server's certificate lacks {bit}, which the key exchange needs; \
             Envoy refuses it (KEY_USAGE_BIT_INCORRECT)"
        ),
        Finding::KeyUsageLater(bit) => format!(
            "the keyUsage of the server's certificate lacks {bit}; Envoy 1.38 and later refuse it"
        ),
        Finding::PlainText { protocol, .. } => match protocol {
            crate::wire::PlainProtocol::Unknown => {
                "the server answers a TLS hello with something that is not TLS".to_owned()
            }
            protocol => format!("the server speaks plain {protocol} on this port, not TLS"),
        },
        Finding::Unreachable(what) | Finding::NoAnswer(what) => what.clone(),
        Finding::Hangup(ending) => {
            format!("{ending} by the server on every hello, without an answer")
        }
        Finding::Throttled { gave_up: true, .. } => {
            "the server stopped answering while it was asked: it throttles or bans".to_owned()
        }
        Finding::Throttled { times, .. } => format!(
            "the server had trouble with the connections; they were slowed down {times} {}",
            if *times == 1 { "time" } else { "times" }
        ),
        Finding::NoSettingHelps(reason) => hopeless(reason),
        Finding::Configuration(fault) => format!("Envoy cannot use this configuration: {fault}"),
        Finding::Other(obstacle) => obstacle.to_string(),
        Finding::Http2NotSelected => {
            "the server selects no application protocol, and the cluster speaks HTTP/2".to_owned()
        }
        Finding::WeakSuite(suite) => weak(*suite),
        Finding::ObsoleteVersion(version) => {
            format!("{version} would be negotiated, which is obsolete (RFC 8996)")
        }
        Finding::UnclearSuites(count) => {
            format!("{count} pairs of version and suite could not be told accepted from refused")
        }
        Finding::DeadlineHit => "the deadline ended the survey before its end".to_owned(),
        Finding::Oddity(oddity) => format!("the server {oddity}"),
        Finding::Disagreement => {
            "the accepted suites have none in common with Envoy's, but Envoy's hello gets through"
                .to_owned()
        }
        Finding::StartTls(error) => error.to_string(),
        Finding::BehindStartTls(StartTls::Postgres) => {
            "this is about the TLS behind SSLRequest alone: Envoy speaks TLS from the first byte, \
             but for its postgres filter, and Gloo has no field for that"
                .to_owned()
        }
        Finding::BehindStartTls(protocol) => format!(
            "this is about the TLS behind {} alone: Envoy speaks TLS from the first byte and does \
             not ask a server for it in {protocol}",
            protocol.command()
        ),
        Finding::AddressFamily => {
            "the address is IPv6, and Gloo has Envoy look up IPv4 addresses alone \
             (dns_lookup_family V4_ONLY): it would not connect here"
                .to_owned()
        }
    }
}

fn maximum_version(needed: TlsVersion, in_force: TlsVersion) -> String {
    if needed < in_force {
        return format!("the server fails on hellos for a version above {needed}");
    }
    if (needed, in_force) == (TlsVersion::TLS13, TlsVersion::TLS12) {
        return "the server wants TLSv1.3, and Envoy stops at TLSv1.2 unless it is told otherwise"
            .to_owned();
    }
    format!("the server wants {needed}, and Envoy is told to stop at {in_force}")
}

fn sni(sent: Option<&str>, wanted: Option<&Option<String>>) -> String {
    let sent = sent.map_or("hellos without a server name".to_owned(), |name| {
        format!("the server name {name}")
    });
    match wanted {
        None => format!("the server refuses {sent}"),
        Some(None) => format!("the server refuses {sent}; it answers without one"),
        Some(Some(name)) => format!("the server refuses {sent}; it answers to {name}"),
    }
}

fn alpn(offered: &[String], http2: Option<bool>) -> String {
    let offered = offered.join(", ");
    match http2 {
        Some(true) => format!("the server does not speak {offered}; it speaks HTTP/2"),
        Some(false) => format!("the server does not speak {offered}; it speaks HTTP/1.1"),
        None => format!("the server speaks none of the application protocols offered: {offered}"),
    }
}

fn weak(suite: CipherSuite) -> String {
    let name = suite.openssl_name().or(suite.iana_name()).unwrap_or("the suite");
    let why = match (suite.has_forward_secrecy(), suite.is_aead()) {
        (false, false) => "no forward secrecy, and CBC with SHA-1",
        (false, true) => "no forward secrecy",
        _ => "CBC instead of an AEAD",
    };
    format!("{name} would be negotiated, which is weak: {why}")
}

fn hopeless(reason: &Hopeless) -> String {
    let why = match reason {
        Hopeless::Suites(suites) => format!(
            "the server accepts only cipher suites that this Envoy cannot send: {}",
            suite_names(suites)
        ),
        Hopeless::Version(version) => format!("the server speaks only {version}"),
        Hopeless::Groups(groups) => {
            let names: Vec<_> = groups.iter().map(ToString::to_string).collect();
            format!("the server accepts only groups that this Envoy lacks: {}", names.join(", "))
        }
        Hopeless::Key(kind) => {
            format!("the server's certificate has a key that Envoy does not accept: {kind}")
        }
        Hopeless::SignatureAlgorithms(added) => format!(
            "Gloo has no field for signature algorithms; Envoy itself needs {} in \
             signature_algorithms",
            added.join(", ")
        ),
        Hopeless::KeyUsage(bit) => format!(
            "the keyUsage of the server's certificate lacks {bit}, and no suite that the server \
             accepts does without"
        ),
        Hopeless::Signature(scheme) => {
            format!("the server signs only with {scheme}, which this Envoy does not have")
        }
        Hopeless::Unknown => {
            return "no setting of Gloo that was tried helps: the server fails on every hello of \
                    this Envoy's that it was sent"
                .to_owned();
        }
    };
    format!("no setting of Gloo helps: {why}")
}

/// At most six names, by the names that operators of Envoy know.
fn suite_names(suites: &[CipherSuite]) -> String {
    const MOST: usize = 6;
    let names = suites.iter().take(MOST).map(|suite| match suite.openssl_name() {
        Some(name) => name.to_owned(),
        None => suite.to_string(),
    });
    let mut text = names.collect::<Vec<_>>().join(", ");
    if suites.len() > MOST {
        text.push_str(&format!(" and {} more", suites.len() - MOST));
    }
    text
}

fn list_or(names: &[String], none: &str) -> String {
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}

/// One sentence that says what to do, where there is something beyond the patch.
pub(super) fn advice(finding: &Finding) -> Option<String> {
    let text = match finding {
        Finding::WeakSuite(_) | Finding::ObsoleteVersion(_) => {
            "Better: have the server's owner enable ECDHE-RSA-AES128-GCM-SHA256 or \
             ECDHE-ECDSA-AES128-GCM-SHA256 under TLS 1.2; then no patch is needed."
        }
        Finding::HelloSize { size_alone: true, .. } => {
            "Better: have what drops large hellos, the server or something before it, take those \
             that need more than one TCP segment; then no patch is needed."
        }
        Finding::HelloSize { .. } => {
            "Better: have the server's TLS library ignore groups that it does not know; then no \
             patch is needed."
        }
        Finding::FailingSuites { .. } => {
            "Better: have the server's owner mend or disable what fails; then no patch is needed."
        }
        Finding::Wavers(_) | Finding::Oddity(Oddity::Wavers(_)) => {
            "Several servers with different settings may share this address: ask each by its own, \
             or see with --repeat 5 which cipher suites come and go."
        }
        Finding::Http2NotSelected => {
            "If requests fail with protocol errors or time out, the server speaks HTTP/1.1: use \
             useHttp2: false."
        }
        Finding::NoSettingHelps(Hopeless::KeyUsage(_)) | Finding::KeyUsageLater(_) => {
            "Have the certificate issued again with digitalSignature and keyEncipherment."
        }
        Finding::NoSettingHelps(Hopeless::SignatureAlgorithms(_) | Hopeless::Key(_)) => {
            "Have the server's owner use an RSA or an ECDSA P-256 certificate."
        }
        Finding::NoSettingHelps(_) => {
            "Have the server's owner enable TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256 or \
             ECDHE-ECDSA-AES128-GCM-SHA256 and the group X25519 or P-256."
        }
        Finding::Sni { wanted: None, .. } => {
            "Find out which name the server serves, and let it be tried: --try-sni NAME."
        }
        Finding::ClientCertificate { shown: false, .. } => {
            "Give the Upstream a TLS secret with a certificate that the server accepts \
             (--secret NAME writes the patch); --cert and --key prove it."
        }
        Finding::ClientCertificate { shown: true, .. } => {
            "Use a certificate of an authority that the server trusts."
        }
        Finding::ClientCertificateOptional => {
            "If requests fail with 400 or 403, give the Upstream a TLS secret."
        }
        Finding::CertificateUntrusted(_) => {
            "Put the CA that issued the server's certificate into ca.crt of the secret, or have \
             the server send its intermediates."
        }
        Finding::CertificateExpired(_) => "Have the server's certificate renewed.",
        Finding::CertificateName { .. } => {
            "Correct verifySubjectAltName, or have the certificate issued for this name."
        }
        Finding::PlainText { protocol, excerpt } => return Some(plain_text(*protocol, excerpt)),
        Finding::BehindStartTls(protocol) => return Some(without_starttls(*protocol)),
        Finding::StartTls(error) => return starttls(&error.fault),
        Finding::AddressFamily => "Give the host an IPv4 address, or name its IPv6 address itself.",
        Finding::Unreachable(_) => "Check host, port and network from where Envoy runs.",
        Finding::NoAnswer(reason) if *reason == ProbeError::Budget.to_string() => {
            "Allow more connections by --budget."
        }
        Finding::NoAnswer(_) | Finding::Hangup(_) => {
            "A firewall, a wrong port or a server that waits for a PROXY header does this; try \
             from where Envoy runs."
        }
        Finding::Throttled { gave_up: true, .. } => {
            "Try again later, with --connections 1 and --delay 1s."
        }
        Finding::UnclearSuites(_) | Finding::DeadlineHit => {
            "Survey again with a longer --deadline, or with --connections 1 and --delay 1s."
        }
        Finding::Alpn { http2: None, .. } => {
            "Set the protocol of the Upstream to what the server speaks."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn plain_text(protocol: PlainProtocol, excerpt: &[u8]) -> String {
    const OFF: &str =
        "Turn TLS off for this Upstream (no sslConfig, useTls: false), or correct the port.";
    let asked = asked_for_in(protocol, excerpt);
    let names: Vec<_> = asked.iter().map(|protocol| protocol.name()).collect();
    match names.is_empty() {
        true => OFF.to_owned(),
        false => format!(
            "{OFF} The TLS that can be asked for there is surveyed with --starttls {}.",
            names.join(" or --starttls ")
        ),
    }
}

/// In what a server that said this can be asked for TLS.
fn asked_for_in(protocol: PlainProtocol, excerpt: &[u8]) -> Vec<StartTls> {
    let says = |word: &[u8]| excerpt.windows(word.len()).any(|part| part == word);
    match protocol {
        PlainProtocol::SmtpOrFtp if says(b"LMTP") => vec![StartTls::Lmtp],
        PlainProtocol::SmtpOrFtp if says(b"SMTP") => vec![StartTls::Smtp],
        PlainProtocol::SmtpOrFtp if says(b"FTP") => vec![StartTls::Ftp],
        PlainProtocol::SmtpOrFtp => vec![StartTls::Smtp, StartTls::Ftp],
        PlainProtocol::Imap => vec![StartTls::Imap],
        PlainProtocol::Pop3 => vec![StartTls::Pop3],
        PlainProtocol::Mysql => vec![StartTls::Mysql],
        PlainProtocol::Postgres => vec![StartTls::Postgres],
        _ => Vec::new(),
    }
}

/// How Envoy gets to TLS nevertheless.
fn without_starttls(protocol: StartTls) -> String {
    const THROUGH: &str = "pass TCP through without sslConfig, and let the client ask for TLS.";
    match (protocol, protocol.port_of_tls()) {
        (StartTls::Postgres, _) => format!(
            "PostgreSQL 17 and later take TLS from the first byte as well: test that without \
             --starttls, with --alpn postgresql. Else {THROUGH}"
        ),
        (_, Some(port)) => format!(
            "Point the cluster at the port that speaks TLS from the first byte, usually {port}. \
             Else {THROUGH}"
        ),
        (_, None) => format!("For Envoy, {THROUGH}"),
    }
}

fn starttls(fault: &StartTlsFault) -> Option<String> {
    let text = match fault {
        StartTlsFault::OtherProtocol { .. } => "Correct the port, or the protocol.",
        StartTlsFault::NotOffered { .. } => {
            "Have the server's owner turn TLS on, or turn it off for this Upstream."
        }
        StartTlsFault::Refused { .. } => "Try again later, with --connections 1 and --delay 1s.",
        StartTlsFault::Silence { .. } | StartTlsFault::Ended => {
            "A server that speaks TLS from the first byte does this, too: try without --starttls."
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// The verdict in one line, without the target.
pub(super) fn headline(summary: Summary) -> &'static str {
    match summary {
        Summary::Connects => "Envoy connects",
        Summary::NeedsChange => "Envoy cannot connect; a change is needed",
        Summary::NoSettingHelps => "Envoy cannot connect; no setting helps",
        Summary::Unclear => "no answer",
    }
}

/// The same where TLS has to be asked for, of which Envoy knows nothing.
pub(super) fn headline_behind(protocol: StartTls, summary: Summary) -> String {
    let command = protocol.command();
    match summary {
        Summary::Connects => format!("the TLS behind {command} suits Envoy"),
        Summary::NeedsChange => format!("the TLS behind {command} does not suit Envoy as it is"),
        Summary::NoSettingHelps => format!("the TLS behind {command} does not suit Envoy"),
        Summary::Unclear => headline(summary).to_owned(),
    }
}

/// What follows a verdict that is sure while suites are unclear; empty where there is nothing to
/// add.
pub(super) fn but_unclear(summary: Summary, suites: usize) -> String {
    match (summary, suites) {
        (Summary::Unclear, _) | (_, 0) => String::new(),
        (_, 1) => ", but 1 suite is unclear".to_owned(),
        (_, suites) => format!(", but {suites} suites are unclear"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_maximum_may_be_too_low_or_too_high() {
        use TlsVersion as V;
        #[rustfmt::skip]
        let table = [
            (V::TLS13, V::TLS12, "the server wants TLSv1.3"),
            (V::TLS12, V::TLS11, "the server wants TLSv1.2, and Envoy is told to stop at TLSv1.1"),
            (V::TLS11, V::TLS12, "the server fails on hellos for a version above TLSv1.1"),
        ];
        for (needed, in_force, words) in table {
            let finding = Finding::MaximumVersion { needed, in_force, speaks_older: false };
            let text = message(&finding);
            assert!(text.starts_with(words), "{text}");
        }
        let (needed, in_force) = (V::TLS13, V::TLS12);
        let finding = Finding::MaximumVersion { needed, in_force, speaks_older: true };
        let words = "the server accepts nothing that Envoy offers up to TLSv1.2";
        assert!(message(&finding).starts_with(words));
    }
}
