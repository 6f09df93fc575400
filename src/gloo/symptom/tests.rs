//! Texts in, codes out: every row of what is known, and the ways in which texts come.

use proptest::prelude::*;

use super::*;

fn explain(text: &str) -> Explained {
    let mut explainer = Explainer::new().unwrap();
    for line in text.split('\n') {
        explainer.line(line.as_bytes());
    }
    explainer.finish()
}

fn codes(text: &str) -> Vec<&'static str> {
    explain(text).explanations.iter().map(|explanation| explanation.symptom.code).collect()
}

/// `code: whose (detail)` and how often, one entry an occurrence.
fn seen(text: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for explanation in explain(text).explanations {
        for one in &explanation.occurrences {
            let detail = one.detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"));
            let code = explanation.symptom.code;
            seen.push(format!("{code}: {}{detail} x{}", one.subject, one.count));
        }
    }
    seen
}

fn tls(errors: &str) -> String {
    format!(
        "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: TLS_error:|{errors}:TLS_error_end"
    )
}

fn ssl(number: u32, name: &str) -> String {
    tls(&format!("{number}:SSL routines:OPENSSL_internal:{name}"))
}

/// Facts 5.4: symptom to cause.
#[test]
fn every_symptom_of_envoy_has_its_code() {
    let verify = |detail: &str| {
        ssl(268_435_581, &format!("CERTIFICATE_VERIFY_FAILED:verify cert failed: {detail}"))
    };
    let at_depth = |detail: &str| {
        verify(&format!("X509_verify_cert: certificate verification error at depth 0: {detail}"))
    };
    for (text, code) in [
        (tls("268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO"), "hello-refused"),
        (ssl(268_436_527, "TLSV1_ALERT_INSUFFICIENT_SECURITY"), "hello-refused"),
        (ssl(268_436_526, "TLSV1_ALERT_PROTOCOL_VERSION"), "maximum-version"),
        (ssl(268_435_696, "UNSUPPORTED_PROTOCOL"), "minimum-version"),
        (ssl(268_435_736, "NO_SUPPORTED_VERSIONS_ENABLED"), "bounds-contradict"),
        (ssl(268_435_631, "NO_CIPHERS_AVAILABLE"), "no-usable-suite"),
        (ssl(268_436_496, "SSLV3_ALERT_HANDSHAKE_FAILURE"), "refused-after-hello"),
        (ssl(268_436_498, "SSLV3_ALERT_BAD_CERTIFICATE"), "client-certificate-missing"),
        (ssl(268_436_504, "TLSV1_ALERT_UNKNOWN_CA"), "client-ca-unknown"),
        (ssl(268_436_501, "SSLV3_ALERT_CERTIFICATE_EXPIRED"), "client-certificate-expired"),
        (ssl(268_436_499, "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE"), "client-certificate-unsuitable"),
        (ssl(268_436_500, "SSLV3_ALERT_CERTIFICATE_REVOKED"), "client-certificate-refused"),
        (ssl(268_436_502, "SSLV3_ALERT_CERTIFICATE_UNKNOWN"), "client-certificate-refused"),
        (ssl(268_436_505, "TLSV1_ALERT_ACCESS_DENIED"), "client-certificate-refused"),
        (ssl(268_436_572, "TLSV1_ALERT_CERTIFICATE_REQUIRED"), "client-certificate-required"),
        ("upstream connect error or disconnect/reset before headers. reset reason: connection termination".to_owned(), "connection-terminated"),
        ("<center>No required SSL certificate was sent</center>".to_owned(), "client-certificate-required"),
        (at_depth("unable to get local issuer certificate"), "certificate-untrusted"),
        (at_depth("self signed certificate"), "certificate-untrusted"),
        (at_depth("self signed certificate in certificate chain"), "certificate-untrusted"),
        (at_depth("certificate has expired"), "certificate-expired"),
        (at_depth("certificate is not yet valid"), "certificate-expired"),
        (at_depth("unsupported certificate purpose"), "certificate-purpose"),
        (at_depth("unhandled critical extension"), "certificate-extension"),
        (at_depth("certificate signature failure"), "certificate-signature"),
        (at_depth("something new"), "certificate-verification"),
        (verify("SAN matcher, certificate SANs are [a.example]"), "certificate-name"),
        (verify("SAN matcher"), "certificate-name"),
        (verify("cert hash and spki"), "certificate-pin"),
        (ssl(268_435_581, "CERTIFICATE_VERIFY_FAILED"), "certificate-verification"),
        ("[2026-11-23 02:28:10.295][1][debug][connection] verify cert failed: SAN matcher".to_owned(), "certificate-name"),
        (ssl(268_436_568, "TLSV1_ALERT_UNRECOGNIZED_NAME"), "sni"),
        (ssl(268_436_536, "TLSV1_ALERT_INTERNAL_ERROR"), "server-internal-error"),
        (ssl(268_436_576, "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"), "alpn"),
        ("upstream connect error or disconnect/reset before headers. reset reason: protocol error".to_owned(), "protocol-error"),
        ("upstream request timeout".to_owned(), "request-timeout"),
        (ssl(268_435_703, "WRONG_VERSION_NUMBER"), "plain-text"),
        (ssl(268_435_602, "ENCRYPTED_LENGTH_TOO_LONG"), "plain-text"),
        (ssl(268_435_758, "KEY_USAGE_BIT_INCORRECT"), "key-usage"),
        (ssl(268_435_563, "BAD_ECC_CERT"), "certificate-curve"),
        (ssl(268_436_506, "TLSV1_ALERT_DECODE_ERROR"), "empty-groups"),
        (tls("33554536:system library:OPENSSL_internal:Connection reset by peer"), "connection-reset"),
        ("transport failure reason: delayed connect error: Connection reset by peer".to_owned(), "connection-reset"),
        (tls("33554464:system library:OPENSSL_internal:Broken pipe"), "closed-at-accept"),
        ("delayed connect error: Connection refused".to_owned(), "connection-refused"),
        ("delayed_connect_error:_No_route_to_host".to_owned(), "connect-failed"),
        ("reset reason: connection timeout".to_owned(), "connect-timeout"),
        ("TLS_error:_Secret_is_not_supplied_by_SDS".to_owned(), "secret-not-supplied"),
        ("<center>The plain HTTP request was sent to HTTPS port</center>".to_owned(), "tls-not-used"),
        ("Client sent an HTTP request to an HTTPS server.".to_owned(), "tls-not-used"),
        ("upstream connect error or disconnect/reset before headers. reset reason: remote connection failure".to_owned(), "reason-not-given"),
        ("{\"flags\":\"UF\",\"upstream_transport_failure_reason\":\"-\"}".to_owned(), "hangup"),
        (ssl(268_435_753, "TLS13_DOWNGRADE"), "downgrade"),
        (ssl(268_435_658, "RENEGOTIATION_MISMATCH"), "server-breaks-rules"),
        (ssl(268_435_678, "UNEXPECTED_EXTENSION"), "server-breaks-rules"),
        (ssl(268_435_679, "UNEXPECTED_MESSAGE"), "server-breaks-rules"),
        (ssl(268_435_681, "UNEXPECTED_RECORD"), "server-breaks-rules"),
        (ssl(268_435_694, "UNSUPPORTED_COMPRESSION_ALGORITHM"), "server-breaks-rules"),
        (ssl(268_435_698, "WRONG_CIPHER_RETURNED"), "server-breaks-rules"),
        (ssl(268_435_715, "INVALID_ALPN_PROTOCOL"), "server-breaks-rules"),
        (ssl(268_435_646, "PARSE_TLSEXT"), "server-breaks-rules"),
        (ssl(268_435_605, "ERROR_PARSING_EXTENSION"), "server-breaks-rules"),
        (tls("100663424:public key routines:OPENSSL_internal:UNSUPPORTED_ALGORITHM"), "certificate-key"),
        (tls("201326703:ASN.1 encoding routines:OPENSSL_internal:DIGEST_AND_KEY_TYPE_NOT_SUPPORTED|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED"), "certificate-signature"),
        (ssl(268_436_466, "SSLV3_ALERT_UNEXPECTED_MESSAGE"), "alert-received"),
        (ssl(268_436_656, "unknown_error"), "alert-received"),
        (ssl(268_435_800, "SOMETHING_NEW"), "tls-error"),
        ("Failed to initialize cipher suites A:B. The following ciphers were rejected when tried individually: B".to_owned(), "cipher-suites-rejected"),
        ("Failed to initialize ECDH curves secp256r1".to_owned(), "curves-rejected"),
        ("Failed to initialize TLS signature algorithms x".to_owned(), "signature-algorithms-rejected"),
        ("SAN-based verification of peer certificates without trusted CA is insecure and not allowed".to_owned(), "names-without-ca"),
        ("Failed to load trusted CA certificates from <inline>".to_owned(), "ca-rejected"),
        ("Failed to load private key from <inline>, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH".to_owned(), "key-pair-rejected"),
        ("cds: cluster 'a_b' config rejected: something else".to_owned(), "cluster-rejected"),
        ("no healthy upstream".to_owned(), "no-healthy-host"),
        ("route_not_found cluster_not_found".to_owned(), "cluster-missing"),
    ] {
        assert_eq!(codes(&text), [code], "{text}");
        // As access logs have it.
        assert_eq!(codes(&text.replace(' ', "_")), [code], "{text} in underscores");
    }
}

