//! `secret`: what Gloo, Envoy and servers make of Kubernetes Secrets.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use openssl::base64::encode_block;
use serde_json::{Value, json};

use crate::support::binary::{Run, cipher_test, command};
use crate::support::envoy::{Release, Upstream, connect, validate};
use crate::support::keys::{self, Leaf, leaf};
use crate::support::servers::{Nginx, Openssl, closed_port};
use crate::support::{root, scratch};

fn pem(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("PEM")
}

fn tls(chain: &[u8], key: &[u8], authority: Option<&[u8]>) -> Value {
    let mut data = json!({ "tls.crt": encode_block(chain), "tls.key": encode_block(key) });
    if let Some(authority) = authority {
        data["ca.crt"] = json!(encode_block(authority));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": { "name": "client", "namespace": "shop" },
        "data": data,
    })
}

/// A certificate of the tests' authority with its key, and that authority as CA.
fn good() -> Value {
    let client = leaf(Leaf::Client);
    tls(&pem(&client.certificate), &pem(&client.key), Some(&pem(keys::authority())))
}

struct Files {
    directory: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { directory: scratch("secret-") }
    }

    fn add(&self, name: &str, documents: &[Value]) -> PathBuf {
        let texts: Vec<_> =
            documents.iter().map(|it| serde_norway::to_string(it).expect("YAML")).collect();
        let path = self.directory.path().join(name);
        std::fs::write(&path, texts.join("---\n")).expect("a file");
        path
    }
}

/// Runs the command, and makes sure that no key comes out of it.
fn secret(path: &Path, args: &[&str]) -> Run {
    let mut all = vec!["secret", path.to_str().expect("UTF-8")];
    all.extend(args);
    let run = cipher_test(&all);
    let client = String::from_utf8(pem(&leaf(Leaf::Client).key)).expect("PEM");
    let text = format!("{}{}", run.stdout, run.stderr);
    for line in client.lines().filter(|line| !line.starts_with("-----")) {
        assert!(!text.contains(&line[..line.len().min(24)]), "key material in\n{text}");
        assert!(!text.contains(&encode_block(line.as_bytes())[..24]), "key material in\n{text}");
    }
    assert!(!text.contains("PRIVATE KEY-----"), "{text}");
    run
}

