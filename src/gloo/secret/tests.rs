//! One test for each rule of Gloo's and Envoy's on Secrets.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::dsa::Dsa;
use openssl::ec::{Asn1Flag, EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Builder, X509Name};
use serde_json::{Value, json};

use super::*;

/// Some day in 2026.
const NOW: i64 = 1_790_000_000;
const DAY: i64 = 86_400;

fn terms(gloo: &str) -> Terms {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.unsigned_abs());
    Terms::new(gloo.parse().unwrap(), now)
}

fn on_curve(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn p256() -> PKey<Private> {
    on_curve(Nid::X9_62_PRIME256V1)
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// What is added to a certificate.
type Change = fn(&mut X509Builder);

/// A certificate in the making.
struct Draft<'a> {
    subject: &'a str,
    issuer: Option<(&'a str, &'a PKey<Private>)>,
    days: (i64, i64),
    is_authority: bool,
    more: Change,
    digest: fn() -> MessageDigest,
}

impl Default for Draft<'_> {
    fn default() -> Self {
        Self {
            subject: "client",
            issuer: None,
            days: (-1, 365),
            is_authority: false,
            more: |builder| {
                let context = builder.x509v3_context(None, None);
                let names = SubjectAlternativeName::new().dns("client.example").build(&context);
                builder.append_extension(names.unwrap()).unwrap();
            },
            digest: MessageDigest::sha256,
        }
    }
}

impl Draft<'_> {
    fn made_for(&self, key: &PKey<Private>) -> Vec<u8> {
        let name = |common: &str| {
            let mut name = X509Name::builder().unwrap();
            name.append_entry_by_nid(Nid::COMMONNAME, common).unwrap();
            name.build()
        };
        let (issuer, signer) = self.issuer.unwrap_or((self.subject, key));
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(63, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
        builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
        builder.set_subject_name(&name(self.subject)).unwrap();
        builder.set_issuer_name(&name(issuer)).unwrap();
        builder.set_pubkey(key).unwrap();
        let on = |day: i64| Asn1Time::from_unix(NOW + day * DAY).unwrap();
        builder.set_not_before(&on(self.days.0)).unwrap();
        builder.set_not_after(&on(self.days.1)).unwrap();
        if self.is_authority {
            let constraints = BasicConstraints::new().critical().ca().build().unwrap();
            builder.append_extension(constraints).unwrap();
        }
        (self.more)(&mut builder);
        let has_own_digest =
            matches!(signer.id(), openssl::pkey::Id::ED25519 | openssl::pkey::Id::ED448);
        let digest = if has_own_digest { MessageDigest::null() } else { (self.digest)() };
        builder.sign(signer, digest).unwrap();
        builder.build().to_pem().unwrap()
    }
}

fn certificate(key: &PKey<Private>) -> Vec<u8> {
    Draft::default().made_for(key)
}

fn authority(days: (i64, i64)) -> Vec<u8> {
    Draft { subject: "CA", days, is_authority: true, ..Draft::default() }.made_for(&p256())
}

fn pem(key: &PKey<Private>) -> Vec<u8> {
    key.private_key_to_pem_pkcs8().unwrap()
}

fn document(data: &[(&str, &[u8])]) -> Value {
    let data = data.iter().map(|(name, bytes)| ((*name).to_owned(), STANDARD.encode(bytes).into()));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": { "name": "s", "namespace": "ns" },
        "data": Value::Object(data.collect()),
    })
}

fn secret(chain: &[u8], key: &[u8], authority: Option<&[u8]>) -> Secret {
    let mut data = vec![("tls.crt", chain), ("tls.key", key)];
    data.extend(authority.map(|bytes| ("ca.crt", bytes)));
    Secret::take(&mut document(&data)).unwrap()
}

fn judge(chain: &[u8], key: &[u8], authority: Option<&[u8]>) -> SecretVerdict {
    secret(chain, key, authority).judge(&terms("1.21"))
}

fn codes(verdict: &SecretVerdict) -> Vec<&'static str> {
    verdict.findings.iter().map(SecretFinding::code).collect()
}

fn kind(document: &mut Value) -> String {
    match Secret::take(document).map(|secret| secret.kind) {
        Ok(SecretKind::Tls(_)) => "tls".to_owned(),
        Ok(SecretKind::Header { looks_like_tls }) => format!("header {}", looks_like_tls.join(" ")),
        Ok(SecretKind::Unseen { kind, is_empty }) => format!("unseen {kind} {is_empty}"),
        Err(fault) => fault.to_string(),
    }
}