/// Facts 6.4, 4.3, 4.5 and 7.
#[test]
fn every_text_of_gloo_has_its_code() {
    let invalid = |reason: &str| {
        format!("name:\"t\"  namespace:\"shop\" is not a valid TLS secret: {reason}")
    };
    for (text, code) in [
        ("SSL secret not found: list did not find secret shop.t".to_owned(), "secret-not-found"),
        ("SSL secret not found: list did not find secret .t".to_owned(), "secret-namespace-missing"),
        ("name:\"t\" namespace:\"shop\" is not a TLS secret".to_owned(), "secret-not-tls"),
        (invalid("tls: failed to find any PEM data in certificate input"), "secret-certificate-empty"),
        (invalid("tls: failed to find any PEM data in key input"), "secret-key-empty"),
        (invalid("tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched"), "secret-swapped"),
        (invalid("tls: found a certificate rather than a key in the PEM for the private key"), "secret-swapped"),
        (invalid("tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [X]"), "secret-wrong-block"),
        (invalid("tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [X]"), "secret-wrong-block"),
        (invalid("tls: private key does not match public key"), "secret-mismatch"),
        (invalid("tls: private key type does not match public key type"), "secret-mismatch"),
        (invalid("tls: failed to parse private key"), "secret-key-format"),
        (invalid("tls: found unknown private key type in PKCS#8 wrapping"), "secret-key-format"),
        (invalid("tls: unknown public key algorithm"), "secret-key-format"),
        (invalid("x509: malformed certificate"), "secret-certificate-format"),
        (invalid("data does not contain any valid RSA or ECDSA certificates"), "secret-certificate-format"),
        (invalid("something new"), "secret-invalid"),
        ("Invalid TLS secret: tls: failed to find any PEM data in certificate input".to_owned(), "ssl-files-as-pem"),
        ("a root_ca must be provided if verify_subject_alt_name is not empty".to_owned(), "names-without-root-ca"),
        ("must provide validation context name if verifying SAN".to_owned(), "sds-names-without-context"),
        ("at least one of certificates_secret_name or validation_context_name must be provided".to_owned(), "sds-empty"),
        ("both or none of cert chain and private key must be provided".to_owned(), "key-pair-incomplete"),
        ("no certificate information found".to_owned(), "listener-without-certificate"),
        ("tls version 7 not found".to_owned(), "version-number-unknown"),
        ("unknown value \"\\\"TLSv1.2\\\"\" for enum gloo.solo.io.SslParameters.ProtocolVersion".to_owned(), "version-name-unknown"),
        ("could not unmarshal raw object: odd".to_owned(), "object-refused"),
        ("converting output crd: reading crd spec on resource orders in namespace shop into *v1.Upstream: odd".to_owned(), "object-undecodable"),
        ("addr cannot be empty for host".to_owned(), "static-host-incomplete"),
        ("port cannot be empty for host".to_owned(), "static-host-incomplete"),
        ("cluster was configured improperly by one or more plugins: cluster type STATIC specified but LoadAssignment was empty".to_owned(), "upstream-without-hosts"),
        ("DnsRefreshRate is only valid with STRICT_DNS or LOGICAL_DNS cluster type".to_owned(), "dns-refresh-misplaced"),
        ("dnsRefreshRate was set below minimum requirement".to_owned(), "dns-refresh-too-small"),
        ("Upstream x references the service 'S' which does not exist in namespace 'N'".to_owned(), "service-missing"),
        ("Upstream x has an invalid ServiceNamespace".to_owned(), "service-missing"),
        ("Both HTTP1 and HTTP2 options may only be configured with non-default".to_owned(), "protocol-options-clash"),
        ("proxy protocol version x is not supported".to_owned(), "proxy-protocol-unknown"),
        ("no aws secret provided. consider setting enableCredentialsDiscovey".to_owned(), "aws-credentials-missing"),
        ("Could not load configuration for the following Enterprise features: [failover]".to_owned(), "enterprise-only"),
        ("The cluster for the shop.orders Upstream was not found".to_owned(), "tunnel-without-cluster"),
        ("Istio integration must be enabled to use auto mTLS".to_owned(), "istio-integration-off"),
        ("Consul settings specify automatic detection of TLS services, but the rootCA resource's name/namespace are not properly specified: {}".to_owned(), "consul-without-ca"),
        ("error: failed to process service options with err odd".to_owned(), "annotation-unreadable"),
        ("An update to your gateway-proxy deployment was rejected due to schema/validation errors.".to_owned(), "proxy-rejects-updates"),
        ("Gloo has detected that the data plane is out of sync.".to_owned(), "data-plane-out-of-sync"),
        ("Found upstream with warnings by 'gloo-system': shop orders (Reason: odd)".to_owned(), "upstream-with-warnings"),
        ("Found rejected upstream by 'gloo-system': shop orders (Reason: odd)".to_owned(), "upstream-rejected"),
        ("Found upstream with no status: shop orders".to_owned(), "upstream-without-status"),
        ("Gloo Gateway has invalid configuration. Administrators should run `glooctl check`".to_owned(), "route-replaced"),
        ("admission webhook \"gloo.gloo-system.svc\" denied the request: resource incompatible with current Gloo snapshot: odd".to_owned(), "admission-denied"),
        ("admission webhook \"kube.gloo-system.svc\" denied the request: failed validating the deletion of resource".to_owned(), "secret-in-use"),
        ("error initializing configuration: envoy validation mode output: odd".to_owned(), "envoy-validation"),
        ("Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json".to_owned(), "patch-type-unsupported"),
        ("both --ssl-secret-name and --ssl-secret-namespace must be provided".to_owned(), "secret-reference-incomplete"),
        ("invalid key pair (cert chain file: a, private key file: b)".to_owned(), "secret-pair-unreadable"),
        ("status patch is too large, will not apply".to_owned(), "status-too-large"),
        ("{\"level\":\"warn\",\"msg\":\"Proxy had invalid config\",\"error\":\"odd\"}".to_owned(), "proxy-configuration-invalid"),
    ] {
        assert_eq!(codes(&text), [code], "{text}");
    }
}