fn judge(document: Value, args: &[&str]) -> (Option<i32>, Value) {
    let files = Files::new();
    let path = files.add("s.yaml", &[document]);
    let run = secret(&path, &[args, &["--format", "json"]].concat());
    assert_eq!(run.stderr, "");
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let schema = root().join("fixtures/report/schema-secrets-v1.json");
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(schema).expect("a schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    (run.code, report["secrets"][0].clone())
}

fn codes(secret: &Value) -> Vec<&str> {
    let findings = secret["findings"].as_array().expect("findings");
    findings.iter().map(|finding| finding["code"].as_str().expect("a code")).collect()
}

#[test]
fn a_good_secret_is_used_in_the_mode_that_its_content_makes() {
    let mode = |document: &Value, args: &[&str]| {
        let (code, secret) = judge(document.clone(), args);
        assert_eq!(code, Some(0), "{secret:#}");
        (secret["sends_certificate"] == true, secret["verifies"] == true)
    };
    let mut pair = good();
    pair["data"].as_object_mut().unwrap().remove("ca.crt");
    let mut authority = good();
    authority["data"]["tls.crt"] = json!("");
    authority["data"]["tls.key"] = json!("");
    assert_eq!(mode(&good(), &[]), (true, true));
    assert_eq!(mode(&pair, &[]), (true, false));
    assert_eq!(mode(&authority, &[]), (false, true));
    assert_eq!(mode(&good(), &["--one-way-tls"]), (false, true));
    assert_eq!(mode(&good(), &["--one-way-tls", "--gloo", "1.19"]), (true, false));
    assert_eq!(mode(&good(), &["--one-way-tls", "--gloo", "1.17"]), (true, true));
}

#[test]
fn secrets_that_gloo_does_not_take_for_tls_say_what_it_says_of_them() {
    let with = |change: Value| {
        let mut document = good();
        crate::support::envoy::merge(&mut document, &change);
        document
    };
    let key = pem(&leaf(Leaf::Client).key);
    let certificate = pem(&leaf(Leaf::Client).certificate);
    let other = pem(&leaf(Leaf::Rsa).certificate);
    let data = |name: &str, bytes: &[u8]| with(json!({ "data": { name: encode_block(bytes) } }));
    let encrypted =
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    #[rustfmt::skip]
    let table = [
        (with(json!({ "type": "Opaque" })), "not-a-tls-secret", "it has tls.crt, tls.key, ca.crt, but is of type Opaque"),
        (with(json!({ "type": null })), "not-a-tls-secret", "is not a TLS secret"),
        (with(json!({ "type": "example.com/x" })), "not-seen-by-gloo", "SSL secret not found"),
        (with(json!({ "type": "Opaque", "data": null })), "not-seen-by-gloo", "SSL secret not found"),
        (with(json!({ "data": null })), "keys-missing", "Kubernetes takes no Secret"),
        (data("tls.crt", b""), "key-pair", "tls: failed to find any PEM data in certificate input"),
        (data("tls.crt", b"/etc/tls.crt"), "key-pair", "tls: failed to find any PEM data in certificate input"),
        (data("tls.key", b"junk"), "key-pair", "tls: failed to find any PEM data in key input"),
        (data("tls.crt", &key), "key-pair", "PEM inputs may have been switched"),
        (data("tls.key", &certificate), "key-pair", "tls: found a certificate rather than a key"),
        (data("tls.key", encrypted), "key-pair", "tls: failed to parse private key"),
        (data("tls.crt", &pem(&leaf(Leaf::EcdsaP256).certificate)), "key-pair", "private key type does not match public key type"),
        (data("tls.key", &pem(&leaf(Leaf::EcdsaP256).key)), "key-pair", "private key type does not match public key type"),
        (data("ca.crt", b"no PEM"), "ca-unreadable", "Envoy rejects the cluster"),
        (data("ca.crt", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "ca-unreadable", "Envoy rejects the cluster"),
    ];
    for (document, code, words) in table {
        let (exit, secret) = judge(document, &[]);
        assert_eq!((exit, codes(&secret)[0]), (Some(1), code), "{secret:#}");
        let text = secret["findings"][0]["text"].as_str().unwrap();
        assert!(text.contains(words), "{text}");
        assert_eq!(secret.get("sends_certificate"), None);
    }
    // The key of another pair of the same kind.
    let (_, secret) = judge(data("tls.crt", &other), &[]);
    let is_shared = secret["usable"] == true;
    assert!(
        is_shared || secret["findings"][0]["text"].as_str().unwrap().contains("does not match")
    );
}

#[test]
fn the_old_form_of_glooctl_is_read() {
    let text = |path: &Path| String::from_utf8(pem(path)).unwrap();
    let client = leaf(Leaf::Client);
    let inner = json!({
        "certChain": text(&client.certificate),
        "privateKey": text(&client.key),
        "rootCa": text(keys::authority()),
    });
    let document = json!({
        "kind": "Secret",
        "metadata": { "name": "old", "annotations": { "resource_kind": "*v1.Secret" } },
        "stringData": { "tls": inner.to_string() },
    });
    let (code, secret) = judge(document, &[]);
    assert_eq!(code, Some(0), "{secret:#}");
    assert_eq!((&secret["sends_certificate"], &secret["verifies"]), (&json!(true), &json!(true)));
}

#[test]
fn certificates_are_looked_at_where_gloo_does_not_look() {
    let of = |leaf_kind: Leaf| {
        let found = leaf(leaf_kind);
        let (_, secret) = judge(tls(&pem(&found.certificate), &pem(&found.key), None), &[]);
        secret
    };
    assert!(codes(&of(Leaf::RsaExpired)).contains(&"expired"));
    assert!(codes(&of(Leaf::EcdsaWithoutSigning)).contains(&"may-not-sign"));
    assert!(codes(&of(Leaf::RsaEnciphermentOnly)).contains(&"may-not-sign"));
    for kind in [Leaf::Rsa, Leaf::EcdsaP256, Leaf::EcdsaP384, Leaf::EcdsaP521, Leaf::Ed25519] {
        assert_eq!(of(kind)["usable"], true, "{kind:?}");
    }
    for kind in [Leaf::Ed448, Leaf::Dsa] {
        assert_eq!(codes(&of(kind))[..2], ["key-pair", "unusable-key"], "{kind:?}");
    }
    let client = leaf(Leaf::Client);
    let chain = [pem(&client.certificate), pem(keys::authority())].concat();
    let (_, secret) = judge(tls(&chain, &pem(&client.key), None), &[]);
    assert!(codes(&secret).contains(&"root-in-chain"), "{secret:#}");
    let chain = [pem(&client.certificate), pem(&leaf(Leaf::Rsa).certificate)].concat();
    let (_, secret) = judge(tls(&chain, &pem(&client.key), None), &[]);
    assert!(codes(&secret).contains(&"chain-order"), "{secret:#}");
}

/// The verdict on keys is Envoy's own, at load.
#[test]
fn envoy_loads_the_keys_that_are_called_usable_and_no_others() {
    let anywhere = closed_port();
    for kind in [
        Leaf::Rsa,
        Leaf::EcdsaP256,
        Leaf::EcdsaP384,
        Leaf::EcdsaP521,
        Leaf::Ed25519,
        Leaf::Ed448,
        Leaf::Dsa,
    ] {
        let found = leaf(kind);
        let (_, secret) = judge(tls(&pem(&found.certificate), &pem(&found.key), None), &[]);
        for release in [Release::V1_36, Release::V1_40] {
            let upstream = Upstream::new(anywhere.address()).client_certificate(found);
            let loads = validate(release, &upstream);
            assert_eq!(loads.is_ok(), secret["usable"] == true, "{kind:?} {loads:?}");
        }
    }
}

/// Against a server that insists on a certificate of the authority, beside the real Envoy.
#[test]
fn a_server_takes_or_refuses_the_certificate_as_it_does_envoys() {
    let server = Openssl::new("-tls1_2").verify_client().start();
    let target = server.address().to_string();
    let answer = |document: &Value| {
        let (code, secret) = judge(document.clone(), &["--for", &target]);
        (code, secret["server"]["certificate"].clone(), secret["server"]["verification"].clone())
    };
    assert_eq!(answer(&good()), (Some(0), json!("accepted"), json!("passed")));
    let other = leaf(Leaf::ClientUntrusted);
    let refused = tls(&pem(&other.certificate), &pem(&other.key), None);
    assert_eq!(answer(&refused), (Some(1), json!("refused"), json!("not-done")));
    let mut authority = good();
    authority["data"]["tls.crt"] = json!("");
    authority["data"]["tls.key"] = json!("");
    let (code, certificate, _) = answer(&authority);
    assert_eq!((code, certificate), (Some(1), json!("missing")));

    let with = |client| Upstream::new(server.address()).client_certificate(client);
    let both = [with(leaf(Leaf::Client)), with(other)];
    let real: Vec<_> = connect(Release::V1_36, &both).iter().map(|it| it.connects()).collect();
    assert_eq!(real, [true, false]);
}

#[test]
fn the_ca_verifies_the_server_or_does_not() {
    let server = Openssl::new("").leaf(Leaf::RsaUntrusted).start();
    let target = server.address().to_string();
    let (code, secret) = judge(good(), &["--for", &target]);
    let server = &secret["server"];
    assert_eq!((code, &server["verification"]), (Some(1), &json!("failed")), "{server:#}");
    let (code, secret) = judge(good(), &["--for", "127.0.0.1:1"]);
    assert_eq!((code, &secret["server"]["certificate"]), (Some(2), &json!("unclear")));
}

#[test]
fn one_bad_document_does_not_take_the_others_with_it_and_shows_no_key() {
    let files = Files::new();
    let client = String::from_utf8(pem(&leaf(Leaf::Client).key)).unwrap();
    let with = |field: &str, value: Value| {
        let mut document = good();
        document["data"][field] = value;
        document
    };
    let path = files.add(
        "all.yaml",
        &[
            with("tls.key", json!(client)),
            with("tls.key", json!([client])),
            with("tls.key", json!(7)),
            json!({ "kind": "ConfigMap" }),
            json!({ "kind": "Secret", "data": {} }),
            json!({ "kind": "Secret", "metadata": { "name": "x" }, "data": [client] }),
            good(),
        ],
    );
    let run = secret(&path, &[]);
    assert_eq!(run.code, Some(2));
    assert!(run.stdout.contains("shop/client · usable"), "{}", run.stdout);
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 6, "{}", run.stderr);
    assert!(lines[0].contains("document 1: data.tls.key is not base64"), "{}", lines[0]);
    assert!(lines[1].contains("document 2: data.tls.key must be a string"), "{}", lines[1]);
    assert!(lines[3].contains("metadata.name is missing"), "{}", lines[3]);
    assert_eq!(lines[5], "cipher-test: 1 document is no Secret and was passed over");
}

/// Whatever is done to the text around it, no part of the key comes out.
#[test]
fn keys_stay_within_however_broken_their_documents_are() {
    let key = String::from_utf8(pem(&leaf(Leaf::Client).key)).unwrap();
    let lines: Vec<_> = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let encoded = encode_block(key.as_bytes());
    let yaml = |data: &str| format!("kind: Secret\nmetadata: {{name: s}}\ndata:\n{data}\n");
    #[rustfmt::skip]
    let texts = [
        key.clone(),
        format!("{}: x\n{}: y\n", lines[0], lines[0]),
        format!("a: &{0} x\nb: *{0}x\n", &encoded[..80]),
        format!("!{} x\n", &encoded[..80]),
        format!("? {}\n: [", lines[0]),
        format!("- {encoded}\n"),
        format!("kind: {encoded}\n"),
        format!("kind: Secret\nmetadata: {encoded}\n"),
        format!("kind: Secret\nmetadata: {{name: {encoded}}}\n"),
        format!("kind: Secret\nmetadata: {{name: s, namespace: {encoded}}}\n"),
        format!("kind: Secret\nmetadata: {{name: s}}\ntype: {encoded}\n"),
        format!("kind: Secret\nmetadata: {{name: s}}\ndata: {encoded}\n"),
        format!("kind: Secret\nmetadata: {{name: s}}\nstringData: [{encoded}]\n"),
        format!("apiVersion: {encoded}\nkind: Secret\nmetadata: {{name: s}}\n"),
        format!("kind: List\nitems: {encoded}\n"),
        format!("kind: List\nitems: [{encoded}]\n"),
        format!("{{\"kind\": \"Secret\", \"data\": {{\"tls.key\": \"{encoded}\", \"tls.key\": \"{encoded}\"}}}}"),
        format!("{{\"kind\": \"Secret\", \"data\": \"{encoded}"),
        yaml(&format!("  tls.key: {}\n  tls.key: {encoded}", lines[0])),
        yaml(&format!("  {}: {encoded}\n  {0}: x", &encoded[..60])),
        yaml(&format!("  tls.key: {encoded}\n tls.crt: x")),
        yaml(&format!("  tls.key: \"{encoded}")),
        yaml(&format!("  tls.key: {encoded}\u{0}")),
        yaml(&format!("  tls.key: {}!", encoded)),
        yaml(&format!("  tls.key: |\n{key}")),
        yaml(&format!("  tls.key: {key}")),
        yaml(&format!("  tls.crt: {encoded}\n  tls.key: {encoded}")),
        yaml(&format!("  tls.crt: {0}\n  tls.key: {0}", encode_block(encoded.as_bytes()))),
        yaml(&format!("  {{{{ .Values.key }}}}: {encoded}")),
        yaml(&format!("  tls.key: {encoded}")) + "type: kubernetes.io/tls\n",
        format!("kind: Secret\nmetadata: {{name: s}}\ntype: kubernetes.io/tls\nstringData: {{tls.crt: \"-----BEGIN {0}-----\\nAAAA\\n-----END {0}-----\", tls.key: \"\"}}\n", lines[0]),
    ];
    let files = Files::new();
    let path = files.directory.path().join("broken.yaml");
    for text in texts {
        std::fs::write(&path, &text).unwrap();
        for args in [&[][..], &["-v"], &["--format", "json"]] {
            let run = secret(&path, args);
            assert!(matches!(run.code, Some(1 | 2)), "{}{}", run.stdout, run.stderr);
            let said = run.stderr.clone() + &run.stdout;
            assert!(!said.contains(&encoded[..24]) && !said.contains(&encoded[40..64]), "{said}");
        }
        let run = cipher_test(["upstreams".as_ref(), path.as_os_str()]);
        let said = run.stderr.clone() + &run.stdout;
        assert!(!said.contains(&encoded[..24]) && !said.contains(&lines[0][..24]), "{said}");
    }
}

#[test]
fn huge_values_are_refused_in_one_line() {
    let files = Files::new();
    let huge = encode_block(&vec![b'x'; 10 << 20]).replace('\n', "");
    let mut document = good();
    document["data"]["tls.key"] = json!(huge);
    let run = secret(&files.add("huge.yaml", &[document, good()]), &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    assert!(run.stdout.contains("client · Kubernetes does not take it\n"), "{}", run.stdout);
    assert!(run.stdout.contains("client · usable\n"), "{}", run.stdout);
}

/// The server is heard on the certificate even where the CA does not verify it.
#[test]
fn the_certificate_and_the_ca_are_judged_apart() {
    for (args, release) in [("-tls1_2", "1.21"), ("", "1.22")] {
        let server = Openssl::new(args).leaf(Leaf::RsaUntrusted).verify_client().start();
        let target = server.address().to_string();
        let (code, secret) = judge(good(), &["--for", &target, "--gloo", release]);
        let server = &secret["server"];
        assert_eq!(code, Some(1));
        assert_eq!(
            (&server["certificate"], &server["verification"]),
            (&json!("accepted"), &json!("failed")),
            "{server:#}"
        );
        assert!(server["verification_error"].as_str().is_some_and(|words| !words.is_empty()));
    }
    // With TLS 1.2 the chain is seen though the server refuses the certificate.
    let server = Openssl::new("-tls1_2").verify_client().start();
    let other = leaf(Leaf::ClientUntrusted);
    let document = tls(&pem(&other.certificate), &pem(&other.key), Some(&pem(keys::authority())));
    let (code, secret) = judge(document, &["--for", &server.address().to_string()]);
    assert_eq!(code, Some(1));
    assert_eq!(secret["server"]["certificate"], "refused");
    assert_eq!(secret["server"]["verification"], "passed");
}

#[test]
fn a_server_that_asks_for_nothing_is_told_from_one_that_accepts() {
    let server = Nginx::new().start();
    let (code, secret) = judge(good(), &["--for", &server.address().to_string()]);
    assert_eq!((code, &secret["server"]["certificate"]), (Some(0), &json!("not-asked")));
    assert_eq!(secret["server"]["verification"], "passed");
    let (code, secret) = judge(good(), &["--for", &server.address().to_string(), "--one-way-tls"]);
    assert_eq!((code, &secret["server"]["certificate"]), (Some(0), &json!("not-shown")));
}

/// OpenSSL holds a client's ECDSA key against the groups of its hello under TLS 1.2; measured
/// with Envoy, which offers X25519 and P-256 unless told otherwise.
#[test]
fn ecdsa_keys_on_curves_that_are_not_offered_are_refused_by_openssl() {
    let server = Openssl::new("-Verify 1").start();
    let target = server.address().to_string();
    for (kind, taken) in [
        (Leaf::EcdsaP256, true),
        (Leaf::EcdsaP384, false),
        (Leaf::EcdsaP521, false),
        (Leaf::Ed25519, true),
        (Leaf::Rsa, true),
    ] {
        let found = leaf(kind);
        let document = tls(&pem(&found.certificate), &pem(&found.key), None);
        let (code, secret) = judge(document, &["--for", &target]);
        assert_eq!(code, Some(u8::from(!taken).into()), "{kind:?}: {secret:#}");
        assert_eq!(codes(&secret).contains(&"curve-not-offered"), !taken, "{kind:?}");
        let answer = if taken { "accepted" } else { "refused" };
        assert_eq!(secret["server"]["certificate"], answer, "{kind:?}");
        for release in [Release::V1_36, Release::V1_40] {
            let upstream = Upstream::new(server.address()).client_certificate(found);
            let real = connect(release, std::slice::from_ref(&upstream));
            assert_eq!(real[0].connects(), taken, "{kind:?} {release:?}");
        }
    }
}

/// How often each text is in the writable memory of a process.
fn in_memory(process: u32, texts: &[&str]) -> Vec<usize> {
    use std::io::{Read, Seek, SeekFrom};
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).expect("a map");
    let mut memory = std::fs::File::open(format!("/proc/{process}/mem")).expect("its memory");
    let mut counts = vec![0; texts.len()];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let address = |text: &str| u64::from_str_radix(text, 16).unwrap();
        let length = usize::try_from(address(end) - address(start)).unwrap();
        let mut bytes = vec![0; length];
        memory.seek(SeekFrom::Start(address(start))).unwrap();
        // Some pages belong to the kernel.
        if memory.read_exact(&mut bytes).is_err() {
            continue;
        }
        for (count, text) in counts.iter_mut().zip(texts) {
            *count += bytes.windows(text.len()).filter(|part| *part == text.as_bytes()).count();
        }
    }
    counts
}