fn takes(more: &Value) -> String {
    let mut document = json!({ "kind": "Secret", "metadata": { "name": "s" } });
    let fields = document.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    kind(&mut document)
}

#[test]
fn types_become_what_gloos_converters_make_of_them() {
    let by_glooctl = json!({ "name": "s", "annotations": { "resource_kind": "*v1.Secret" } });
    let old = STANDARD.encode("certChain: a\nprivateKey: b\nrootCa: c\n");
    #[rustfmt::skip]
    let table = [
        (json!({ "type": "kubernetes.io/tls" }), "tls"),
        (json!({ "type": "Opaque", "data": { "tls": old }, "metadata": by_glooctl }), "tls"),
        (json!({ "type": "Opaque", "data": { "tls": old } }), "header tls"),
        (json!({ "type": "Opaque", "data": { "tls": old, "x": "" }, "metadata": by_glooctl }), "header tls"),
        (json!({ "type": "Opaque", "data": { "tls.crt": "", "ca.crt": "" } }), "header tls.crt ca.crt"),
        (json!({ "data": { "password": "" } }), "header "),
        (json!({ "type": "Opaque" }), "unseen Opaque true"),
        (json!({ "type": "Opaque", "data": null }), "unseen Opaque true"),
        (json!({ "type": "kubernetes.io/dockerconfigjson", "data": { ".dockerconfigjson": "" } }),
         "unseen kubernetes.io/dockerconfigjson false"),
    ];
    for (more, expected) in table {
        assert_eq!(takes(&more), expected, "{more}");
    }
}

#[test]
fn secrets_that_gloo_ignores_say_what_gloo_says() {
    let status = |more: Value| {
        let mut document =
            json!({ "kind": "Secret", "metadata": { "name": "s", "namespace": "ns" } });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let secret = Secret::take(&mut document).unwrap();
        let verdict = secret.judge(&terms("1.21"));
        assert!(verdict.is_blocked() && verdict.mode.is_none());
        verdict.gloo_status(&secret.name).unwrap()
    };
    let opaque = status(json!({ "data": { "tls.crt": "" } }));
    assert_eq!(opaque, "name:\"s\" namespace:\"ns\" is not a TLS secret");
    let empty = status(json!({ "type": "Opaque" }));
    assert_eq!(empty, "SSL secret not found: list did not find secret ns.s");
    let broken =
        status(json!({ "type": "kubernetes.io/tls", "data": { "tls.crt": "", "tls.key": "" } }));
    assert_eq!(
        broken,
        "name:\"s\" namespace:\"ns\" is not a valid TLS secret: tls: failed to find any PEM data \
         in certificate input"
    );
}

#[test]
fn string_data_goes_before_data() {
    let mut document = document(&[("tls.crt", b"old"), ("tls.key", b"key")]);
    document["stringData"] = json!({ "tls.crt": "new" });
    let secret = Secret::take(&mut document).unwrap();
    let material = secret.material().unwrap();
    assert_eq!((&material.chain[..], &material.key[..]), (&b"new"[..], &b"key"[..]));
}

#[test]
fn base64_may_have_line_ends_and_nothing_else() {
    let with =
        |text: &str| takes(&json!({ "type": "kubernetes.io/tls", "data": { "tls.key": text } }));
    assert_eq!(with("QU\r\nFB\n"), "tls");
    for broken in ["QU FB", "QUF", "-----BEGIN PRIVATE KEY-----", "QUFB\u{0}"] {
        assert_eq!(
            with(broken),
            "data.tls.key is not base64; plain text belongs into stringData",
            "{broken:?}"
        );
    }
}