#[test]
fn what_a_wrapper_holds_counts_more() {
    assert_eq!(
        codes(
            "admission webhook \"gloo.gloo-system.svc\" denied the request: resource incompatible with current Gloo snapshot: [tls version 9 not found]"
        ),
        ["version-number-unknown"]
    );
    assert_eq!(
        codes(
            "envoy validation mode output: error initializing configuration '': Failed to initialize cipher suites X. The following"
        ),
        ["cipher-suites-rejected"]
    );
}

#[test]
fn glooctl_check_says_whose_the_reasons_are() {
    let text = "Checking upstreams... 2 Errors!
Error: 2 errors occurred:
\t* Found upstream with warnings by 'gloo-system': shop orders (Reason: warning: 
  1 error occurred:
\t* SSL secret not found: list did not find secret shop.orders-tls

)
\t* Found upstream with warnings by 'gloo-system': shop other (Reason: warning: 
  something else
)
Checking proxies... OK";
    assert_eq!(
        seen(text),
        [
            "secret-not-found: Upstream orders in shop (secret shop.orders-tls) x1",
            "upstream-with-warnings: Upstream other in shop (the reason: warning:) x1",
        ]
    );
}

/// Facts 6.3: only the first offending resource is named.
#[test]
fn the_control_plane_s_log_says_whose_the_first_error_is() {
    let line = r#"{"level":"warn","ts":"2026-08-20T10:00:00.123Z","logger":"gloo.v1.event_loop.setup.gloosnapshot.event_loop.envoyTranslatorSyncer","msg":"Proxy had invalid config","proxy":"gloo-system.gateway-proxy","error":"2 errors occurred:\n\t* invalid resource shop.orders\n\t* SSL secret not found: list did not find secret shop.orders-tls\n\t* tls version 7 not found\n\n"}"#;
    let explained = explain(line);
    assert_eq!(
        seen(line),
        [
            "secret-not-found: orders in shop (secret shop.orders-tls) x1",
            "version-number-unknown: the text does not say whose (the number: 7) x1",
        ]
    );
    let first = &explained.explanations[0].occurrences[0];
    assert_eq!(first.first.as_deref(), Some("2026-08-20T10:00:00Z"));
    let old = r#"{"level":"warn","ts":1600000000.5,"msg":"proxy gloo-system.gateway-proxy was rejected due to invalid config: 1 error occurred:\n\t* invalid resource shop.orders\n\t* name:\"t\"  namespace:\"shop\" is not a TLS secret\n\n Attempting to update only EDS information"}"#;
    assert_eq!(seen(old), ["secret-not-tls: orders in shop (secret shop.t) x1"]);
}

