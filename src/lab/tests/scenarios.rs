//! Each scenario, met by Envoy's default offer and then by the cure that it names.

use super::*;

#[test]
fn scenarios_are_found_by_their_own_names_alone() {
    for scenario in Scenario::ALL {
        assert_eq!(Scenario::from_name(scenario.name()), Some(scenario));
        assert!(scenario.shows().ends_with('.'), "{}", scenario.name());
        assert!(!scenario.shows().contains("  "), "{}", scenario.name());
    }
    assert_eq!(Scenario::from_name("Legacy"), None);
    assert_eq!(Scenario::from_name(""), None);
}

#[tokio::test]
async fn legacy_needs_its_one_suite_and_nothing_else() {
    let server = start(Scenario::Legacy).await;
    let at = server.address();
    assert_eq!(Client::default().suite(at).await, Err(HANDSHAKE_FAILURE));
    assert_eq!(Client::up_to_tls13().suite(at).await, Err(HANDSHAKE_FAILURE));
    let others = "ALL:COMPLEMENTOFALL:!ECDHE-RSA-AES256-SHA";
    assert_eq!(Client::with_suites(others).suite(at).await, Err(HANDSHAKE_FAILURE));

    let cure = Client::with_suites("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA");
    assert_eq!(cure.suite(at).await, Ok("ECDHE-RSA-AES256-SHA"));
}

#[tokio::test]
async fn modern_needs_no_change() {
    let server = start(Scenario::Modern).await;
    let answer = Client::default().request(server.address()).await.unwrap();
    assert_eq!(answer.version, "TLSv1.2");
    assert_eq!(answer.suite, "ECDHE-RSA-AES128-GCM-SHA256");
    assert!(answer.body.starts_with("HTTP/1.1 200 OK\r\n"), "{}", answer.body);
    assert!(answer.body.ends_with("\r\n\r\ncipher-test demo\n"), "{}", answer.body);

    let newer = Client::up_to_tls13().request(server.address()).await.unwrap();
    assert_eq!(newer.version, "TLSv1.3");
}

#[tokio::test]
async fn tls13_only_needs_a_higher_maximum() {
    let server = start(Scenario::Tls13Only).await;
    assert_eq!(Client::default().suite(server.address()).await, Err(PROTOCOL_VERSION));
    let answer = Client::up_to_tls13().request(server.address()).await.unwrap();
    assert_eq!(answer.version, "TLSv1.3");
}

#[tokio::test]
async fn tls10_only_needs_a_lower_minimum_and_a_suite() {
    let server = start(Scenario::Tls10Only).await;
    let at = server.address();
    // The server answers with TLS 1.0, which has none of the suites: the same alert as for a
    // mismatch of suites, and no other one for a lower minimum alone.
    let minimum_only = Client { min: SslVersion::TLS1, ..Client::default() };
    assert_eq!(Client::default().suite(at).await, Err(HANDSHAKE_FAILURE));
    assert_eq!(minimum_only.suite(at).await, Err(HANDSHAKE_FAILURE));

    let cure =
        Client { min: SslVersion::TLS1, ..Client::with_suites("ECDHE-RSA-AES128-SHA:AES128-SHA") };
    let answer = cure.request(at).await.unwrap();
    assert_eq!((answer.version, answer.suite), ("TLSv1", "ECDHE-RSA-AES128-SHA"));
}

#[tokio::test]
async fn dhe_only_has_no_suite_that_envoy_could_offer() {
    let server = start(Scenario::DheOnly).await;
    let at = server.address();
    let all_of_envoy = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:\
                        ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-SHA256:\
                        ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:AES128-GCM-SHA256:\
                        AES256-GCM-SHA384:AES128-SHA:AES256-SHA:DES-CBC3-SHA:PSK";
    assert_eq!(Client::default().suite(at).await, Err(HANDSHAKE_FAILURE));
    assert_eq!(Client::up_to_tls13().suite(at).await, Err(HANDSHAKE_FAILURE));
    assert_eq!(Client::with_suites(all_of_envoy).suite(at).await, Err(HANDSHAKE_FAILURE));

    let someone_else = Client::with_suites("DHE-RSA-AES256-SHA");
    assert_eq!(someone_else.suite(at).await, Ok("DHE-RSA-AES256-SHA"));
}

#[tokio::test]
async fn p384_only_needs_the_group_and_no_other_suite() {
    let server = start(Scenario::P384Only).await;
    let at = server.address();
    assert_eq!(Client::default().suite(at).await, Err(HANDSHAKE_FAILURE));
    let cure = Client { groups: "X25519:P-256:P-384", ..Client::default() };
    assert_eq!(cure.suite(at).await, Ok("ECDHE-RSA-AES128-GCM-SHA256"));
}

#[tokio::test]
async fn mtls_needs_a_certificate_of_its_own_ca() {
    let server = start(Scenario::Mtls).await;
    let at = server.address();
    assert_eq!(Client::default().suite(at).await, Err(HANDSHAKE_FAILURE));

    let identity = client_identity().unwrap();
    assert!(!format!("{identity:?}").contains("PRIVATE"));
    let cure = Client { identity: Some(identity), ..Client::default() };
    assert_eq!(cure.suite(at).await, Ok("ECDHE-RSA-AES128-GCM-SHA256"));

    let stranger = Client { identity: Some(self_signed_identity()), ..Client::default() };
    assert_eq!(stranger.suite(at).await, Err(UNKNOWN_CA));
}

#[tokio::test]
async fn sni_required_refuses_wrong_and_missing_names_alike() {
    let server = start(Scenario::SniRequired).await;
    let name = Scenario::SniRequired.server_name().unwrap();
    for max in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let ask = |sni| Client { sni, max, ..Client::default() };
        let at = server.address();
        assert_eq!(ask(None).suite(at).await, Err(UNRECOGNIZED_NAME));
        assert_eq!(ask(Some("localhost")).suite(at).await, Err(UNRECOGNIZED_NAME));
        assert_eq!(ask(Some("x.my-upstream.example.com")).suite(at).await, Err(UNRECOGNIZED_NAME));
        assert!(ask(Some(name)).suite(at).await.is_ok());
        assert!(ask(Some("MY-Upstream.example.com")).suite(at).await.is_ok());
    }
}

#[tokio::test]
async fn plain_http_answers_a_hello_with_400_and_a_request_with_200() {
    let server = start(Scenario::PlainHttp).await;
    // A ClientHello's first bytes; no line end will ever come.
    for (sent, status) in [
        (&b"\x16\x03\x01\x00\x9d\x01\x00\x00\x99"[..], "HTTP/1.1 400 Bad Request\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"),
    ] {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        tokio::time::timeout(PATIENCE, read).await.unwrap().unwrap();
        assert!(answer.starts_with(status), "{answer}");
    }
}