/// What stands in the wrong place may be a key.
#[test]
fn faults_name_no_value() {
    const KEY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    #[rustfmt::skip]
    let table = [
        (json!({ "data": KEY }), "data must be an object"),
        (json!({ "data": [KEY] }), "data must be an object"),
        (json!({ "data": { KEY: 7 } }), "a value in data must be a string"),
        (json!({ "data": { KEY: "!" } }), "a value in data is not base64; plain text belongs into stringData"),
        (json!({ "data": { "tls.key": [KEY] } }), "data.tls.key must be a string"),
        (json!({ "stringData": { "tls.key": { KEY: KEY } } }), "stringData.tls.key must be a string"),
        (json!({ "type": { KEY: KEY } }), "type must be a string"),
        (json!({ "type": [KEY] }), "type must be a string"),
        (json!({ "type": KEY.repeat(2), "data": { "a": "" } }), "unseen another false"),
        (json!({ "metadata": KEY }), "metadata must be an object"),
        (json!({ "metadata": { "name": KEY } }),
         "metadata.name is no name that Kubernetes takes: lower-case letters, digits, - and ."),
        (json!({ "metadata": { "name": "s", "namespace": KEY } }),
         "metadata.namespace is no name that Kubernetes takes: lower-case letters, digits, - and ."),
        (json!({ "metadata": { "name": "s", "annotations": KEY } }), "metadata.annotations must be an object"),
        (json!({ "metadata": {} }), "metadata.name is missing"),
    ];
    for (more, expected) in table {
        assert_eq!(takes(&more), expected, "{more}");
    }
}

#[test]
fn every_text_of_the_document_is_wiped() {
    fn texts(value: &Value) -> Vec<&str> {
        match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().flat_map(texts).collect(),
            Value::Object(fields) => fields.values().flat_map(texts).collect(),
            _ => Vec::new(),
        }
    }
    for name in ["s", "NOT A NAME"] {
        let mut document = document(&[("tls.key", b"secret")]);
        document["metadata"]["name"] = name.into();
        document["metadata"]["annotations"] = json!({ LAST_APPLIED: "{\"data\": {}}" });
        document["stringData"] = json!({ "tls.crt": ["secret"] });
        let _ = Secret::take(&mut document);
        assert!(texts(&document).iter().all(|text| text.is_empty()), "{document}");
    }
}

#[test]
fn debug_forms_show_no_material() {
    let secret = secret(b"CHAIN", b"KEYKEYKEY", Some(b"AUTHORITY"));
    let shown = format!("{secret:?}");
    assert!(!shown.contains("KEYKEY") && !shown.contains("75, 69, 89"), "{shown}");
}

#[test]
fn a_good_pair_is_mutual_tls() {
    let key = p256();
    let verdict = judge(&certificate(&key), &pem(&key), Some(&authority((-1, 365))));
    assert_eq!(codes(&verdict), [""; 0]);
    assert_eq!(verdict.mode, Some(Mode { sends_certificate: true, verifies: true }));
    let leaf = verdict.leaf.unwrap();
    assert_eq!((leaf.key.as_str(), leaf.names), ("ECDSA P-256", vec!["client.example".to_owned()]));
}

#[test]
fn modes_follow_from_content_and_one_way_tls() {
    let key = p256();
    let (chain, key, ca) = (certificate(&key), pem(&key), authority((-1, 365)));
    let pair = secret(&chain, &key, None);
    let all = secret(&chain, &key, Some(&ca));
    let alone = secret(b"", b"", Some(&ca));
    #[rustfmt::skip]
    let table = [
        (&pair,  "1.21", false, (true, false)),
        (&pair,  "1.21", true,  (false, false)),
        (&pair,  "1.19", true,  (true, false)),
        (&all,   "1.21", false, (true, true)),
        (&all,   "1.20", true,  (false, true)),
        (&all,   "1.19", true,  (true, false)),
        (&all,   "1.18", true,  (true, false)),
        (&all,   "1.17", true,  (true, true)),
        (&alone, "1.21", false, (false, true)),
        (&alone, "1.21", true,  (false, true)),
        (&alone, "1.19", true,  (false, false)),
    ];
    for (secret, gloo, one_way_tls, expected) in table {
        let verdict = secret.judge(&Terms { one_way_tls, ..terms(gloo) });
        let mode = verdict.mode.unwrap();
        assert_eq!((mode.sends_certificate, mode.verifies), expected, "{gloo} {one_way_tls}");
        let code = match gloo {
            "1.18" | "1.19" => "one-way-tls-drops-verification",
            "1.17" => "one-way-tls-unknown",
            _ => "none",
        };
        let has_ca = secret.material().is_some_and(|material| !material.authority.is_empty());
        let expected = one_way_tls && code != "none" && has_ca;
        assert_eq!(codes(&verdict).contains(&code), expected, "{gloo} {one_way_tls}");
    }
}