#[test]
fn an_undecodable_object_is_named() {
    let text = "converting output crd: reading crd spec on resource orders in namespace shop into *v1.Upstream: unknown value \"\\\"TLSv1.2\\\"\" for enum gloo.solo.io.SslParameters.ProtocolVersion";
    let seen = seen(text);
    assert_eq!(seen.len(), 1);
    assert!(seen[0].starts_with("version-name-unknown: Upstream orders in shop"), "{seen:?}");
}

/// Facts 2.4: one warning can reject several clusters.
#[test]
fn every_cluster_of_a_rejected_update_is_told() {
    let text = "[2026-08-20 10:00:00.123][1][warning][config] [source/x.cc:1] gRPC config for type.googleapis.com/envoy.config.cluster.v3.Cluster rejected: Error adding/updating cluster(s) orders_shop: Failed to initialize cipher suites A:B:C. The following ciphers were rejected when tried individually: B, C, kube-svc:shop-cart-443_shop: Failed to initialize ECDH curves secp256r1";
    assert_eq!(
        seen(text),
        [
            "cipher-suites-rejected: Upstream orders in shop (rejected: B, C) x1",
            "curves-rejected: Service cart in shop (the list: secp256r1) x1",
        ]
    );
}

#[test]
fn access_logs_say_whose_it_is_and_when() {
    let json = r#"{"code":503,"details":"upstream_reset_before_response_started{remote_connection_failure|TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end}","flags":"UF","start_time":"2026-11-23T02:28:10.339Z","upstream_cluster":"plain_ns","upstream_host":"127.0.0.1:21003","upstream_transport_failure_reason":"TLS_error:|268435703:SSL_routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end"}"#;
    let explained = explain(&format!("{json}\n[pod/x/y] {json}\n"));
    let [one] = &explained.explanations[..] else { panic!("{explained:?}") };
    assert_eq!((one.symptom.code, one.count), ("plain-text", 2));
    let [occurrence] = &one.occurrences[..] else { panic!("{one:?}") };
    assert_eq!(occurrence.subject, Subject::upstream("plain", "ns"));
    assert_eq!(occurrence.addresses.first().map(String::as_str), Some("127.0.0.1:21003"));
    assert_eq!(occurrence.first.as_deref(), Some("2026-11-23T02:28:10Z"));
    assert_eq!(
        one.commands(),
        [
            "kubectl get upstreams.gloo.solo.io plain -n ns -o yaml | cipher-test upstreams -",
            "cipher-test 127.0.0.1:21003 --sni SERVER_NAME",
        ]
    );
}

