//! What Envoy's texts, errors, flags and counters mean. Measured with Envoy 1.36 to 1.40 unless a
//! row says otherwise.
//!
//! The order of rows is their rank: of several errors in one reason, the one whose row comes
//! first says what happened.

use super::symptom::Detail::Between;
use super::symptom::Gravity::{Info, Warning};
use super::symptom::Sign::{Counter, Error, Flag, Text, Verification, Wrapper};
use super::symptom::{Step, Symptom};

const fn alert(number: u32) -> u32 {
    268_436_456 + number
}

/// The rows, in order of rank.
pub static SYMPTOMS: &[Symptom] = &[
    // Refused on the hello.
    Symptom {
        code: "hello-refused",
        signs: &[Error(268_435_610), Error(alert(71)), Wrapper("HANDSHAKE_FAILURE")],
        meaning: "the server refuses Envoy's ClientHello (handshake_failure as its first answer)",
        causes: &[
            "no cipher suite in common: the server takes only RSA key exchange, CBC or DHE suites",
            "the server speaks only TLS 1.0 or 1.1, and Envoy offers only suites of TLS 1.2",
            "no group in common: the server insists on P-384 or P-521",
            "the server's certificate (ECDSA on P-384 or P-521, Ed25519, RSA-PSS) does not fit the offer",
            "the server signs only with schemes that Envoy does not offer",
            "a GnuTLS server that speaks only TLS 1.3",
        ],
        remedy: "These look the same from outside; a probe tells them apart and writes the patch of \
                 `sslConfig.parameters` (cipherSuites, ecdhCurves, minimum or maximumProtocolVersion). \
                 Nothing helps against a server that has only DHE.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "maximum-version",
        signs: &[Error(alert(70))],
        meaning: "the server refuses the protocol versions that Envoy offers (protocol_version)",
        causes: &[
            "the server speaks only TLS 1.3, and Envoy stops at 1.2 unless it is told otherwise",
            "the Upstream's bounds exclude what the server speaks (only 1.3, or at most 1.1)",
        ],
        remedy: "`maximumProtocolVersion: TLSv1_3`, or other bounds; no cipher list helps.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "minimum-version",
        signs: &[Error(268_435_696)],
        meaning: "the server picked a protocol version below Envoy's minimum (UNSUPPORTED_PROTOCOL)",
        causes: &["the server speaks only TLS 1.0 or 1.1; Envoy's minimum is 1.2 by default"],
        remedy: "`minimumProtocolVersion: TLSv1_0` with a suite that works there, such as AES128-SHA.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "bounds-contradict",
        signs: &[Error(268_435_736)],
        meaning: "the minimum protocol version is above the maximum, so Envoy sends nothing",
        causes: &[
            "only `minimumProtocolVersion: TLSv1_3` is set; the maximum is then still TLS 1.2",
            "only `maximumProtocolVersion: TLSv1_1` or lower is set; the minimum is then still 1.2",
        ],
        remedy: "Set both bounds.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "no-usable-suite",
        signs: &[Error(268_435_631)],
        meaning: "no suite of the list fits the protocol versions, so Envoy sends nothing",
        causes: &[
            "a maximum of TLS 1.0 or 1.1 without a CBC-SHA1 suite in `cipherSuites`",
            "`cipherSuites` holds only PSK suites, which Envoy cannot use",
        ],
        remedy: "Add a suite that the versions allow, or correct the bounds.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    // Client certificates.
    Symptom {
        code: "client-certificate-required",
        signs: &[Error(alert(116)), Error(alert(41)), Text("No required SSL certificate was sent")],
        meaning: "the server wants a client certificate, and Envoy has none for it",
        causes: &[
            "the server asks for a client certificate (mTLS) and the Upstream names no secret with a key pair",
        ],
        remedy: "Give `sslConfig.secretRef` a TLS secret whose certificate the server trusts.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "client-ca-unknown",
        signs: &[Error(alert(48))],
        meaning: "the server does not trust the CA of Envoy's client certificate (unknown_ca)",
        causes: &[
            "the secret holds a certificate of another CA than the server expects",
            "the intermediate certificate is missing from `tls.crt`",
        ],
        remedy: "Use a client certificate of the right CA, with its intermediates.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "client-certificate-expired",
        signs: &[Error(alert(45))],
        meaning: "the server says that Envoy's client certificate has expired",
        causes: &[
            "the certificate in the Upstream's secret is out of its dates; Gloo does not check them",
        ],
        remedy: "Renew the certificate in the secret.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "client-certificate-unsuitable",
        signs: &[Error(alert(43))],
        meaning: "the server cannot use Envoy's client certificate (unsupported_certificate)",
        causes: &["the certificate's extended key usage lacks clientAuth"],
        remedy: "Issue it again with clientAuth.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "client-certificate-refused",
        signs: &[Error(alert(44)), Error(alert(46)), Error(alert(49))],
        meaning: "the server refuses Envoy's client certificate",
        causes: &[
            "it is revoked (certificate_revoked), or refused for a reason that the server keeps to itself (certificate_unknown)",
            "it is valid, but its name is not allowed (access_denied)",
        ],
        remedy: "The server's log has the reason; use a certificate that it allows.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "client-certificate-missing",
        signs: &[Error(alert(42))],
        meaning: "the server refuses Envoy's client certificate, or the lack of one (bad_certificate)",
        causes: &[
            "a client certificate is required under TLS 1.2 and none was sent (Go servers)",
            "the certificate sent does not verify",
        ],
        remedy: "Give `sslConfig.secretRef` a TLS secret whose certificate the server trusts.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "refused-after-hello",
        signs: &[Error(alert(40))],
        meaning: "the server took the hello and refused later (handshake_failure alone)",
        causes: &[
            "a client certificate is required under TLS 1.2 (OpenSSL, HAProxy)",
            "a Go server with an Ed25519 certificate under TLS 1.2",
        ],
        remedy: "Not the cipher list, unless the line was cut: that would also say \
                 HANDSHAKE_FAILURE_ON_CLIENT_HELLO. Give \
                 `sslConfig.secretRef` a TLS secret with a key pair that the server trusts.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    // The server's certificate.
    Symptom {
        code: "certificate-name",
        signs: &[
            Verification("SAN matcher"),
            Verification("SAN matching"),
            Verification("hostname mismatch"),
            Counter("ssl.fail_verify_san"),
        ],
        meaning: "the server's certificate is for other names than `verifySubjectAltName`",
        causes: &[
            "`verifySubjectAltName` does not have the name that the certificate has",
            "the server shows another certificate, because it gets no server name or another one",
            "the certificate has no subjectAltName at all; the common name is never looked at",
        ],
        remedy: "Correct `verifySubjectAltName` or the SNI, or have the certificate issued again.",
        steps: &[Step::Upstream, Step::Probe],
        detail: Between(
            "names in the certificate",
            &[("certificate SANs are [", "]"), ("certificate_SANs_are_[", "]")],
        ),
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-pin",
        signs: &[Verification("cert hash and spki"), Counter("ssl.fail_verify_cert_hash")],
        meaning: "the server's certificate is not the pinned one",
        causes: &["the server's certificate was renewed", "the pin is wrong"],
        remedy: "Correct the pinned hash or SPKI.",
        steps: &[Step::ConfigDump],
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-expired",
        signs: &[
            Verification("certificate has expired"),
            Verification("certificate is not yet valid"),
        ],
        meaning: "a certificate of the server's chain is out of its dates",
        causes: &[
            "depth 0: the server's own certificate; depth 1 or more: an intermediate",
            "the clock of the proxy's node is wrong",
        ],
        remedy: "Have the certificate renewed.",
        steps: &[Step::Probe, Step::Upstream],
        detail: Between("at", &[("error at ", ":"), ("error_at_", ":")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-purpose",
        signs: &[Verification("unsupported certificate purpose")],
        meaning: "the server's certificate may not be used by a server",
        causes: &["its extended key usage lacks serverAuth, or its keyUsage has no usable bit"],
        remedy: "Have it issued again with serverAuth.",
        steps: &[Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-signature",
        signs: &[Error(201_326_703), Verification("certificate signature failure")],
        meaning: "the signature of a certificate in the server's chain cannot be verified",
        causes: &[
            "it is signed with MD5, which Envoy does not take",
            "the chain does not belong together",
        ],
        remedy: "Have the certificate issued again.",
        steps: &[Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-extension",
        signs: &[Verification("unhandled critical extension")],
        meaning: "the server's certificate has a critical extension that Envoy does not know",
        causes: &["a CA of a product with extensions of its own"],
        remedy: "Have it issued again without that extension, or marked as not critical.",
        steps: &[Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-untrusted",
        signs: &[
            Verification("unable to get local issuer certificate"),
            Verification("unable to get issuer certificate"),
            Verification("unable to verify the first certificate"),
            Verification("self signed certificate"),
            Verification("self-signed certificate"),
        ],
        meaning: "the server's certificate does not lead to the CA in the Upstream's secret",
        causes: &[
            "`ca.crt` is not the CA of the server's certificate",
            "the server does not send its intermediate certificate (the text is the same)",
            "the server's certificate is self-signed",
        ],
        remedy: "Put the right CA into `ca.crt`, or have the server send its whole chain.",
        steps: &[Step::Upstream, Step::Probe],
        detail: Between("at", &[("error at ", ":"), ("error_at_", ":")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-verification",
        signs: &[
            Error(268_435_581),
            Text("verify cert failed: "),
            Counter("ssl.fail_verify_error"),
            Counter("ssl.fail_verify_no_cert"),
        ],
        meaning: "Envoy does not accept the server's certificate; the text does not say why",
        causes: &[
            "untrusted CA or missing intermediate",
            "out of its dates",
            "the name is not in `verifySubjectAltName`",
        ],
        remedy: "Envoy before 1.37 tells the reason only at log level debug (`verify cert failed: ...`); \
                 a probe with --ca and --verify-name tells it, too.",
        steps: &[Step::Upstream, Step::Probe],
        detail: Between(
            "Envoy says",
            &[("verify cert failed: ", ":TLS_error"), ("verify_cert_failed:_", ":TLS_error")],
        ),
        ..Symptom::NONE
    },
    Symptom {
        code: "key-usage",
        signs: &[Error(268_435_758)],
        meaning: "the certificate's keyUsage forbids the key exchange (KEY_USAGE_BIT_INCORRECT)",
        causes: &[
            "keyUsage lacks digitalSignature, which ECDHE and TLS 1.3 need",
            "keyUsage lacks keyEncipherment, which RSA key exchange needs",
        ],
        remedy: "Enforced for RSA from Envoy 1.38 on (Gloo 1.22), so this can begin with an upgrade. \
                 Have the certificate issued again, or allow a suite of the other key exchange.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "key-usage-later",
        gravity: Warning,
        signs: &[Counter("ssl.was_key_usage_invalid")],
        meaning: "the server's certificate has a wrong keyUsage, which Envoy refuses from 1.38 on",
        causes: &["keyUsage lacks the bit for the key exchange that was used"],
        remedy: "Have the certificate issued again before upgrading.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-curve",
        signs: &[Error(268_435_563)],
        meaning: "the server's ECDSA certificate is on a curve that Envoy does not offer (BAD_ECC_CERT)",
        causes: &[
            "a key on P-384 or P-521 under TLS 1.2, from a server that ignores the offer (Go)",
        ],
        remedy: "Add the curve to `ecdhCurves`, with the defaults before it.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "certificate-key",
        signs: &[Error(100_663_424)],
        meaning: "Envoy does not know the kind of key in the server's certificate",
        causes: &["a key on P-224 (from Envoy 1.38 on) or of another type that BoringSSL lacks"],
        remedy: "Have the certificate issued again with an RSA or P-256 key.",
        steps: &[Step::Probe],
        ..Symptom::NONE
    },
    // Names and protocols.
    Symptom {
        code: "sni",
        signs: &[Error(alert(112))],
        meaning: "the server does not serve the server name that Envoy sends, or wants one",
        causes: &[
            "no SNI: Upstreams other than static send none without `sslConfig.sni`",
            "another name: static Upstreams send the host's `addr`, and `sslConfig.sni` has no effect there",
        ],
        remedy: "Set `sniAddr` of the static host, or `sslConfig.sni` of other Upstreams.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "server-internal-error",
        signs: &[Error(alert(80))],
        meaning: "the server fails at the handshake (internal_error)",
        causes: &[
            "a Go server without a certificate for the server name",
            "a fault of the server's own configuration",
        ],
        remedy: "Set the SNI that the server expects; else its log has the reason.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "alpn",
        signs: &[Error(alert(120))],
        meaning: "the server speaks none of the application protocols that the cluster offers",
        causes: &[
            "`useHttp2: true` towards a server that has only HTTP/1.1",
            "HTTP/1.1 towards a server that has only HTTP/2 (gRPC)",
        ],
        remedy: "Correct `useHttp2`, or `alpnProtocols` where it is set.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "empty-groups",
        signs: &[Error(alert(50))],
        meaning: "the server cannot read Envoy's hello (decode_error)",
        causes: &["`ecdhCurves` has only post-quantum groups, which are left out under TLS 1.2"],
        remedy: "Add X25519 and P-256 to `ecdhCurves`.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "plain-text",
        signs: &[Error(268_435_703), Error(268_435_602)],
        meaning: "what answers does not speak TLS (WRONG_VERSION_NUMBER)",
        causes: &[
            "the port speaks plain HTTP, or another protocol that greets first",
            "the wrong port",
            "a proxy or load balancer in between answers with an error page",
        ],
        remedy: "Correct the port, or take `sslConfig` (and `useTls`) away.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "tls-not-used",
        signs: &[
            Text("The plain HTTP request was sent to HTTPS port"),
            Text("Client sent an HTTP request to an HTTPS server"),
        ],
        meaning: "the cluster speaks plain text to a port that speaks TLS",
        causes: &[
            "the Upstream has no `sslConfig`: for all but static Upstreams on port 443, TLS is off without it",
            "its secret is missing: Gloo then keeps the cluster without TLS by default",
            "`useTls: false`, `proxyProtocolVersion` without `sslConfig`, or Istio auto mTLS",
        ],
        remedy: "Give the Upstream an `sslConfig` (`{}` is enough), and look at its status.",
        steps: &[Step::Upstream, Step::Check],
        ..Symptom::NONE
    },
    Symptom {
        code: "downgrade",
        signs: &[Error(268_435_753)],
        meaning: "something between Envoy and the server lowers TLS 1.3 to 1.2 (TLS13_DOWNGRADE)",
        causes: &["a middlebox that intercepts TLS"],
        remedy: "Leave `maximumProtocolVersion` at TLSv1_2, or take the middlebox away.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "server-breaks-rules",
        signs: &[
            Error(268_435_658),
            Error(268_435_678),
            Error(268_435_679),
            Error(268_435_681),
            Error(268_435_694),
            Error(268_435_698),
            Error(268_435_715),
            Error(268_435_605),
            Error(268_435_646),
        ],
        meaning: "the server's answer breaks the rules of TLS",
        causes: &[
            "the server chose something that was not offered, or sent a message out of order",
            "a middlebox changes the handshake",
        ],
        remedy: "Nothing in Gloo; other versions or suites may avoid the fault.",
        steps: &[Step::Probe, Step::Upstream],
        ..Symptom::NONE
    },
    // Connections.
    Symptom {
        code: "connection-reset",
        signs: &[Error(33_554_536), Text("delayed connect error: Connection reset by peer")],
        meaning: "the connection was reset during the handshake",
        causes: &[
            "a firewall, or a load balancer without a backend",
            "a server that expects a PROXY protocol header first (`proxyProtocolVersion`)",
            "a server that resets instead of sending an alert",
        ],
        remedy: "Try from a pod beside the proxy; set `proxyProtocolVersion` if the server wants it.",
        steps: &[Step::Probe, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "closed-at-accept",
        signs: &[Error(33_554_464)],
        meaning: "the connection was closed before the hello was written (Broken pipe)",
        causes: &["the server or a load balancer closes connections as soon as they open"],
        remedy: "Look at the server, or at what stands before it.",
        steps: &[Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "connection-refused",
        signs: &[
            Error(33_554_543),
            Text("connect error: Connection refused"),
            Text("connect error: 111"),
        ],
        meaning: "nothing listens on the port",
        causes: &["the wrong port", "the server is down"],
        remedy: "Correct the port, or start the server.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "connect-failed",
        signs: &[
            Text("delayed connect error: "),
            Text("immediate connect error: "),
            Error(33_554_542),
            Error(33_554_545),
            Error(33_554_533),
        ],
        meaning: "the connection could not be opened",
        causes: &["no route to the server, or a firewall in between"],
        remedy: "Try from a pod beside the proxy.",
        steps: &[Step::Probe, Step::Upstream],
        detail: Between("Envoy says", &[("connect error: ", "\""), ("connect_error:_", "\"")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "connect-timeout",
        signs: &[
            Text("reset reason: connection timeout"),
            Text("upstream_reset_before_response_started{connection_timeout"),
            Text("[pool] connect timeout"),
            Counter("upstream_cx_connect_timeout"),
        ],
        meaning: "the TCP connection or the handshake did not finish within the connect timeout",
        causes: &[
            "packets are dropped on the way (firewall, security group)",
            "the port speaks plain text and waits for a request",
            "the server is overloaded; the timeout is 5s unless `connectionConfig.connectTimeout` says otherwise",
        ],
        remedy: "Try from a pod beside the proxy.",
        steps: &[Step::Probe, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-not-supplied",
        signs: &[
            Text("Secret is not supplied by SDS"),
            Counter("client_ssl_socket_factory.upstream_context_secrets_not_ready"),
        ],
        meaning: "Envoy waits for a certificate or CA from SDS, so nothing is sent",
        causes: &[
            "the SDS server has no secret of that name, or cannot be reached",
            "`certificatesSecretName` or `validationContextName` is misspelt",
        ],
        remedy: "Correct the names in `sslConfig.sds`, or use `secretRef`.",
        steps: &[Step::ShowUpstream, Step::ConfigDump],
        ..Symptom::NONE
    },
    // Configuration that Envoy refuses.
    Symptom {
        code: "cipher-suites-rejected",
        signs: &[Text("Failed to initialize cipher suites")],
        meaning: "Envoy rejects the whole cluster for its cipher list; the Upstream's status stays Accepted",
        causes: &[
            "a name that this release's BoringSSL lacks; one is enough",
            "only TLS 1.3 names, which cannot be chosen",
            "where no name is listed as rejected: a fault of syntax, such as `|` outside brackets",
        ],
        remedy: "Take the rejected names out of `cipherSuites`. Until then an existing cluster keeps its \
                 old configuration, and a new one does not exist (503, flag NC).",
        steps: &[Step::Upstream, Step::ConfigDump],
        detail: Between("rejected", &[("tried individually: ", "\n")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "curves-rejected",
        signs: &[Text("Failed to initialize ECDH curves")],
        meaning: "Envoy rejects the whole cluster for its curves; the Upstream's status stays Accepted",
        causes: &[
            "a name that this release lacks, such as secp256r1 (write P-256) or P-224",
            "the same curve twice, from Envoy 1.38 on",
        ],
        remedy: "Correct `ecdhCurves`; Envoy does not say which entry it is. Until then an existing \
                 cluster keeps its old configuration, and a new one does not exist (503, flag NC).",
        steps: &[Step::Upstream, Step::ConfigDump],
        detail: Between("the list", &[("Failed to initialize ECDH curves ", "\n")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "signature-algorithms-rejected",
        signs: &[Text("Failed to initialize TLS signature algorithms")],
        meaning: "Envoy rejects the whole cluster for its signature algorithms",
        causes: &["a name that this release lacks, or the same one twice"],
        remedy: "Correct `signature_algorithms`.",
        steps: &[Step::ConfigDump],
        detail: Between("the list", &[("TLS signature algorithms ", "\n")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "names-without-ca",
        signs: &[Text(
            "SAN-based verification of peer certificates without trusted CA is insecure",
        )],
        meaning: "Envoy rejects the cluster: names are to be verified without a CA",
        causes: &["`verifySubjectAltName` without a CA in the secret"],
        remedy: "Add `ca.crt` to the secret, or drop `verifySubjectAltName`.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "ca-rejected",
        signs: &[Text("Failed to load trusted CA certificates")],
        meaning: "Envoy rejects the cluster: the CA cannot be read",
        causes: &["`ca.crt` of the secret is no PEM; Gloo never looks into it"],
        remedy: "Correct `ca.crt`.",
        steps: &[Step::Upstream, Step::Secret],
        ..Symptom::NONE
    },
    Symptom {
        code: "key-pair-rejected",
        signs: &[
            Text("Failed to load certificate chain from"),
            Text("Failed to load private key from"),
            Text("Failed to load incomplete certificate"),
        ],
        meaning: "Envoy rejects the cluster: the client certificate or its key cannot be read",
        causes: &["the certificate or key is no PEM, or they do not belong together"],
        remedy: "Correct the secret.",
        steps: &[Step::Upstream, Step::Secret],
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-update-rejected",
        signs: &[
            Text("config rejected: Missing SDS resources for"),
            Text("update rejected: Missing SDS resources for"),
        ],
        meaning: "the SDS server answered without the secret that Envoy asked for",
        causes: &["the SDS server has no secret of that name"],
        remedy: "Correct the names in `sslConfig.sds`, or use `secretRef`.",
        steps: &[Step::ShowUpstream, Step::ConfigDump],
        detail: Between("the secret", &[("Missing SDS resources for ", " ")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "cluster-rejected",
        signs: &[
            Wrapper("Error adding/updating cluster(s) "),
            Wrapper("envoy.config.cluster.v3.Cluster rejected"),
            Wrapper("config rejected: "),
        ],
        meaning: "Envoy rejects the configuration of a cluster",
        causes: &["what Envoy says after the cluster's name"],
        remedy: "Until it is corrected, an existing cluster keeps its old configuration, and a new one \
                 does not exist (503, flag NC). The Upstream's status stays Accepted.",
        steps: &[Step::Upstream, Step::ConfigDump],
        ..Symptom::NONE
    },
    Symptom {
        code: "updates-rejected",
        signs: &[Counter("cluster_manager.cds.update_rejected")],
        meaning: "Envoy has rejected updates of its clusters",
        causes: &[
            "an unknown name in `cipherSuites` or `ecdhCurves`; the Upstream's status stays Accepted",
            "a broken `ca.crt`",
        ],
        remedy: "The proxy's log names the cluster and the reason.",
        steps: &[Step::ProxyLog, Step::Upstream],
        ..Symptom::NONE
    },
    // Generic.
    Symptom {
        code: "alert-received",
        meaning: "the server ended the handshake with an alert",
        causes: &["what the alert says"],
        remedy: "A probe shows what the server accepts instead; its log may say why.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "tls-error",
        meaning: "the handshake failed with an error that has no explanation here",
        causes: &["what the library and the reason say"],
        remedy: "A probe shows what the server accepts.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    // No reason, only circumstances.
    Symptom {
        code: "connection-terminated",
        signs: &[
            Text("reset reason: connection termination"),
            Text("upstream_reset_before_response_started{connection_termination"),
            Flag("UC"),
            Flag("UpstreamConnectionTermination"),
        ],
        meaning: "the server closed the connection after the handshake, from Envoy's side",
        causes: &[
            "under TLS 1.3: the server wants a client certificate, or refuses the one it got; \
             Envoy learns of it only after its own handshake is done (`ssl.handshake` and \
             `ssl.connection_error` both move)",
            "the cluster speaks plain text to a port that speaks TLS",
            "the server closes idle connections; then it happens now and then, not always",
        ],
        remedy: "If it happens on every request, give `sslConfig.secretRef` a TLS secret that the \
                 server trusts.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "protocol-error",
        signs: &[
            Text("reset reason: protocol error"),
            Text("upstream_reset_before_response_started{protocol_error"),
            Flag("UPE"),
            Flag("UpstreamProtocolError"),
        ],
        meaning: "the server does not speak HTTP/2 although the cluster does",
        causes: &["`useHttp2: true` towards a server without ALPN that answers with HTTP/1.1 (Go)"],
        remedy: "`useHttp2: false`.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "request-timeout",
        signs: &[Text("upstream request timeout"), Flag("UT"), Flag("UpstreamRequestTimeout")],
        meaning: "the server did not answer the request in time",
        causes: &[
            "the server is slow; then TLS is well",
            "`useHttp2: true` towards a server without ALPN that ignores HTTP/2 (OpenSSL)",
        ],
        remedy: "If no request is ever answered, `useHttp2: false`.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "cluster-missing",
        signs: &[Text("cluster_not_found"), Flag("NC"), Flag("NoClusterFound")],
        meaning: "Envoy has no such cluster",
        causes: &[
            "Envoy rejected the new cluster for its cipher list or curves; the status stays Accepted",
            "the Upstream has errors, and Gloo took its cluster away",
        ],
        remedy: "The proxy's log has the first, the Upstream's status the second.",
        steps: &[Step::ProxyLog, Step::Check, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "no-healthy-host",
        signs: &[
            Text("no healthy upstream"),
            Text("no_healthy_upstream"),
            Flag("UH"),
            Flag("NoHealthyUpstream"),
        ],
        meaning: "Envoy has no host for the cluster that it takes for healthy",
        causes: &[
            "health checks fail, perhaps for TLS",
            "the Service has no endpoints, or the name does not resolve",
        ],
        remedy: "Look at the endpoints and at the health checks.",
        steps: &[Step::Upstream, Step::ProxyLog],
        ..Symptom::NONE
    },
    Symptom {
        code: "hangup",
        // Also chosen where an access log has an empty reason.
        signs: &[
            Text("upstream_reset_before_response_started{remote_connection_failure}"),
            Text("upstream_reset_before_response_started{connection_failure}"),
        ],
        meaning: "the server closed the connection during the handshake without a word",
        causes: &[
            "many appliances hang up where no cipher suite is in common, instead of sending an alert",
            "plain text behind the port, a load balancer without a backend, or no TLS at all",
            "the handshake did not finish within the connect timeout (then it took that long)",
        ],
        remedy: "A probe tells a refusal from a dead server, and writes the patch if one helps.",
        steps: &[Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "reason-not-given",
        signs: &[
            Text("reset reason: remote connection failure"),
            Text("reset reason: connection failure"),
            Text("reset reason: local connection failure"),
            Flag("UF"),
            Flag("UpstreamConnectionFailure"),
        ],
        meaning: "the connection to the server failed; the text does not say why",
        causes: &[
            "Envoy 1.38.2 and later leave the reason out of the body; only the access log has it",
            "the access log's format does not have the reason",
            "before 1.38: the server closed the connection without a word",
        ],
        remedy: "Add `reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%'` and `cluster: '%UPSTREAM_CLUSTER%'` to \
                 the jsonFormat of the access log (Gateway, \
                 spec.options.accessLoggingService.accessLog[].fileSink), then read the log again.",
        steps: &[Step::ProxyLog, Step::Upstream, Step::Probe],
        ..Symptom::NONE
    },
    Symptom {
        code: "handshakes-fail",
        signs: &[Counter("ssl.connection_error")],
        meaning: "handshakes of the cluster have failed; the counter does not say why",
        causes: &[
            "an alert of the server's, or a fault of the configuration",
            "together with a rising `ssl.handshake`: a client certificate refused under TLS 1.3",
        ],
        remedy: "The access log has the reason (%UPSTREAM_TRANSPORT_FAILURE_REASON%).",
        steps: &[Step::Upstream, Step::ProxyLog],
        ..Symptom::NONE
    },
    Symptom {
        code: "connections-fail",
        signs: &[Counter("upstream_cx_connect_fail")],
        meaning: "connections of the cluster have failed, in TCP or in TLS",
        causes: &[
            "with `ssl.connection_error`: an alert or a protocol error",
            "with `ssl.fail_verify_*`: the server's certificate",
            "with neither: refused, reset or closed, where many servers hang up on a cipher mismatch",
        ],
        remedy: "The access log has the reason (%UPSTREAM_TRANSPORT_FAILURE_REASON%).",
        steps: &[Step::Upstream, Step::ProxyLog],
        ..Symptom::NONE
    },
    Symptom {
        code: "reason-hidden",
        gravity: Info,
        signs: &[Text("hide_transport_failure_reason_in_response_body")],
        meaning: "the setting that hides the reason from 503 bodies, on since Envoy 1.38.2",
        causes: &[],
        remedy: "The access log has the reason in any case; the runtime key set to false brings it back.",
        ..Symptom::NONE
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What decides between rows: their order.
    #[test]
    fn rows_that_decide_come_first() {
        let rank = |number| {
            let has = |row: &Symptom| row.signs.contains(&Error(number));
            SYMPTOMS.iter().position(has).unwrap()
        };
        assert!(rank(268_435_610) < rank(alert(40)), "the hello's refusal decides");
        assert!(rank(201_326_703) < rank(268_435_581), "MD5 is why it fails");
    }
}