/// While a server makes it wait, the command has the key once, and not the text that it read.
#[test]
fn what_was_read_is_wiped_before_a_server_is_asked() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let client = leaf(Leaf::Client);
    let encoded = encode_block(&pem(&client.key));
    let key = String::from_utf8(pem(&client.key)).unwrap();
    let texts = [&encoded[400..440], &key.lines().nth(3).unwrap()[..40], "cipher-test"];
    let files = Files::new();
    let yaml = files.add("s.yaml", &[good()]);
    let json = files.directory.path().join("s.json");
    std::fs::write(&json, good().to_string()).unwrap();
    for path in [yaml, json] {
        let mut child = command()
            .arg("secret")
            .arg(&path)
            .args(["--for", &target, "--answer-timeout", "20s"])
            .spawn()
            .unwrap();
        // It has connected, so it has read.
        let _connection = silent.accept().unwrap();
        let found = in_memory(child.id(), &texts);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found[..2], [0, 1], "{}", path.display());
        assert!(found[2] > 0, "the memory was looked at");
    }
}

/// Words that stay the same: the day is put in for the date.
fn without_dates(text: &str) -> String {
    let mut pieces = text.split(", until ");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |all, piece| all + ", until DATE" + &piece[10..])
}

#[test]
fn reports() {
    let files = Files::new();
    let named = |name: &str, mut document: Value| {
        document["metadata"]["name"] = json!(name);
        document
    };
    let mut opaque = good();
    opaque["type"] = json!("Opaque");
    let mut broken = good();
    broken["data"]["ca.crt"] = json!(encode_block(b"/etc/ssl/ca.pem"));
    let swapped = {
        let client = leaf(Leaf::Client);
        tls(&pem(&client.key), &pem(&client.certificate), None)
    };
    let expired = leaf(Leaf::RsaExpired);
    let expired = tls(&pem(&expired.certificate), &pem(&expired.key), None);
    let path = files.add(
        "all.yaml",
        &[
            named("good", good()),
            named("opaque", opaque),
            named("broken-ca", broken),
            named("swapped", swapped),
            named("expired", expired),
        ],
    );
    assert_snapshot!("secrets", without_dates(&secret(&path, &[]).stdout));
    assert_snapshot!("secrets-verbose", without_dates(&secret(&path, &["-v"]).stdout));
    let old = secret(&path, &["--one-way-tls", "--gloo", "1.19"]);
    let old = without_dates(&old.stdout);
    assert_snapshot!("secrets-one-way", old.split("\n\n").next().unwrap_or_default());
    let server = Openssl::new("-tls1_2").verify_client().start();
    let target = server.address().to_string();
    let run = secret(&files.add("good.yaml", &[good()]), &["--for", &target]);
    assert_snapshot!("secrets-for", without_dates(&run.stdout).replace(&target, "ADDRESS"));
    assert_snapshot!("help-secret", cipher_test(["secret", "--help"]).stdout);
}

/// Secrets beside Upstreams give what is shown and what is verified.
#[test]
fn upstreams_use_the_secrets_beside_them() {
    let server = Openssl::new("-tls1_2").verify_client().start();
    let address = server.address();
    let upstream = json!({
        "apiVersion": "gloo.solo.io/v1",
        "kind": "Upstream",
        "metadata": { "name": "u", "namespace": "shop" },
        "spec": {
            "static": { "hosts": [{ "addr": address.ip(), "port": address.port() }] },
            "sslConfig": { "secretRef": { "name": "client", "namespace": "shop" } },
        },
    });
    let files = Files::new();
    let alone = files.add("alone.yaml", std::slice::from_ref(&upstream));
    let both = files.add("both.yaml", &[upstream, good()]);
    let judge = |path: &Path| cipher_test(["upstreams".as_ref(), path.as_os_str()]);
    let run = judge(&alone);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stdout.contains("insists on a client certificate"), "{}", run.stdout);
    let run = judge(&both);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
}
