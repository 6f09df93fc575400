//! Holds the module to what real binaries did: every row of `fixtures/envoy/`.

use serde_json::Value;

use super::*;
use crate::tls::{CipherSuite, TlsVersion};
use crate::wire::{ClientHello, Extension};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/envoy/", $name))
    };
}

/// A row of a `.jsonl` file: a configuration, and what each release made of it.
struct Row {
    config: ClientConfig,
    outcome: String,
}

impl Row {
    fn hello(&self) -> Result<ClientHello, ConfigFault> {
        self.config.client_hello(&mut rand::rng())
    }

    /// What the hello shows, or the fault in the words of the fixture.
    fn shown(&self, show: fn(&ClientHello) -> String) -> String {
        match self.hello() {
            Ok(hello) => show(&hello),
            Err(fault) => in_words(&fault),
        }
    }
}

fn in_words(fault: &ConfigFault) -> String {
    let text = fault.to_string();
    match text.split_once(':') {
        Some((reason, _)) if !fault.is_refused_at_load() => format!("fails: {reason}"),
        _ => format!("rejected: {text}"),
    }
}

/// The rows of a fixture, one for each release.
fn rows(fixture: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for line in fixture.lines().skip(1) {
        let row: Value = serde_json::from_str(line).unwrap();
        for (releases, outcome) in row["outcomes"].as_object().unwrap() {
            for release in releases.split(' ') {
                rows.push(Row {
                    config: config(release.parse().unwrap(), &row),
                    outcome: outcome.as_str().unwrap().to_owned(),
                });
            }
        }
    }
    assert!(rows.len() >= 250 && rows.len().is_multiple_of(5), "{}", rows.len());
    rows
}

fn config(release: Release, row: &Value) -> ClientConfig {
    let version = |key: &str| row[key].as_str().map(|v| TlsVersion::from_envoy_name(v).unwrap());
    let strings = |key: &str| -> Vec<String> {
        let list = row[key].as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(|entry| entry.as_str().unwrap().to_owned()).collect()
    };
    ClientConfig {
        minimum_protocol_version: version("minimum"),
        maximum_protocol_version: version("maximum"),
        cipher_suites: strings("cipher_suites"),
        ecdh_curves: strings("ecdh_curves"),
        signature_algorithms: strings("signature_algorithms"),
        sni: row["sni"].as_str().map(str::to_owned),
        alpn_protocols: strings("alpn_protocols"),
        protocol: match row["protocol"].as_str() {
            None | Some("http1") => Protocol::Http1,
            Some("http2") => Protocol::Http2,
            Some("auto") => Protocol::Auto,
            Some("tcp") => Protocol::Tcp,
            Some(other) => panic!("no protocol {other}"),
        },
        ..ClientConfig::new(release, Build::Standard)
    }
}

fn hold(fixture: &str, show: fn(&ClientHello) -> String) {
    for row in rows(fixture) {
        assert_eq!(row.shown(show), row.outcome, "{:?}", row.config);
    }
}

fn hex(numbers: impl IntoIterator<Item = u16>) -> String {
    let words: Vec<_> = numbers.into_iter().map(|number| format!("{number:04x}")).collect();
    words.join(" ")
}

fn suites(hello: &ClientHello) -> String {
    hex(hello.cipher_suites.iter().map(|suite| suite.0))
}

#[test]
fn cipher_suites_are_read_as_envoy_reads_them() {
    hold(fixture!("cipher-suites.jsonl"), suites);
    hold(fixture!("cipher-suites-random.jsonl"), suites);
}

#[test]
fn ecdh_curves_are_read_as_envoy_reads_them() {
    hold(fixture!("ecdh-curves.jsonl"), |hello| {
        let groups = hex(hello.groups().iter().map(|group| group.0));
        let shares = hello.extensions.iter().find_map(|extension| match extension {
            Extension::KeyShare(shares) => Some(hex(shares.iter().map(|share| share.group.0))),
            _ => None,
        });
        let shares = shares.map(|shares| format!(", shares {shares}")).unwrap_or_default();
        format!("groups {groups}{shares}")
    });
}

#[test]
fn signature_algorithms_are_read_as_envoy_reads_them() {
    hold(fixture!("signature-algorithms.jsonl"), |hello| {
        hex(hello.signature_schemes().iter().map(|scheme| scheme.0))
    });
}