/// Facts of Go's `tls.X509KeyPair`, in its order: what is first is what Gloo says.
#[test]
fn pairs_are_refused_in_the_words_of_go() {
    let (key, other, far) = (p256(), p256(), rsa(2048));
    let chain = certificate(&key);
    let text = |pem: &[u8]| String::from_utf8(pem.to_vec()).unwrap();
    let (crt, key_pem) = (text(&chain), text(&pem(&key)));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let block = |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
    let encrypted =
        text(&key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"x").unwrap());
    let old_encrypted = key.ec_key().unwrap();
    let old_encrypted =
        text(&old_encrypted.private_key_to_pem_passphrase(Cipher::aes_128_cbc(), b"x").unwrap());
    let headers = crt.replacen("-----\n", "-----\nA: b\n\n", 1);
    let secp256k1 = on_curve(Nid::SECP256K1);
    let ed448 = PKey::generate_ed448().unwrap();
    let dsa = PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap();
    let x25519 = PKey::generate_x25519().unwrap();
    let leaf_of_other = text(&certificate(&other));
    #[rustfmt::skip]
    let table: Vec<(String, String, &str, &str)> = vec![
        ("".into(), "".into(), "tls: failed to find any PEM data in certificate input", "tls.crt is empty."),
        ("/etc/tls/tls.crt".into(), key_pem.clone(), "tls: failed to find any PEM data in certificate input",
         "tls.crt looks like a path, and must be the PEM text itself."),
        (STANDARD.encode(&crt), key_pem.clone(), "tls: failed to find any PEM data in certificate input",
         "tls.crt is in base64 twice: put the PEM text into stringData, or encode it once for data."),
        (crt.replace('\n', "\\n"), key_pem.clone(), "tls: failed to find any PEM data in certificate input",
         "tls.crt is PEM in one line: its line ends are lost."),
        (crt.clone(), "".into(), "tls: failed to find any PEM data in key input", "tls.key is empty."),
        (crt.clone(), "/etc/tls/tls.key".into(), "tls: failed to find any PEM data in key input",
         "tls.key looks like a path, and must be the PEM text itself."),
        (crt.clone(), format!("  {}", key_pem.replace('\n', "\n  ")), "tls: failed to find any PEM data in key input", ""),
        (key_pem.clone(), crt.clone(),
         "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
         "tls.crt and tls.key seem to be swapped."),
        (crt.clone(), crt.clone(), "tls: found a certificate rather than a key in the PEM for the private key",
         "tls.crt and tls.key seem to be swapped."),
        (block("X509 CRL") + &block("FOO"), key_pem.clone(),
         "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [X509 CRL FOO]", ""),
        (crt.clone(), block("PUBLIC KEY"),
         "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [PUBLIC KEY]", ""),
        (broken.into(), key_pem.clone(), "x509: malformed certificate", "It is certificate 1 of tls.crt."),
        (crt.clone() + broken, key_pem.clone(), "x509: malformed certificate", "It is certificate 2 of tls.crt."),
        (text(&certificate(&secp256k1)), text(&pem(&secp256k1)), "x509: unsupported elliptic curve", "It is certificate 1 of tls.crt."),
        (crt.clone(), encrypted, "tls: failed to parse private key",
         "tls.key has a passphrase, which Gloo cannot give: store it without one, as openssl pkey -in FILE writes it."),
        (crt.clone(), old_encrypted, "tls: failed to parse private key",
         "tls.key has a passphrase, which Gloo cannot give: store it without one, as openssl pkey -in FILE writes it."),
        (crt.clone(), block("PRIVATE KEY"), "tls: failed to parse private key",
         "tls.key must be an RSA, ECDSA or Ed25519 key in PKCS #8, PKCS #1 or SEC 1."),
        (text(&certificate(&ed448)), text(&pem(&ed448)), "tls: failed to parse private key",
         "tls.key must be an RSA, ECDSA or Ed25519 key in PKCS #8, PKCS #1 or SEC 1."),
        (text(&certificate(&dsa)), key_pem.clone(), "tls: unknown public key algorithm", "Use an RSA or ECDSA certificate."),
        (crt.clone(), text(&pem(&x25519)), "tls: found unknown private key type in PKCS#8 wrapping", "Use an RSA or ECDSA certificate."),
        (crt.clone(), text(&pem(&far)), "tls: private key type does not match public key type", "tls.key belongs to another certificate."),
        (crt.clone(), text(&pem(&other)), "tls: private key does not match public key", "tls.key belongs to another certificate."),
        (leaf_of_other + &crt, key_pem.clone(), "tls: private key does not match public key",
         "tls.key belongs to certificate 2 of tls.crt: that one must come first, and then each that has signed the one before it."),
        (headers, key_pem.clone(), "data does not contain any valid RSA or ECDSA certificates",
         "Remove the lines between BEGIN CERTIFICATE and the base64."),
    ];
    for (chain, key, reason, advice) in table {
        let verdict = judge(chain.as_bytes(), key.as_bytes(), None);
        let SecretFinding::KeyPair(fault) = &verdict.findings[0] else {
            panic!("{reason}: {:?}", verdict.findings);
        };
        assert_eq!(fault.to_string(), reason);
        let expected = Some(advice.to_owned()).filter(|advice| !advice.is_empty());
        if !chain.starts_with(' ') && !key.starts_with(' ') {
            assert_eq!(verdict.findings[0].advice(), expected, "{reason}");
        }
        assert!(verdict.is_blocked() && verdict.mode.is_none());
    }
}

