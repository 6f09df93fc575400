//! Whatever strings a cluster sets, they make a fault or a hello that another parser reads.
//!
//! The first line picks the release, the build and the versions by its bytes. The next five are
//! `cipher_suites`, `ecdh_curves`, `signature_algorithms` and `alpn_protocols`, entries between
//! blanks, and `sni`.
#![no_main]

use cipher_test::envoy::{Build, ClientConfig, Release};
use cipher_test::tls::TlsVersion;
use libfuzzer_sys::fuzz_target;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use tls_parser::{
    TlsExtension, TlsMessage, TlsMessageHandshake, parse_tls_client_hello_extensions,
    parse_tls_plaintext,
};

const VERSIONS: [Option<TlsVersion>; 6] = [
    None,
    Some(TlsVersion::TLS10),
    Some(TlsVersion::TLS11),
    Some(TlsVersion::TLS12),
    Some(TlsVersion::TLS13),
    Some(TlsVersion::SSL3),
];

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let config = config(&mut lines);
    let mut rng = SmallRng::seed_from_u64(0);
    let (offer, hello) = match (config.offer(), config.client_hello(&mut rng)) {
        (Ok(offer), Ok(hello)) => (offer, hello),
        (Err(fault), Err(same)) => {
            assert_eq!(fault, same);
            assert!(!fault.to_string().is_empty());
            return;
        }
        // A group that is known but for which no key can be made.
        (Ok(_), Err(fault)) => {
            assert!(!fault.to_string().is_empty());
            return;
        }
        (Err(fault), Ok(_)) => panic!("a hello in spite of {fault}"),
    };
    let Ok(bytes) = hello.encode() else {
        assert!(text.len() > 4096, "too long to encode");
        return;
    };
    let (rest, record) = parse_tls_plaintext(&bytes).expect("a record");
    assert!(rest.is_empty());
    let [TlsMessage::Handshake(TlsMessageHandshake::ClientHello(parsed))] = &record.msg[..] else {
        panic!("no ClientHello in {bytes:02x?}");
    };
    assert_eq!(parsed.version.0, offer.maximum.min(TlsVersion::TLS12).0);
    let suites: Vec<_> = hello.cipher_suites.iter().map(|suite| suite.0).collect();
    let parsed_suites: Vec<_> = parsed.ciphers.iter().map(|suite| suite.0).collect();
    assert_eq!(parsed_suites, suites);
    let (rest, extensions) =
        parse_tls_client_hello_extensions(parsed.ext.expect("extensions")).expect("extensions");
    assert!(rest.is_empty());
    assert_eq!(extensions.len(), hello.extensions.len());
    for extension in &extensions {
        match extension {
            TlsExtension::SNI(names) => {
                let name = names.first().map(|(_, name)| *name);
                assert_eq!(name, offer.sni.as_deref().map(str::as_bytes));
            }
            TlsExtension::EllipticCurves(groups) => {
                assert!(groups.iter().map(|group| group.0).eq(offer.groups.iter().map(|g| g.0)));
            }
            _ => {}
        }
    }
});

fn config<'a>(lines: &mut impl Iterator<Item = &'a str>) -> ClientConfig {
    let picks = lines.next().unwrap_or_default().as_bytes();
    let pick = |index: usize| picks.get(index).copied().map_or(0, usize::from);
    let releases: Vec<_> = Release::all().collect();
    let build = if pick(1) % 2 == 0 { Build::Standard } else { Build::Fips };
    let mut config = ClientConfig::new(releases[pick(0) % releases.len()], build);
    config.minimum_protocol_version = VERSIONS[pick(2) % VERSIONS.len()];
    config.maximum_protocol_version = VERSIONS[pick(3) % VERSIONS.len()];
    let mut list = || {
        let line = lines.next().unwrap_or_default();
        line.split_terminator(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    config.cipher_suites = list();
    config.ecdh_curves = list();
    config.signature_algorithms = list();
    config.alpn_protocols = list();
    config.sni = lines.next().map(str::to_owned);
    config
}
