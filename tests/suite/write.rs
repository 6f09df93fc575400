//! `upstreams --write`: the changes in the files themselves.

use std::path::{Path, PathBuf};

use cipher_test::lab::{Scenario, Server};

use crate::support::binary::{Run, cipher_test};
use crate::support::{embedded, scratch};

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a file")
}

fn file(directory: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, text).expect("a file");
    path
}

fn write(path: &Path) -> Run {
    cipher_test([Path::new("upstreams"), path, Path::new("--write")])
}

fn judge(path: &Path) -> Run {
    cipher_test([Path::new("upstreams"), path])
}

/// Comments, quotes, order and odd spacing that must survive.
fn upstream(name: &str, server: &Server) -> String {
    format!(
        "# head\napiVersion: gloo.solo.io/v1\nkind:   Upstream\nmetadata: {{name: \"{name}\", \
         namespace: 'shop'}} # flow\nspec:\n  # the hosts\n  static:\n    hosts:\n      - addr: \
         127.0.0.1   # one\n        port: {}\n    useTls: true\n\n  connectionConfig:\n    \
         connectTimeout: 5s\n# tail\n",
        server.address().port()
    )
}

#[test]
fn changes_are_made_in_place_and_once() {
    let server = embedded::scenario(Scenario::Legacy);
    let directory = scratch("write-");
    let before = upstream("a", &server);
    let path = file(&directory, "a.yaml", &before);
    assert_eq!(judge(&path).code, Some(1));

    let run = write(&path);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
    assert!(run.stderr.contains("a.yaml: 1 resource changed"), "{}", run.stderr);
    let after = text(&path);
    assert_ne!(after, before);
    // Every line of before is there still, in its order.
    let mut lines = after.lines();
    for line in before.lines() {
        assert!(lines.any(|other| other == line), "{line:?} is gone from\n{after}");
    }
    assert!(after.contains("ECDHE-RSA-AES256-SHA\n"), "{after}");

    let run = judge(&path);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let run = write(&path);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(text(&path), after);
}

#[test]
fn one_document_of_many_changes_alone() {
    let legacy = embedded::scenario(Scenario::Legacy);
    let modern = embedded::scenario(Scenario::Modern);
    let directory = scratch("write-");
    let whole = format!(
        "%YAML 1.2\n---\n{}---\n# nothing here\n---\n{}...\n---\nkind: ConfigMap\ndata: {{x: |\n  y}}\n",
        upstream("modern", &modern),
        upstream("legacy", &legacy)
    );
    // A block scalar within a flow mapping is no YAML: that document alone is complained of.
    let path = file(&directory, "many.yml", &whole);
    let run = write(&path);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    let after = text(&path);
    let untouched = whole.find("---\n# nothing").expect("the second document");
    assert_eq!(after[..untouched], whole[..untouched]);
    assert!(after.ends_with("...\n---\nkind: ConfigMap\ndata: {x: |\n  y}\n"), "{after}");
    assert!(after[untouched..].contains("ECDHE-RSA-AES256-SHA"), "{after}");
}

#[test]
fn lists_and_json_keep_their_form() {
    let server = embedded::scenario(Scenario::Tls13Only);
    let port = server.address().port();
    let directory = scratch("write-");
    let item = format!(
        "{{\"apiVersion\": \"gloo.solo.io/v1\", \"kind\": \"Upstream\", \"metadata\": \
         {{\"name\": \"a\"}}, \"spec\": {{\"static\": {{\"useTls\": true, \"hosts\": \
         [{{\"addr\": \"127.0.0.1\", \"port\": {port}}}]}}}}}}"
    );
    let list = format!("{{\n  \"kind\": \"List\",\n  \"items\": [\n    {item}\n  ]\n}}\n");
    let path = file(&directory, "sub/list.json", &list);
    let run = write(directory.path());
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let after = text(&path);
    let value: serde_json::Value = serde_json::from_str(&after).expect("JSON still");
    let parameters = value.pointer("/items/0/spec/sslConfig/parameters").expect("parameters");
    assert_eq!(parameters["maximumProtocolVersion"], "TLSv1_3");
    assert_eq!(judge(&path).code, Some(0));
}

#[test]
fn a_file_that_cannot_be_edited_safely_is_left_alone_and_the_others_are_not() {
    let server = embedded::scenario(Scenario::Legacy);
    let directory = scratch("write-");
    let port = server.address().port();
    let anchored = format!(
        "kind: Upstream\nmetadata: {{name: a}}\nspec: &spec\n  static: {{useTls: true, hosts: \
         [{{addr: 127.0.0.1, port: {port}}}]}}\nother: *spec\n"
    );
    let odd = file(&directory, "a.yaml", &anchored);
    let plain = file(&directory, "b.yaml", &upstream("b", &server));
    let run = write(directory.path());
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("a.yaml is left as it is:"), "{}", run.stderr);
    assert!(run.stderr.contains("b.yaml: 1 resource changed"), "{}", run.stderr);
    assert_eq!(text(&odd), anchored);
    assert_eq!(judge(&plain).code, Some(0));
}

#[test]
fn what_comes_from_stdin_cannot_be_written() {
    let run = cipher_test(["upstreams", "-", "--write"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--write needs files"), "{}", run.stderr);
}

#[test]
fn permissions_and_links_survive() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let server = embedded::scenario(Scenario::Legacy);
    let directory = scratch("write-");
    let path = file(&directory, "real/a.yaml", &upstream("a", &server));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("a mode");
    let link = directory.path().join("link.yaml");
    symlink(&path, &link).expect("a link");
    assert_eq!(write(&link).code, Some(0));
    assert!(link.symlink_metadata().expect("the link").is_symlink());
    assert_eq!(path.metadata().expect("the file").permissions().mode() & 0o777, 0o640);
    assert!(text(&path).contains("ECDHE-RSA-AES256-SHA"));
}