#[test]
fn keys_are_taken_in_every_form_that_go_parses() {
    let (key, far) = (p256(), rsa(2048));
    let sec1 = key.ec_key().unwrap().private_key_to_pem().unwrap();
    let parameters =
        b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let pkcs1 = far.rsa().unwrap().private_key_to_pem().unwrap();
    let crlf = String::from_utf8(pem(&key)).unwrap().replace('\n', "\r\n");
    let (near_crt, far_crt) = (certificate(&key), certificate(&far));
    for (chain, key) in [
        (&near_crt, sec1.clone()),
        (&near_crt, [&parameters[..], &sec1].concat()),
        (&near_crt, crlf.into_bytes()),
        (&near_crt, [b"a comment\n", &pem(&key)[..]].concat()),
        (&far_crt, pkcs1),
        (&far_crt, pem(&far)),
    ] {
        let verdict = judge(chain, &key, None);
        assert!(!verdict.is_blocked(), "{:?}", verdict.findings);
    }
}

/// Measured with Envoy 1.36 and 1.40: `--mode validate` with each of these keys.
#[test]
fn keys_that_envoy_does_not_load_are_blocking() {
    let explicit = {
        let mut group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    };
    #[rustfmt::skip]
    let table = [
        (rsa(1024), vec!["unusable-key"]),
        (rsa(2048), vec![]),
        (p256(), vec![]),
        (on_curve(Nid::SECP384R1), vec!["curve-not-offered"]),
        (on_curve(Nid::SECP521R1), vec!["curve-not-offered"]),
        (on_curve(Nid::SECP224R1), vec!["unusable-key"]),
        (on_curve(Nid::SECP256K1), vec!["key-pair", "unusable-key"]),
        (explicit, vec!["key-pair", "unusable-key"]),
        (PKey::generate_ed25519().unwrap(), vec!["ed-key"]),
        (PKey::generate_ed448().unwrap(), vec!["key-pair", "unusable-key"]),
        (PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap(), vec!["key-pair", "unusable-key"]),
    ];
    for (key, expected) in table {
        let verdict = judge(&certificate(&key), &pem(&key), None);
        assert_eq!(codes(&verdict), expected, "{:?}", verdict.leaf.map(|leaf| leaf.key));
    }
}

/// Gloo never parses `ca.crt`. Measured with Envoy 1.36 and 1.40.
#[test]
fn a_broken_ca_is_found_by_envoy_alone() {
    let ca = authority((-1, 365));
    let ca = std::str::from_utf8(&ca).unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let key = String::from_utf8(pem(&p256())).unwrap();
    #[rustfmt::skip]
    let table: Vec<(String, Vec<&str>)> = vec![
        (ca.to_owned(), vec![]),
        (ca.to_owned() + ca, vec![]),
        (format!("comment\n{ca}more"), vec![]),
        (ca.replace('\n', "\r\n"), vec![]),
        (ca.to_owned() + &key, vec!["key-in-ca"]),
        ("not a pem".to_owned(), vec!["ca-unreadable"]),
        ("\n".to_owned(), vec!["ca-unreadable"]),
        (key, vec!["ca-unreadable", "key-in-ca"]),
        (broken.to_owned(), vec!["ca-unreadable"]),
        (ca.to_owned() + broken, vec!["ca-unreadable"]),
        (broken.to_owned() + ca, vec!["ca-unreadable"]),
        (format!(" {}", ca.replace('\n', "\n ")), vec!["ca-unreadable"]),
        (String::from_utf8(certificate(&p256())).unwrap(), vec!["not-an-authority"]),
    ];
    for (ca, expected) in table {
        let verdict = judge(b"", b"", Some(ca.as_bytes()));
        assert_eq!(codes(&verdict), expected, "{ca}");
        let pair = secret(b"", b"", Some(ca.as_bytes()));
        assert!(pair.judge(&terms("1.21")).gloo_status(&pair.name).is_none());
    }
}

