//! What `upstreams` makes of documents of all kinds, good and hostile.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::binary::{Run, cipher_test, command, finish};
use crate::support::{root, scratch};

/// Runs `upstreams -` with the text as its input.
fn read(text: impl AsRef<[u8]>, args: &[&str]) -> Run {
    let mut child = command()
        .args(["upstreams", "-", "--no-probe"])
        .args(args)
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut input = child.stdin.take().expect("a pipe");
    let text = text.as_ref().to_vec();
    let writer = std::thread::spawn(move || input.write_all(&text));
    let run = finish(child);
    // A reader that has seen enough may go away.
    let _ = writer.join().expect("no panic");
    run
}

const GOOD: &str = "apiVersion: gloo.solo.io/v1\nkind: Upstream\nmetadata: {name: good, namespace: ns}\nspec:\n  static: {hosts: [{addr: a.example, port: 443}]}\n";

fn upstream(spec: &str) -> String {
    format!("kind: Upstream\nmetadata: {{name: bad, namespace: ns}}\nspec: {spec}\n")
}

/// Each stands between two good documents, and must cost one line that names it.
#[test]
fn hostile_documents_give_one_clear_message_each() {
    let laughs = (1..30).fold("a0: &a0 [x]\n".to_owned(), |mut text, step| {
        let _ = writeln!(text, "a{step}: &a{step} [{}]", format!("*a{},", step - 1).repeat(9));
        text
    });
    let fixed =
        |more: &str| upstream(&format!("{{static: {{hosts: [{{addr: a, port: 1}}], {more}}}}}"));
    let parameters =
        |more: &str| upstream(&format!("{{kube: {{}}, sslConfig: {{parameters: {{{more}}}}}}}"));
    #[rustfmt::skip]
    let table: Vec<(String, &str)> = vec![
        ("[".repeat(1 << 20), "cannot be read"),
        ("{a: ".repeat(1 << 18), "cannot be read"),
        ("- ".repeat(1 << 19), "cannot be read"),
        (laughs, "cannot be read"),
        (format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 19), "*a,".repeat(50_000)), "cannot be read"),
        ("kind: Upstream\0".to_owned(), "cannot be read"),
        ("kind: Upstream\nkind: Upstream".to_owned(), "the key \"kind\" is there twice"),
        ("{{ .Values.x }}: y".to_owned(), "cannot be read"),
        ("just text".to_owned(), "it is a text, not a Kubernetes object"),
        ("[1, 2]".to_owned(), "it is a list, not a Kubernetes object"),
        ("kind: List\nitems: 7".to_owned(), "a list whose items are a number"),
        ("kind: Upstream".to_owned(), "metadata.name is missing"),
        ("kind: Upstream\nmetadata: []".to_owned(), "metadata must be an object, and is a list"),
        ("kind: Upstream\nmetadata: {name: [a]}".to_owned(), "metadata.name must be a string"),
        ("kind: Upstream\nmetadata: {name: a}".to_owned(), "spec is missing"),
        ("kind: Upstream\nmetadata: {name: 'a; id #'}".to_owned(), "metadata.name is \"a; id #\", and no Kubernetes name"),
        ("kind: Settings\nmetadata: {name: a, namespace: \"\\e[31m\"}".to_owned(), "metadata.namespace is \"\\u{1b}[31m\", and no"),
        ("kind: Settings\nmetadata: {}".to_owned(), "metadata.name is missing"),
        (upstream("7"), "spec must be an object, and is 7"),
        (upstream("{static: []}"), "spec.static must be an object, and is a list"),
        (upstream("{static: {hosts: {}}}"), "spec.static.hosts must be a list, and is an object"),
        (upstream("{static: {hosts: [a]}}"), "spec.static.hosts[0] must be an object"),
        (upstream("{static: {hosts: [{addr: 1}]}}"), "spec.static.hosts[0].addr must be a string, and is 1"),
        (upstream("{static: {hosts: [{port: '443'}]}}"), "hosts[0].port must be a number from 1 to 65535"),
        (upstream("{static: {hosts: [{port: 70000}]}}"), "hosts[0].port must be a number from 1 to 65535"),
        (upstream("{static: {hosts: [{port: -1}]}}"), "hosts[0].port must be a number from 1 to 65535"),
        (fixed("useTls: 'true'"), "spec.static.useTls must be true or false"),
        (fixed("autoSniRewrite: 1"), "spec.static.autoSniRewrite must be true or false"),
        (upstream("{kube: {servicePort: x}}"), "spec.kube.servicePort must be a number"),
        (upstream("{kube: {}, useHttp2: 1}"), "spec.useHttp2 must be true or false"),
        (upstream("{kube: {}, sslConfig: true}"), "spec.sslConfig must be an object"),
        (upstream("{kube: {}, sslConfig: {sni: 5}}"), "spec.sslConfig.sni must be a string"),
        (upstream("{kube: {}, sslConfig: {secretRef: x}}"), "secretRef must be an object"),
        (upstream("{kube: {}, sslConfig: {alpnProtocols: h2}}"), "alpnProtocols must be a list"),
        (upstream("{kube: {}, httpProxyHostname: 3}"), "spec.httpProxyHostname must be a string"),
        (upstream("{kube: {}, httpConnectHeaders: {a: b}}"), "spec.httpConnectHeaders must be a list"),
        (parameters("cipherSuites: AES128-SHA"), "cipherSuites must be a list, and is \"AES128-SHA\""),
        (parameters("cipherSuites: [1]"), "cipherSuites[0] must be a string, and is 1"),
        (parameters("minimumProtocolVersion: TLSv1.2"), "write TLS_AUTO, TLSv1_0"),
        (parameters("minimumProtocolVersion: '3'"), "write TLS_AUTO, TLSv1_0"),
        (parameters("minimumProtocolVersion: 1.2"), "must be the name of a protocol version"),
        (parameters("maximumProtocolVersion: 9"), "is 9, which no protocol version has"),
        ("kind: Settings\nspec: {upstreamOptions: {sslParameters: 1}}".to_owned(), "sslParameters must be an object"),
    ];
    let mut text = GOOD.to_owned();
    for (document, _) in &table {
        let _ = write!(text, "---\n{document}\n---\n{GOOD}");
    }
    let run = read(&text, &[]);
    assert_eq!(run.code, Some(2));
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), table.len(), "{}", run.stderr);
    for (index, (line, (document, words))) in lines.iter().zip(&table).enumerate() {
        let number = 2 * index + 2;
        let place = format!("cipher-test: stdin, document {number}: ");
        assert!(line.starts_with(&place), "{line}");
        assert!(line.contains(words), "{document:.60}: {line}");
        assert!(line.len() < 400, "{line}");
    }
    let judged = run.stdout.matches("ns/good · TLS, not tested").count();
    assert_eq!(judged, table.len() + 1);
}