#[test]
fn flags_speak_where_no_reason_does() {
    let line = |flags: &str| {
        format!(
            r#"[2026-11-23T02:28:10.295Z] "GET / HTTP/1.1" 503 {flags} 0 9 1 - "-" "c" "i" "a:1" "10.0.0.1:443""#
        )
    };
    for (flags, code) in [
        ("UF", "reason-not-given"),
        ("UF,URX", "reason-not-given"),
        ("UC", "connection-terminated"),
        ("UPE", "protocol-error"),
        ("UT", "request-timeout"),
        ("NC", "cluster-missing"),
        ("UH", "no-healthy-host"),
        ("UpstreamConnectionFailure", "reason-not-given"),
    ] {
        assert_eq!(seen(&line(flags)), [format!("{code}: server 10.0.0.1:443 x1")], "{flags}");
    }
    assert_eq!(codes(&line("-")), [""; 0]);
    assert_eq!(codes(&line("DC")), [""; 0]);
    let terminated = r#"{"flags":"UC","details":"upstream_reset_before_response_started{connection_termination}","upstream_transport_failure_reason":null,"upstream_cluster":"a_b"}"#;
    assert_eq!(seen(terminated), ["connection-terminated: Upstream a in b x1"]);
    let silent = r#"{"flags":"UF,URX","details":null,"upstream_transport_failure_reason":null,"upstream_cluster":"a_b"}"#;
    assert_eq!(seen(silent), ["hangup: Upstream a in b x1"]);
}