#[test]
fn dates_are_warned_about_and_block_nothing() {
    #[rustfmt::skip]
    let table = [
        ((-60, -30), "the client certificate expired 30 days ago: Gloo and Envoy do not look, and servers refuse it with certificate_expired"),
        ((-60, -1), "the client certificate expired yesterday: Gloo and Envoy do not look, and servers refuse it with certificate_expired"),
        ((2, 60), "the client certificate is not valid yet, only in 2 days"),
        ((-60, 0), "the client certificate expires today"),
        ((-60, 1), "the client certificate expires tomorrow"),
        ((-60, 29), "the client certificate expires in 29 days"),
        ((-60, 30), ""),
    ];
    let key = p256();
    for (days, expected) in table {
        let chain = Draft { days, ..Draft::default() }.made_for(&key);
        let verdict = judge(&chain, &pem(&key), None);
        let messages: Vec<_> = verdict.findings.iter().map(SecretFinding::message).collect();
        let expected: Vec<_> = Some(expected).into_iter().filter(|text| !text.is_empty()).collect();
        assert_eq!(messages, expected);
        assert!(!verdict.is_blocked());
    }
    let verdict = judge(b"", b"", Some(&authority((-60, -30))));
    assert_eq!(codes(&verdict), ["expired"]);
    assert!(
        verdict.findings[0].message().contains("Envoy refuses servers whose chain leads to it")
    );
}

#[test]
fn the_chain_goes_from_the_leaf_to_the_root() {
    let (leaf_key, middle_key, root_key) = (p256(), p256(), p256());
    let root = Draft { subject: "root", is_authority: true, ..Draft::default() };
    let root = root.made_for(&root_key);
    let middle = Draft {
        subject: "middle",
        issuer: Some(("root", &root_key)),
        is_authority: true,
        ..Draft::default()
    };
    let middle = middle.made_for(&middle_key);
    let leaf = Draft { issuer: Some(("middle", &middle_key)), ..Draft::default() };
    let leaf = leaf.made_for(&leaf_key);
    #[rustfmt::skip]
    let table: [(&[&[u8]], &[&str]); 8] = [
        (&[&leaf, &middle], &[]),
        (&[&leaf], &["chain-alone"]),
        (&[&leaf, &middle, &root], &["root-in-chain"]),
        (&[&leaf, &root, &middle], &["chain-order"]),
        (&[&leaf, &root], &["chain-order"]),
        (&[&leaf, &leaf, &middle], &["duplicate-certificate"]),
        (&[&middle, &leaf], &["key-pair"]),
        (&[b"text\n", &leaf, &middle], &["junk"]),
    ];
    for (parts, expected) in table {
        let verdict = judge(&parts.concat(), &pem(&leaf_key), None);
        assert_eq!(codes(&verdict), expected);
    }
}

#[test]
fn what_servers_refuse_in_a_client_is_warned_about() {
    #[rustfmt::skip]
    let table: [(Change, &[&str]); 6] = [
        (|_| {}, &["no-names"]),
        (|it| it.append_extension(ExtendedKeyUsage::new().server_auth().build().unwrap()).unwrap(),
         &["not-for-clients", "no-names"]),
        (|it| it.append_extension(ExtendedKeyUsage::new().client_auth().server_auth().build().unwrap()).unwrap(),
         &["no-names"]),
        (|it| it.append_extension(ExtendedKeyUsage::new().other("2.5.29.37.0").build().unwrap()).unwrap(),
         &["no-names"]),
        (|it| it.append_extension(KeyUsage::new().key_encipherment().build().unwrap()).unwrap(),
         &["may-not-sign", "no-names"]),
        (|it| it.append_extension(KeyUsage::new().digital_signature().build().unwrap()).unwrap(),
         &["no-names"]),
    ];
    let key = p256();
    for (more, expected) in table {
        let chain = Draft { more, ..Draft::default() }.made_for(&key);
        assert_eq!(codes(&judge(&chain, &pem(&key), None)), expected);
    }
    let root = p256();
    let authority = Draft { issuer: Some(("root", &root)), is_authority: true, ..Draft::default() };
    let verdict = judge(&authority.made_for(&key), &pem(&key), None);
    assert_eq!(codes(&verdict), ["leaf-is-authority", "chain-alone"]);
}

