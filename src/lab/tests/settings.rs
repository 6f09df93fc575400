//! What a `ServerConfig` asks for is what a client meets.

use super::*;

#[tokio::test]
async fn settings_that_cannot_be_met_are_errors() {
    let refuse = async |config: ServerConfig| Server::start_with(&config, 0).await.unwrap_err();
    let none = ServerConfig { cipher_list: "NO-SUCH-SUITE".into(), ..Default::default() };
    assert!(matches!(refuse(none).await, LabError::OpenSsl(_)));
    let twins = ServerConfig { keys: vec![KeyKind::EcP256, KeyKind::EcP384], ..Default::default() };
    let twins = refuse(twins).await;
    assert!(matches!(twins, LabError::SameKeyType(KeyKind::EcP256, KeyKind::EcP384)));
    let alpn = ServerConfig { alpn: vec![String::new()], ..Default::default() };
    assert!(matches!(refuse(alpn).await, LabError::AlpnLength(0)));
}

#[tokio::test]
async fn each_kind_of_key_serves_the_clients_that_can_use_it() {
    // (key, client's signature algorithms, version, whether they meet)
    #[rustfmt::skip]
    let table = [
        (KeyKind::Rsa1024,    "RSA+SHA256",             SslVersion::TLS1_2, true),
        (KeyKind::Rsa2048,    "RSA+SHA256",             SslVersion::TLS1_2, true),
        (KeyKind::Rsa2048,    "ECDSA+SHA256",           SslVersion::TLS1_2, false),
        (KeyKind::RsaPss2048, "rsa_pss_pss_sha256",     SslVersion::TLS1_2, true),
        (KeyKind::RsaPss2048, "RSA+SHA256",             SslVersion::TLS1_2, false),
        (KeyKind::EcP256,     "ECDSA+SHA256",           SslVersion::TLS1_2, true),
        (KeyKind::EcP384,     "ecdsa_secp384r1_sha384", SslVersion::TLS1_3, true),
        (KeyKind::EcP521,     "ecdsa_secp521r1_sha512", SslVersion::TLS1_3, true),
        (KeyKind::EcP521,     "ecdsa_secp384r1_sha384", SslVersion::TLS1_3, false),
        (KeyKind::Ed25519,    "ed25519",                SslVersion::TLS1_2, true),
        (KeyKind::Ed25519,    "ECDSA+SHA256",           SslVersion::TLS1_2, false),
        (KeyKind::Ed448,      "ed448",                  SslVersion::TLS1_3, true),
    ];
    for (key, signature_algorithms, max, meets) in table {
        let server = start_with(ServerConfig { keys: vec![key], ..Default::default() }).await;
        let client = Client { signature_algorithms, min: max, max, ..Client::default() };
        let expected = if meets { Ok(()) } else { Err(HANDSHAKE_FAILURE) };
        let met = client.suite(server.address()).await.map(|_| ());
        assert_eq!(met, expected, "{key:?} {signature_algorithms}");
    }
}

#[tokio::test]
async fn one_server_can_have_an_rsa_and_an_ecdsa_key() {
    let keys = vec![KeyKind::Rsa2048, KeyKind::EcP256];
    let server = start_with(ServerConfig { keys, ..Default::default() }).await;
    for suite in ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"] {
        assert_eq!(Client::with_suites(suite).suite(server.address()).await, Ok(suite));
    }
}

#[tokio::test]
async fn the_order_of_suites_is_the_servers_or_the_clients() {
    let asked = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256";
    for (server_preference, picked) in
        [(true, "ECDHE-RSA-AES128-GCM-SHA256"), (false, "ECDHE-RSA-AES256-GCM-SHA384")]
    {
        let server = start_with(ServerConfig { server_preference, ..Default::default() }).await;
        assert_eq!(Client::with_suites(asked).suite(server.address()).await, Ok(picked));
    }
}

#[tokio::test]
async fn signature_algorithms_and_tls13_suites_are_as_configured() {
    let server = start_with(ServerConfig {
        signature_algorithms: Some("RSA+SHA224".into()),
        tls13_suites: Some("TLS_CHACHA20_POLY1305_SHA256".into()),
        ..Default::default()
    })
    .await;
    assert_eq!(Client::default().suite(server.address()).await, Err(HANDSHAKE_FAILURE));
    let cure = Client { signature_algorithms: "RSA+SHA224", ..Client::default() };
    assert!(cure.suite(server.address()).await.is_ok());

    let server = start_with(ServerConfig {
        tls13_suites: Some("TLS_CHACHA20_POLY1305_SHA256".into()),
        ..Default::default()
    })
    .await;
    let suite = Client::up_to_tls13().suite(server.address()).await;
    assert_eq!(suite, Ok("TLS_CHACHA20_POLY1305_SHA256"));
}

