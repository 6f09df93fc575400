//! Several addresses behind one name: Envoy balances over all of them, so one patch must serve
//! all, and one odd server behind a name is a finding.

use std::net::SocketAddr;
use std::process::Command;

use cipher_test::lab::{Server, ServerConfig};
use openssl::ssl::SslVersion;
use serde_json::Value;

const PORT_TRIES: usize = 20;

fn config(ciphers: &str) -> ServerConfig {
    ServerConfig {
        cipher_list: format!("{ciphers}:@SECLEVEL=0"),
        max_version: Some(SslVersion::TLS1_2),
        ..ServerConfig::default()
    }
}

/// One server on 127.0.0.1 and a relay to another on 127.0.0.2, both on one port.
async fn pair(first: &ServerConfig, second: &ServerConfig) -> (Server, Server, u16) {
    let second = Server::start_with(second, 0).await.unwrap();
    for _ in 0..PORT_TRIES {
        let first = Server::start_with(first, 0).await.unwrap();
        let port = first.address().port();
        let address = SocketAddr::from(([127, 0, 0, 2], port));
        let Ok(listener) = tokio::net::TcpListener::bind(address).await else { continue };
        tokio::spawn(relay(listener, second.address()));
        return (first, second, port);
    }
    panic!("no port is free on two addresses");
}

async fn relay(listener: tokio::net::TcpListener, to: SocketAddr) {
    while let Ok((mut client, _)) = listener.accept().await {
        tokio::spawn(async move {
            if let Ok(mut server) = tokio::net::TcpStream::connect(to).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

async fn run(port: u16, more: &[&str]) -> (i32, String, String) {
    let target = format!("two.example:{port}");
    let resolve = format!("{target}:127.0.0.1,127.0.0.2");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cipher-test"));
    command.args([&target, "--resolve", &resolve]).args(more);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_patch_serves_two_servers_that_differ() {
    let (_first, _second, port) =
        pair(&config("ECDHE-RSA-AES256-SHA"), &config("AES128-SHA")).await;
    let (code, patch, stderr) = run(port, &["--fix", "patch"]).await;
    assert_eq!(code, 1, "{stderr}");
    let patch: Value = serde_norway::from_str(&patch).unwrap();
    let list = patch["spec"]["sslConfig"]["parameters"]["cipherSuites"].as_array().unwrap();
    assert_eq!(list.len(), 6);
    assert_eq!(list[4..], ["ECDHE-RSA-AES256-SHA", "AES128-SHA"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_nothing_serves_leaves_no_patch() {
    let (_first, _second, port) =
        pair(&config("ECDHE-RSA-AES256-SHA"), &config("DHE-RSA-AES128-SHA")).await;
    let (code, patch, stderr) = run(port, &["--fix", "patch"]).await;
    assert_eq!((code, patch.as_str()), (1, ""));
    assert!(stderr.contains("DHE-RSA-AES128-SHA"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_odd_address_decides_the_verdict() {
    let (_first, _second, port) =
        pair(&config("ECDHE-RSA-AES128-GCM-SHA256"), &config("AES128-SHA")).await;
    let (code, text, _) = run(port, &["--no-handshakes"]).await;
    assert_eq!(code, 1);
    assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
    assert!(text.contains(&format!("127.0.0.2:{port}")), "{text}");
    assert!(text.contains("negotiates TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"), "{text}");
}