#[test]
fn weak_signatures_and_large_keys_are_told() {
    let key = rsa(2048);
    for (digest, hash) in
        [(MessageDigest::sha1 as fn() -> MessageDigest, "SHA-1"), (MessageDigest::md5, "MD5")]
    {
        let chain = Draft { digest, ..Draft::default() }.made_for(&key);
        let verdict = judge(&chain, &pem(&key), None);
        assert_eq!(codes(&verdict), ["weak-signature"]);
        assert!(verdict.findings[0].message().contains(hash));
    }
    let key = rsa(4104);
    assert_eq!(codes(&judge(&certificate(&key), &pem(&key), None)), ["large-key"]);
}

#[test]
fn what_kubernetes_does_not_take_is_blocking() {
    let mut missing = document(&[("ca.crt", &authority((-1, 365)))]);
    let verdict = Secret::take(&mut missing).unwrap().judge(&terms("1.21"));
    assert_eq!(codes(&verdict), ["keys-missing"]);
    assert!(verdict.findings[0].message().ends_with("without tls.crt and tls.key"));
    let verdict = judge(b"", &vec![b'\n'; (1 << 20) + 1], None);
    assert_eq!(codes(&verdict), ["too-large"]);
}

#[test]
fn staples_and_copies_are_told() {
    let key = p256();
    let (chain, key) = (certificate(&key), pem(&key));
    let mut document =
        document(&[("tls.crt", &chain), ("tls.key", &key), ("tls.ocsp-staple", b"x")]);
    document["metadata"]["annotations"] = json!({ LAST_APPLIED: "{\"data\":{\"tls.key\":\"\"}}" });
    let verdict = Secret::take(&mut document).unwrap().judge(&terms("1.21"));
    assert_eq!(codes(&verdict), ["applied-copy", "staple-unused"]);
}

#[test]
fn upstreams_are_told_what_a_secret_has() {
    let key = p256();
    let mut secrets = Secrets::default();
    let mut good = secret(&certificate(&key), &pem(&key), None);
    good.name.name = "good".to_owned();
    secrets.add(good);
    let mut bad = secret(b"", &pem(&key), None);
    bad.name.name = "bad".to_owned();
    secrets.add(bad);
    let name = |name: &str| ObjectName { namespace: "ns".to_owned(), name: name.to_owned() };
    let usable = SecretKnowledge::Usable { key_pair: true, authority: false };
    assert_eq!(secrets.secret(&name("good")), usable);
    assert_eq!(secrets.secret(&name("bad")), SecretKnowledge::Unusable);
    assert_eq!(secrets.secret(&name("none")), SecretKnowledge::Unknown);
}

#[test]
fn other_kinds_that_are_called_secret_are_passed_over() {
    for (document, expected) in [
        (json!({ "kind": "Secret" }), true),
        (json!({ "apiVersion": "v1", "kind": "Secret" }), true),
        (json!({ "apiVersion": "example.com/v1", "kind": "Secret" }), false),
        (json!({ "apiVersion": "v1", "kind": "ConfigMap" }), false),
    ] {
        assert_eq!(Secret::is_one(&document), expected, "{document}");
    }
}

#[test]
fn codes_are_stable_words() {
    let is_word = |code: &str| {
        code.split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
    };
    for finding in [
        SecretFinding::Junk,
        SecretFinding::AppliedCopy,
        SecretFinding::OneWayUnknown("1.17".parse().unwrap()),
        SecretFinding::AuthorityUnreadable(None),
    ] {
        assert!(is_word(finding.code()), "{}", finding.code());
        assert!(!finding.message().is_empty());
    }
}