#[tokio::test]
async fn alpn_is_the_servers_choice_or_a_refusal() {
    let server = start_with(ServerConfig {
        alpn: vec!["http/1.1".into(), "http/1.0".into()],
        ..Default::default()
    })
    .await;
    let ask = |alpn| Client { alpn, ..Client::default() };
    let both = ask(b"\x08http/1.0\x08http/1.1").request(server.address()).await.unwrap();
    assert_eq!(both.alpn.as_deref(), Some(&b"http/1.1"[..]));
    let other = ask(b"\x02h2").suite(server.address()).await;
    assert_eq!(other, Err(NO_APPLICATION_PROTOCOL));

    let without = start(Scenario::Modern).await;
    assert_eq!(Client::default().request(without.address()).await.unwrap().alpn, None);
}

#[tokio::test]
async fn client_certificates_are_optional_where_configured_so() {
    let config = |client_certificate| ServerConfig { client_certificate, ..Default::default() };
    let optional = start_with(config(ClientCertificate::Optional)).await;
    let stranger = Client { identity: Some(self_signed_identity()), ..Client::default() };
    assert!(Client::default().suite(optional.address()).await.is_ok());
    assert_eq!(stranger.suite(optional.address()).await, Err(UNKNOWN_CA));

    // Under TLS 1.3 the client believes the handshake done before the server has refused it.
    let required = start_with(config(ClientCertificate::Required)).await;
    let client = Client::up_to_tls13();
    assert_eq!(client.suite(required.address()).await, Err(CERTIFICATE_REQUIRED));
    let identity = Some(client_identity().unwrap());
    assert!(Client { identity, ..client }.suite(required.address()).await.is_ok());
}

#[tokio::test]
async fn certificates_hold_for_their_ca_their_names_and_their_time() {
    let ca = ca_certificate_pem().unwrap();
    let trust = async |client: &Client, config: &ServerConfig| {
        let server = Server::start_with(config, 0).await.unwrap();
        client.request(server.address()).await.unwrap().trusted.error_string()
    };
    let named = |name| Client { trust: Some((ca.clone(), name)), ..Client::default() };
    let fresh = ServerConfig::default();
    let expired = ServerConfig { expired: true, ..fresh.clone() };
    let nameless = ServerConfig { names: Vec::new(), ..fresh.clone() };

    assert_eq!(trust(&named("localhost"), &fresh).await, "ok");
    assert_eq!(trust(&named("my-upstream.example.com"), &fresh).await, "ok");
    assert_eq!(trust(&named("other.example.com"), &fresh).await, "hostname mismatch");
    assert_eq!(trust(&named("localhost"), &nameless).await, "hostname mismatch");
    assert_eq!(trust(&named("localhost"), &expired).await, "certificate has expired");
    let stranger = trust(&Client::default(), &fresh).await;
    assert_eq!(stranger, "unable to get local issuer certificate");
}

#[tokio::test]
async fn key_usage_is_what_the_certificate_says() {
    for (key_usage, expected) in [
        (KeyUsage::None, None),
        (KeyUsage::DigitalSignature, Some("Digital Signature")),
        (KeyUsage::KeyEncipherment, Some("Key Encipherment")),
    ] {
        let config = ServerConfig { key_usage, cipher_list: "ALL".into(), ..Default::default() };
        let server = start_with(config).await;
        let tcp = TcpStream::connect(server.address()).await.unwrap();
        let client = Client::with_suites("AES128-SHA:ECDHE-RSA-AES128-SHA");
        let mut stream = SslStream::new(client.ssl(), tcp).unwrap();
        Pin::new(&mut stream).connect().await.unwrap();
        let leaf = stream.ssl().peer_certificate().unwrap();
        let text = String::from_utf8(leaf.to_text().unwrap()).unwrap();
        let line = text.lines().skip_while(|line| !line.contains("X509v3 Key Usage")).nth(1);
        assert_eq!(line.map(str::trim), expected);
    }
}