#[test]
fn bytes_that_are_no_text_and_endless_lines_are_passed_over() {
    let mut text = b"kind: \xff\xfe\n---\n".to_vec();
    text.extend(GOOD.as_bytes());
    text.extend(b"---\n# ");
    text.resize(text.len() + (100 << 20), b'x');
    text.extend(b"\n---\n");
    text.extend(GOOD.as_bytes());
    let run = read(&text, &[]);
    assert_eq!(run.code, Some(2));
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.stderr);
    assert!(lines[0].contains("document 1: it is not UTF-8 text"), "{}", lines[0]);
    assert!(lines[1].contains("document 3: it has more than 33554432 bytes"), "{}", lines[1]);
    assert_eq!(run.stdout.matches("ns/good").count(), 2);
}

#[test]
fn an_enum_by_number_is_read_as_gloo_reads_it() {
    let spec = "{kube: {}, sslConfig: {parameters: {minimumProtocolVersion: 2}}}";
    let run = read(upstream(spec), &["--format", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let envoy = &report["upstreams"][0]["endpoints"][0]["envoy"];
    assert_eq!(envoy["minimum_protocol_version"], "TLSv1.1");
}

#[test]
fn directories_are_read_recursively_and_in_order() {
    let directory = scratch("documents-");
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    let named = |name: &str| GOOD.replace("good", name);
    file("b/deep/two.yml", &named("two"));
    file("a.yaml", &named("one"));
    file(
        "c.JSON",
        &serde_json::to_string(&serde_norway::from_str::<Value>(&named("three")).unwrap()).unwrap(),
    );
    file("notes.txt", "kind: [");
    file(".git/x.yaml", "kind: [");
    let run =
        cipher_test(["upstreams".as_ref(), directory.path().as_os_str(), "--no-probe".as_ref()]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let places: Vec<_> = ["ns/one", "ns/two", "ns/three"]
        .iter()
        .map(|name| run.stdout.find(name).expect(name))
        .collect();
    assert!(places.is_sorted(), "{}", run.stdout);
}

#[test]
fn input_without_an_upstream_is_a_mistake() {
    let run = read("", &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("there is no document in the input"), "{}", run.stderr);
    let run = read("kind: ConfigMap\n---\nkind: Pod\n", &[]);
    assert!(run.stderr.contains("none of the 2 documents in the input is an Upstream"));
    let run = cipher_test(["upstreams", "/nowhere/at/all.yaml"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("/nowhere/at/all.yaml: it cannot be read"), "{}", run.stderr);
}

#[test]
fn of_several_settings_the_one_called_default_counts() {
    let settings = |name: &str, curve: &str| {
        format!(
            "---\nkind: Settings\nmetadata: {{name: {name}}}\nspec: {{upstreamOptions: \
             {{sslParameters: {{ecdhCurves: [{curve}]}}}}}}\n"
        )
    };
    let curves = |text: &str| {
        let run = read(text, &["--format", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        report["upstreams"][0]["endpoints"][0]["envoy"]["ecdh_curves"].clone()
    };
    let both = [GOOD, &settings("other", "P-256"), &settings("default", "P-384")].concat();
    assert_eq!(curves(&both), serde_json::json!(["P-384"]));
    let unclear = [GOOD, &settings("one", "P-256"), &settings("two", "P-384")].concat();
    let run = read(&unclear, &[]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("none is called default"), "{}", run.stderr);
}

/// The samples in the repository and the published schema.
#[test]
fn json_keeps_to_its_schema() {
    let path = root().join("fixtures/report/schema-upstreams-v1.json");
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let samples = root().join("fixtures/gloo/upstreams");
    let args = ["--no-probe", "--format", "json"].map(std::ffi::OsStr::new);
    let run = cipher_test([&["upstreams".as_ref(), samples.as_os_str()], &args[..]].concat());
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let errors: Vec<_> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(report["upstreams"].as_array().map(Vec::len), Some(11));
}

/// A thousand Upstreams take little memory; how long they take is measured elsewhere.
#[test]
fn a_thousand_upstreams_fit_into_100_megabytes() {
    let samples = root().join("fixtures/gloo/upstreams");
    let mut all = String::new();
    let mut files: Vec<_> = std::fs::read_dir(samples).expect("samples").flatten().collect();
    files.sort_by_key(std::fs::DirEntry::path);
    for copy in 0..91 {
        for file in &files {
            let text = std::fs::read_to_string(file.path()).expect("a sample");
            let _ = write!(all, "---\n# copy {copy}\n{text}");
        }
    }
    let directory = scratch("documents-");
    let path = directory.path().join("all.yaml");
    std::fs::write(&path, all).expect("a file");
    let script = "ulimit -v 400000; exec \"$0\" upstreams \"$1\" --no-probe --format json";
    let output = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_cipher-test")])
        .arg(&path)
        .output()
        .expect("bash");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["upstreams"].as_array().map(Vec::len), Some(1001));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