/// Facts 5.5.
#[test]
fn counters_that_moved_are_told() {
    let text = "cluster.orders_shop.ssl.connection_error: 5
cluster.orders_shop.ssl.fail_verify_san: 0
cluster.a_b.ssl.fail_verify_san: 2
cluster.a_b.ssl.fail_verify_error: 2
cluster.a_b.ssl.fail_verify_cert_hash: 2
cluster.a_b.ssl.was_key_usage_invalid: 1
cluster.a_b.upstream_cx_connect_fail: 1
cluster.a_b.upstream_cx_connect_timeout: 1
cluster.a_b.client_ssl_socket_factory.upstream_context_secrets_not_ready: 1
cluster_manager.cds.update_rejected: 3
envoy_cluster_ssl_connection_error{envoy_cluster_name=\"orders_shop\"} 9
{\"stats\":[{\"name\":\"cluster.orders_shop.ssl.connection_error\",\"value\":7}]}";
    let explained = explain(text);
    let mut codes: Vec<_> = explained.explanations.iter().map(|one| one.symptom.code).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "certificate-name",
            "certificate-pin",
            "certificate-verification",
            "connect-timeout",
            "connections-fail",
            "handshakes-fail",
            "key-usage-later",
            "secret-not-supplied",
            "updates-rejected",
        ]
    );
    let fails =
        explained.explanations.iter().find(|one| one.symptom.code == "handshakes-fail").unwrap();
    assert_eq!((fails.count, fails.occurrences[0].counter), (3, Some(9)));
    assert_eq!(fails.occurrences[0].subject, Subject::upstream("orders", "shop"));
}

#[test]
fn statuses_say_whose_they_are() {
    let yaml = "apiVersion: gloo.solo.io/v1
kind: Upstream
metadata:
  name: orders
  namespace: shop
status:
  statuses:
    gloo-system:
      reason: \"warning: \\n  1 error occurred:\\n\\t* SSL secret not found: list did not find
        secret .orders-tls\\n\\n\"
      state: 3
---
apiVersion: gloo.solo.io/v1
kind: Upstream
metadata:
  name: other
  namespace: shop
status:
  reason: nobody knows this
  state: Rejected
";
    assert_eq!(
        seen(yaml),
        [
            "secret-namespace-missing: Upstream orders in shop (secret orders-tls) x1",
            "status-reason: Upstream other in shop x1",
        ]
    );
    let json = r#"{"apiVersion":"v1","items":[{"kind":"Upstream","metadata":{"name":"orders","namespace":"shop"},"spec":{"x":"tls version 9 not found"},"status":{"statuses":{"gloo-system":{"reason":"warning: \n  tls version 7 not found","state":"Warning"}}}}],"kind":"List"}"#;
    assert_eq!(seen(json), ["version-number-unknown: Upstream orders in shop (the number: 7) x1"]);
    assert_eq!(codes("  reason: 'warning: tls version 7 not found'"), ["version-number-unknown"]);
    assert_eq!(codes("kind: Pod\nstatus:\n  reason: Evicted"), [""; 0]);
    assert_eq!(
        codes("reason: TLS error: 268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER"),
        ["plain-text"]
    );
}

#[test]
fn indented_lines_of_a_document_are_its_own() {
    let head = "kind: Upstream\nmetadata:\n  name: orders\n  namespace: shop\nstatus:\n";
    let listed = format!("{head}  Messages:\n  - tls version 7 not found\n");
    assert_eq!(
        seen(&listed),
        ["version-number-unknown: Upstream orders in shop (the number: 7) x1"]
    );
    let after = format!("{head}a line of a log\n  tls version 7 not found\n");
    assert_eq!(
        seen(&after),
        ["version-number-unknown: the text does not say whose (the number: 7) x1"]
    );
}