#[test]
fn version_bounds_work_as_in_envoy() {
    hold(fixture!("versions.jsonl"), |hello| {
        let supported = hello.extensions.iter().find_map(|extension| match extension {
            Extension::SupportedVersions(versions) => {
                Some(format!(" supported {}", hex(versions.iter().map(|version| version.0))))
            }
            _ => None,
        });
        format!(
            "{:04x}{} suites {}",
            hello.legacy_version.0,
            supported.unwrap_or_default(),
            suites(hello)
        )
    });
}

#[test]
fn client_hellos_are_envoys_own_byte_for_byte() {
    hold(fixture!("client-hellos.jsonl"), masked);
    hold(fixture!("client-hellos-random.jsonl"), masked);
}

/// The packet in hex, with marks for what varies.
fn masked(hello: &ClientHello) -> String {
    let mut text = hex_of(&hello.encode().unwrap());
    for (bytes, mark) in varying_bytes(hello) {
        text = text.replacen(&hex_of(&bytes), &format!("({mark}{})", bytes.len()), 1);
    }
    if let Some(Extension::Padding(count)) = hello.extensions.last() {
        let zeros = "00".repeat(usize::from(*count));
        text = format!("{}(0{count})", text.strip_suffix(&zeros).unwrap());
    }
    text
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What differs between two hellos of one configuration, and what the fixture abbreviates.
fn varying_bytes(hello: &ClientHello) -> Vec<(Vec<u8>, char)> {
    let mut list = vec![(hello.random.to_vec(), 'R')];
    if !hello.session_id.is_empty() {
        list.push((hello.session_id.clone(), 'S'));
    }
    for extension in &hello.extensions {
        match extension {
            Extension::ServerName(name) if name.len() > 35 => {
                list.push((name.clone().into_bytes(), 'N'));
            }
            Extension::KeyShare(shares) => {
                list.extend(shares.iter().map(|share| (share.key_exchange.clone(), 'K')));
            }
            _ => {}
        }
    }
    list
}

#[test]
fn captured_packets_are_made_again_to_the_last_byte() {
    #[rustfmt::skip]
    let table = [
        ("1.36 http1",          fixture!("1.36-http1.hex"),          130),
        ("1.36 http1-sni",      fixture!("1.36-http1-sni.hex"),      162),
        ("1.36 http2-sni",      fixture!("1.36-http2-sni.hex"),      156),
        ("1.36 auto-sni",       fixture!("1.36-auto-sni.hex"),       165),
        ("1.36 tcp",            fixture!("1.36-tcp.hex"),            115),
        ("1.36 tls13-sni",      fixture!("1.36-tls13-sni.hex"),      257),
        ("1.36 tls13-only-sni", fixture!("1.36-tls13-only-sni.hex"), 224),
        ("1.36 tls11-sni",      fixture!("1.36-tls11-sni.hex"),      138),
        ("1.36 custom-sni",     fixture!("1.36-custom-sni.hex"),     156),
        ("1.40 http1",          fixture!("1.40-http1.hex"),          130),
        ("1.40 http1-sni",      fixture!("1.40-http1-sni.hex"),      162),
        ("1.40 http2-sni",      fixture!("1.40-http2-sni.hex"),      156),
        ("1.40 auto-sni",       fixture!("1.40-auto-sni.hex"),       165),
        ("1.40 tcp",            fixture!("1.40-tcp.hex"),            115),
        ("1.40 tls13-sni",      fixture!("1.40-tls13-sni.hex"),      1479),
        ("1.40 tls13-only-sni", fixture!("1.40-tls13-only-sni.hex"), 1446),
        ("1.40 tls11-sni",      fixture!("1.40-tls11-sni.hex"),      138),
        ("1.40 custom-sni",     fixture!("1.40-custom-sni.hex"),     156),
    ];
    for (case, text, length) in table {
        let captured = bytes(text);
        assert_eq!(captured.len(), length, "{case}");
        let (release, kind) = case.split_once(' ').unwrap();
        let config = packet_config(release.parse().unwrap(), kind);
        let mut hello = config.client_hello(&mut rand::rng()).unwrap();
        borrow_varying_bytes(&mut hello, &captured);
        assert_eq!(hex_of(&hello.encode().unwrap()), hex_of(&captured), "{case}");
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).collect();
    (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

fn packet_config(release: Release, kind: &str) -> ClientConfig {
    let mut config = ClientConfig::new(release, Build::Standard);
    let kind = match kind.strip_suffix("-sni") {
        Some(rest) => {
            config.sni = Some("my-upstream.example.com".to_owned());
            rest
        }
        None => kind,
    };
    match kind {
        "http1" => {}
        "http2" => config.protocol = Protocol::Http2,
        "auto" => config.protocol = Protocol::Auto,
        "tcp" => config.protocol = Protocol::Tcp,
        "tls13" => config.maximum_protocol_version = Some(TlsVersion::TLS13),
        "tls13-only" => {
            config.minimum_protocol_version = Some(TlsVersion::TLS13);
            config.maximum_protocol_version = Some(TlsVersion::TLS13);
        }
        "tls11" => {
            config.minimum_protocol_version = Some(TlsVersion::TLS10);
            config.maximum_protocol_version = Some(TlsVersion::TLS11);
            config.cipher_suites = vec!["ALL".to_owned()];
        }
        "custom" => {
            let group = "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]";
            config.cipher_suites = vec![group.to_owned(), "AES128-SHA".to_owned()];
            config.ecdh_curves = vec!["P-384".to_owned(), "P-256".to_owned()];
        }
        other => panic!("no packet {other}"),
    }
    config
}

/// Takes the random, the session id and the keys from a capture, at the offsets where the
/// captures of one configuration differ from each other; the keys stand last but 15 bytes.
fn borrow_varying_bytes(hello: &mut ClientHello, captured: &[u8]) {
    hello.random.copy_from_slice(&captured[11..43]);
    let length = hello.session_id.len();
    hello.session_id.copy_from_slice(&captured[44..44 + length]);
    let versions = match hello.highest_version() == hello.legacy_version {
        true => 0,
        false => hello.encode().unwrap().len() - keys_end(hello),
    };
    let mut end = captured.len() - versions;
    for extension in &mut hello.extensions {
        if let Extension::KeyShare(shares) = extension {
            for share in shares.iter_mut().rev() {
                let start = end - share.key_exchange.len();
                share.key_exchange.copy_from_slice(&captured[start..end]);
                end = start - 4;
            }
        }
    }
}

/// Where the last key share ends.
fn keys_end(hello: &ClientHello) -> usize {
    let at = hello.extensions.iter().position(|e| matches!(e, Extension::KeyShare(_))).unwrap();
    let shorter = ClientHello { extensions: hello.extensions[..=at].to_vec(), ..hello.clone() };
    shorter.encode().unwrap().len()
}

#[test]
fn every_spelling_of_a_suite_is_taken_as_each_release_takes_it() {
    let table = fixture!("cipher-names.csv");
    let mut header = table.lines().next().unwrap().split(',');
    let releases: Vec<Release> = header
        .by_ref()
        .filter_map(|column| column.strip_prefix("envoy_"))
        .map(|release| release.parse().unwrap())
        .collect();
    assert_eq!((releases.len(), table.lines().count()), (5, 280));
    for line in table.lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        for (release, alone) in releases.iter().zip(&cells[3..8]) {
            hold_name(*release, &cells, *alone == "accepted");
        }
    }
}

fn hold_name(release: Release, cells: &[&str], accepted: bool) {
    let (name, in_list, sent) = (cells[0], cells[8], cells[9] == "yes");
    let case = format!("{release} {name}");
    let number = cells[2].strip_prefix("0x").and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let expected = number.map(CipherSuite).filter(|_| accepted && sent);
    assert_eq!(release.suite_named(name), expected, "{case}");

    let offer = |names: &[&str]| {
        let mut config = ClientConfig::new(release, Build::Standard);
        config.cipher_suites = names.iter().map(|&name| name.to_owned()).collect();
        config.offer().map(|offer| offer.cipher_suites)
    };
    match offer(&[name]) {
        Ok(suites) => assert_eq!(Some(suites), expected.map(|suite| vec![suite]), "{case}"),
        Err(ConfigFault::NoCiphersAvailable { .. }) => assert!(accepted && !sent, "{case}"),
        Err(ConfigFault::CipherSuites { rejected, .. }) => {
            assert!(!accepted, "{case}");
            assert_eq!(rejected, [name], "{case}");
        }
        Err(other) => panic!("{case}: {other}"),
    }

    let beside = offer(&[name, "AES256-SHA"]);
    if accepted || in_list == "silently_ignored" {
        let mut suites: Vec<_> = expected.into_iter().chain([CipherSuite(0x0035)]).collect();
        suites.dedup();
        assert_eq!(beside, Ok(suites), "{case}");
    } else {
        let list = format!("{name}:AES256-SHA");
        let rejected = vec![name.to_owned()];
        assert_eq!(beside, Err(ConfigFault::CipherSuites { list, rejected }), "{case}");
    }
}