#[test]
fn a_cluster_of_kubernetes_is_no_subject() {
    let line = r#"{"level":"error","cluster":"production","msg":"tls version 7 not found"}"#;
    assert_eq!(
        seen(line),
        ["version-number-unknown: the text does not say whose (the number: 7) x1"]
    );
}

/// Such routes have no Upstream that could be fetched.
#[test]
fn services_are_fetched_as_services() {
    let text = format!("cluster 'kube-svc:shop-cart-443_shop' {}", ssl(268_435_703, "X"));
    let explained = explain(&text);
    assert_eq!(explained.explanations[0].commands(), ["kubectl get service cart -n shop -o yaml"]);
}

/// A number that nobody knows keeps to itself, so that two unknown errors are two entries.
#[test]
fn unknown_errors_are_told_apart() {
    let text = format!(
        "{}\n{}\n{}",
        ssl(268_435_900, "A_NEW_ONE"),
        ssl(268_435_901, "ANOTHER"),
        ssl(268_435_900, "A_NEW_ONE")
    );
    let explained = explain(&text);
    let counts: Vec<_> =
        explained.explanations.iter().map(|one| (one.count, one.errors[0].number)).collect();
    assert_eq!(counts, [(2, 268_435_900), (1, 268_435_901)]);
}

#[test]
fn groups_are_bounded_and_the_rest_is_counted() {
    let mut explainer = Explainer::new().unwrap();
    for number in 0..tally::MOST + 500 {
        explainer.line(format!("{{\"upstream_cluster\":\"u{number}_ns\",\"r\":\"268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER\"}}").as_bytes());
    }
    let explained = explainer.finish();
    assert_eq!(explained.others, 500);
    assert_eq!(explained.explanations[0].count, u64::try_from(tally::MOST).unwrap());
}

#[test]
fn secrets_are_not_repeated() {
    let error = ssl(268_435_703, "WRONG_VERSION_NUMBER");
    for line in [
        format!("{error} -----BEGIN PRIVATE KEY-----"),
        format!("Authorization: Basic eDp5 {error}"),
    ] {
        assert_eq!(explain(&line).explanations[0].example, None, "{line}");
    }
    let shown = explain(&format!("{}{error}", "x".repeat(1000)));
    let example = shown.explanations[0].example.as_ref().unwrap();
    assert!(example.chars().count() <= 202, "{example}");
}

#[test]
fn lines_that_say_nothing_are_counted() {
    let explained = explain("hello\n\n268436526\n{\"a\":1}\n");
    assert_eq!((explained.lines, explained.unknown_lines), (3, 2));
    assert_eq!(explained.explanations[0].symptom.code, "maximum-version");
}

#[test]
fn blank_lines_within_a_reason_do_not_count() {
    let explained = explain("  reason: \"\n\n   nothing that is known\n");
    assert_eq!((explained.lines, explained.unknown_lines), (2, 2));
}

#[test]
fn one_input_does_not_name_the_next() {
    let mut explainer = Explainer::new().unwrap();
    explainer.line(b"* invalid resource shop.orders");
    explainer.end_of_input();
    explainer.line(b"tls version 7 not found");
    let explained = explainer.finish();
    assert_eq!(explained.explanations[0].occurrences[0].subject, Subject::Unknown);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut explainer = Explainer::new().unwrap();
        bytes.split(|byte| *byte == b'\n').for_each(|line| explainer.line(line));
        let _ = explainer.finish();
    }

    /// Pieces of what is known in any order.
    #[test]
    fn no_mix_of_known_pieces_makes_it_panic(text in "(\
        reason: |metadata:|  name: a|\\{|\\}|\"|'|\\[|\\]|: |, |\n|\t\\* | 503 UF |_é|\\\\n|\
        TLS_error:\\||268436496:|SSL_routines:|OPENSSL_internal:|cluster\\.|\\.ssl\\.connection_error: 5|\
        Error adding/updating cluster\\(s\\) |did not find secret |is not a TLS secret|name:|namespace:|\
        Found upstream with warnings by 'x': |\\(Reason: |invalid resource |2026-08-20T10:00:00|\
        reading crd spec on resource | in namespace | into |tls version | not found|\\PC){0,30}") {
        let explained = explain(&text);
        for explanation in &explained.explanations {
            prop_assert!(explanation.count > 0);
            prop_assert!(explanation.commands().iter().all(|command| !command.contains(['\n', '$', '`'])));
        }
    }
}
