//! What the texts of Gloo's control plane, of `glooctl` and of kubectl mean.
//!
//! Texts as in Gloo 1.14 to 1.22: `projects/gloo/pkg/utils/ssl.go`, `translator/clusters.go`,
//! `plugins/*/plugin.go`, `cli/pkg/cmd/check/*.go`, `gateway/pkg/services/k8sadmission`; solo-kit's
//! `resource_client.go`; Go's `crypto/tls`. The order of rows is their rank.

use crate::envoy::failure::Detail::{Between, Secret};
use crate::envoy::failure::Gravity::{Info, Warning};
use crate::envoy::failure::Sign::{Pair, Text, Wrapper};
use crate::envoy::failure::{Step, Symptom};

/// The rows, in order of rank.
pub static SYMPTOMS: &[Symptom] = &[
    // Secrets.
    Symptom {
        code: "secret-namespace-missing",
        signs: &[Text("list did not find secret .")],
        meaning: "`secretRef.namespace` is missing: Gloo looks in a namespace without a name",
        causes: &["there is no default namespace for `secretRef`"],
        remedy: "Set `sslConfig.secretRef.namespace`. Meanwhile, by default, the cluster is kept without \
                 its TLS settings: traffic may be plain text now.",
        steps: &[Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-not-found",
        signs: &[Text("SSL secret not found")],
        meaning: "Gloo sees no TLS secret of that namespace and name; traffic may be plain text now",
        causes: &[
            "the name or the namespace is misspelt",
            "the Secret is in a namespace that Gloo does not watch",
            "the Secret is empty, or of a type other than kubernetes.io/tls",
        ],
        remedy: "Create the Secret, or correct `sslConfig.secretRef`. Since Gloo 1.18 this is only a \
                 warning by default (warnMissingTlsSecret): the cluster is kept without its TLS settings, so Envoy \
                 sends plain text to the TLS port, or, for a static Upstream with `useTls` or port 443, \
                 TLS without client certificate and verification. Where it is an error, the cluster is gone (503, flag NC).",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-not-tls",
        signs: &[Text("is not a TLS secret")],
        meaning: "the Secret is there, but Gloo takes it for another kind than TLS",
        causes: &[
            "its type is Opaque; with the keys tls.crt, tls.key and ca.crt it is then a header secret",
        ],
        remedy: "Create it again with type kubernetes.io/tls.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "ssl-files-as-pem",
        signs: &[Text("Invalid TLS secret: ")],
        meaning: "`sslFiles` does not work with `tlsCert` and `tlsKey`: Gloo reads the paths as PEM",
        causes: &[
            "Gloo checks the path strings themselves; only `rootCa` alone passes (also as Service annotations)",
        ],
        remedy: "Use `secretRef` instead of `sslFiles`.",
        steps: &[Step::ShowUpstream],
        detail: Between("Gloo says", &[("Invalid TLS secret: ", "\n")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-swapped",
        signs: &[
            Text("but did find a private key; PEM inputs may have been switched"),
            Text("tls: found a certificate rather than a key in the PEM for the private key"),
        ],
        meaning: "certificate and key are swapped in the Secret",
        causes: &["`tls.crt` holds the key, `tls.key` the certificate"],
        remedy: "Swap them.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-certificate-empty",
        signs: &[Text("tls: failed to find any PEM data in certificate input")],
        meaning: "`tls.crt` of the Secret is empty or no PEM",
        causes: &[
            "an empty value",
            "DER or a file path where PEM is expected",
            "text that is encoded twice in base64",
        ],
        remedy: "Put the certificate in PEM into `tls.crt`.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-key-empty",
        signs: &[Text("tls: failed to find any PEM data in key input")],
        meaning: "`tls.key` of the Secret is empty or no PEM",
        causes: &["an empty value", "DER or a file path where PEM is expected"],
        remedy: "Put the key in PEM into `tls.key`.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-wrong-block",
        signs: &[
            Text("PEM block in certificate input after skipping"),
            Text("PEM block with type ending in \"PRIVATE KEY\" in key input after skipping"),
        ],
        meaning: "the PEM in the Secret is of another kind",
        causes: &[
            "a certificate request, a public key or parameters instead of a certificate or key",
        ],
        remedy: "`tls.crt` wants CERTIFICATE blocks, `tls.key` one that ends in PRIVATE KEY.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-mismatch",
        signs: &[
            Text("tls: private key does not match public key"),
            Text("tls: private key type does not match public key type"),
        ],
        meaning: "certificate and key in the Secret do not belong together",
        causes: &[
            "one of them was renewed without the other",
            "the leaf is not first in `tls.crt`",
        ],
        remedy: "Put a pair into the Secret, the leaf first.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-key-format",
        signs: &[
            Text("tls: failed to parse private key"),
            Text("tls: found unknown private key type in PKCS#8 wrapping"),
            Text("tls: unknown public key algorithm"),
        ],
        meaning: "Gloo cannot read the key in the Secret",
        causes: &["the key is encrypted with a passphrase", "a kind of key that Go does not know"],
        remedy: "Store the key without a passphrase, as RSA, ECDSA or Ed25519.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-certificate-format",
        signs: &[
            Text("is not a valid TLS secret: x509: "),
            Text("data does not contain any valid RSA or ECDSA certificates"),
        ],
        meaning: "Gloo cannot read the certificate in the Secret",
        causes: &[
            "the certificate is damaged",
            "the PEM blocks have headers, or are no certificates",
        ],
        remedy: "Put plain CERTIFICATE blocks into `tls.crt`.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-pair-unreadable",
        signs: &[Text("invalid key pair (cert chain file: ")],
        meaning: "glooctl refuses the files for the secret",
        causes: &["certificate and key do not belong together, or one is no PEM"],
        remedy: "Give glooctl a pair in PEM.",
        detail: Between("the key", &[("private key file: ", ")")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-invalid",
        signs: &[Wrapper("is not a valid TLS secret")],
        meaning: "Gloo does not accept the key pair in the Secret",
        causes: &["what stands after the secret's name"],
        remedy: "Correct the Secret.",
        steps: &[Step::Secret, Step::Upstream],
        detail: Secret,
        ..Symptom::NONE
    },
    // sslConfig.
    Symptom {
        code: "names-without-root-ca",
        signs: &[Text("a root_ca must be provided if verify_subject_alt_name is not empty")],
        meaning: "`verifySubjectAltName` is set without a CA to verify against",
        causes: &["the secret has no `ca.crt`"],
        remedy: "Add `ca.crt` to the secret, or drop `verifySubjectAltName`.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "sds-names-without-context",
        signs: &[Text("must provide validation context name if verifying SAN")],
        meaning: "`verifySubjectAltName` with `sds` needs a `validationContextName`",
        causes: &["`sslConfig.sds.validationContextName` is missing"],
        remedy: "Set it, or drop `verifySubjectAltName`.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "sds-empty",
        signs: &[Text(
            "at least one of certificates_secret_name or validation_context_name must be provided",
        )],
        meaning: "`sslConfig.sds` names neither a certificate nor a validation context",
        causes: &["`certificatesSecretName` and `validationContextName` are both missing"],
        remedy: "Set one of them.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "key-pair-incomplete",
        signs: &[Text("both or none of cert chain and private key must be provided")],
        meaning: "certificate or key is missing",
        causes: &["only one of them is given"],
        remedy: "Give both, or neither.",
        steps: &[Step::Secret, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "listener-without-certificate",
        gravity: Info,
        signs: &[Text("no certificate information found")],
        meaning: "a listener has no certificate; that is the side of clients, not of Upstreams",
        causes: &["`sslConfig` of a VirtualService or Gateway without a secret"],
        remedy: "Nothing about an Upstream; look at the VirtualService or Gateway.",
        steps: &[Step::Check],
        ..Symptom::NONE
    },
    Symptom {
        code: "version-number-unknown",
        signs: &[Pair("tls version ", " not found")],
        meaning: "a protocol version is written as a number that Gloo does not know",
        causes: &[
            "`minimumProtocolVersion` or `maximumProtocolVersion` is an integer other than 0 to 4, in the Upstream or in Settings",
        ],
        remedy: "Write TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3.",
        steps: &[Step::Upstream, Step::Settings],
        detail: Between("the number", &[("tls version ", " not found")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "version-name-unknown",
        signs: &[Text("for enum gloo.solo.io.SslParameters.ProtocolVersion")],
        meaning: "a protocol version is misspelt; stored, it blocks the whole namespace",
        causes: &["TLSv1.2 or TLSV1_2 instead of TLSv1_2, or a number in quotes"],
        remedy: "Write TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3. Correct this first: while such an object is \
                 stored, Gloo can read none of its kind in that namespace.",
        steps: &[Step::ShowUpstream, Step::Upstream],
        detail: Between("written", &[("unknown value ", " for enum")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "object-undecodable",
        signs: &[Text("converting output crd: reading crd spec on resource ")],
        meaning: "Gloo cannot read a stored object, and so none of its kind in that namespace",
        causes: &[
            "an unknown enum name, or a value of another type, that passed while the webhook was down",
        ],
        remedy: "Correct that object first; nothing else in the namespace takes effect before.",
        steps: &[Step::ShowUpstream, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "object-refused",
        signs: &[Text("could not unmarshal raw object")],
        meaning: "Gloo's webhook cannot read the object that was applied, and refuses it",
        causes: &["what stands after it: mostly an unknown enum name or a value of another type"],
        remedy: "Correct the object; nothing was changed.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    // The Upstream itself.
    Symptom {
        code: "static-host-incomplete",
        signs: &[Text("addr cannot be empty for host"), Text("port cannot be empty for host")],
        meaning: "a host of a static Upstream lacks its address or port",
        causes: &["`hosts[].addr` is empty, or `hosts[].port` is missing or 0"],
        remedy: "Complete the host.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "upstream-without-hosts",
        signs: &[Text("cluster type STATIC specified but LoadAssignment was empty")],
        meaning: "the Upstream has no hosts",
        causes: &[
            "`static.hosts` is empty",
            "no upstream type is given, or none that this Gloo knows",
        ],
        remedy: "Add hosts, or the upstream type.",
        steps: &[Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "dns-refresh-misplaced",
        signs: &[Text("DnsRefreshRate is only valid with STRICT_DNS or LOGICAL_DNS cluster type")],
        meaning: "`dnsRefreshRate` is set where no name is resolved",
        causes: &[
            "a static Upstream whose hosts are all IP addresses, or one with discovered endpoints",
        ],
        remedy: "Remove `dnsRefreshRate`.",
        steps: &[Step::ShowUpstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "dns-refresh-too-small",
        gravity: Warning,
        signs: &[Text("dnsRefreshRate was set below minimum requirement")],
        meaning: "`dnsRefreshRate` is too small and is ignored",
        causes: &["a value below 1 ms"],
        remedy: "Raise it.",
        steps: &[Step::ShowUpstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "service-missing",
        signs: &[
            Pair("references the service '", "which does not exist in namespace"),
            Text("has an invalid ServiceNamespace"),
        ],
        meaning: "the kube Upstream points to a Service that Gloo does not see",
        causes: &[
            "`serviceName` or `serviceNamespace` is misspelt",
            "Gloo does not watch that namespace",
        ],
        remedy: "Correct the names, or the watched namespaces.",
        steps: &[Step::ShowUpstream, Step::Service],
        detail: Between("the Service", &[("references the service '", "'")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "protocol-options-clash",
        signs: &[Text("Both HTTP1 and HTTP2 options may only be configured with non-default")],
        meaning: "the Upstream has options of HTTP/1 and of HTTP/2 at once",
        causes: &["`protocolSelection` is not set"],
        remedy: "Set `protocolSelection: USE_DOWNSTREAM_PROTOCOL`, or keep one kind of options.",
        steps: &[Step::ShowUpstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "proxy-protocol-unknown",
        signs: &[Pair("proxy protocol version ", " is not supported")],
        meaning: "`proxyProtocolVersion` has a value that Gloo does not know",
        causes: &["anything but V1 and V2"],
        remedy: "Write V1 or V2.",
        steps: &[Step::ShowUpstream],
        detail: Between("written", &[("proxy protocol version ", " is not supported")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "aws-credentials-missing",
        signs: &[Text("no aws secret provided. consider setting enableCredentialsDiscovey")],
        meaning: "an aws Upstream has no credentials; not a matter of TLS",
        causes: &["`aws.secretRef` is missing, and discovery of credentials is off"],
        remedy: "Set `aws.secretRef`, or enableCredentialsDiscovey in Settings.",
        steps: &[Step::ShowUpstream, Step::Settings],
        ..Symptom::NONE
    },
    Symptom {
        code: "enterprise-only",
        signs: &[Text("Could not load configuration for the following Enterprise features")],
        meaning: "the Upstream uses a field that only Gloo Enterprise has",
        causes: &["such as `failover`"],
        remedy: "Remove the field, or use Enterprise.",
        steps: &[Step::ShowUpstream],
        detail: Between("the fields", &[("Enterprise features: [", "]")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "tunnel-without-cluster",
        signs: &[Pair("The cluster for the ", " Upstream was not found")],
        meaning: "the Upstream tunnels through a proxy (`httpProxyHostname`), and its cluster has failed",
        causes: &["another error of the same Upstream"],
        remedy: "Correct the other error; this one goes with it.",
        steps: &[Step::Upstream, Step::Check],
        detail: Between("the Upstream", &[("The cluster for the ", " Upstream")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "istio-integration-off",
        signs: &[Text("Istio integration must be enabled to use auto mTLS")],
        meaning: "Settings ask for Istio auto mTLS without the Istio integration",
        causes: &["`enableAutoMtls` without `enableIntegration`"],
        remedy: "Set both, or neither.",
        steps: &[Step::Settings],
        ..Symptom::NONE
    },
    Symptom {
        code: "consul-without-ca",
        signs: &[Text(
            "Consul settings specify automatic detection of TLS services, but the rootCA",
        )],
        meaning: "Consul services with TLS are to be found, but Settings name no CA for them",
        causes: &["`consulDiscovery.rootCa` lacks its name or namespace"],
        remedy: "Set `consulDiscovery.rootCa`.",
        steps: &[Step::Settings],
        ..Symptom::NONE
    },
    Symptom {
        code: "annotation-unreadable",
        signs: &[Text("error: failed to process service options with err")],
        meaning: "the annotation gloo.solo.io/upstream_config of a Service cannot be read, and is ignored",
        causes: &["no JSON, or a field that an Upstream does not have"],
        remedy: "Correct the annotation.",
        steps: &[Step::Service, Step::ControlPlaneLog],
        detail: Between("Gloo says", &[("with err ", "\n")]),
        ..Symptom::NONE
    },
    // glooctl, bodies, kubectl.
    Symptom {
        code: "proxy-rejects-updates",
        signs: &[Text("deployment was rejected due to schema/validation errors")],
        meaning: "the proxy rejects what Gloo sends it; statuses stay Accepted",
        causes: &["an unknown name in `cipherSuites` or `ecdhCurves`", "a broken `ca.crt`"],
        remedy: "The proxy's log names the cluster and the reason.",
        steps: &[Step::ProxyLog, Step::Upstream],
        detail: Between("the deployment", &[("An update to your ", " deployment")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "data-plane-out-of-sync",
        signs: &[Text("Gloo has detected that the data plane is out of sync")],
        meaning: "the proxy has not taken over what Gloo sends it",
        causes: &[
            "an unknown name in `cipherSuites` or `ecdhCurves`",
            "the proxy is still starting",
        ],
        remedy: "The proxy's log names the resource and the reason.",
        steps: &[Step::ProxyLog, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "route-replaced",
        signs: &[Text("Gloo Gateway has invalid configuration. Administrators should run")],
        meaning: "Gloo answers in place of a route whose Upstream has failed (404)",
        causes: &["the Upstream has errors, so its cluster is gone (`replaceInvalidRoutes`)"],
        remedy: "Correct the Upstream.",
        steps: &[Step::Check, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-in-use",
        signs: &[Text("failed validating the deletion of resource")],
        meaning: "a Secret that is in use may not be deleted",
        causes: &["an Upstream or a listener still refers to it"],
        remedy: "Point them to another Secret first.",
        steps: &[Step::Upstream],
        detail: Between("the object", &[("deletion of resource ", "\n")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "patch-type-unsupported",
        signs: &[
            Text("(UnsupportedMediaType): the body of the request was in an unknown format"),
            Text("accepted media types include: application/json-patch+json"),
        ],
        meaning: "kubectl's default kind of patch does not work on Upstreams; nothing was changed",
        causes: &["`kubectl patch` without --type"],
        remedy: "Add `--type merge`.",
        ..Symptom::NONE
    },
    Symptom {
        code: "secret-reference-incomplete",
        signs: &[Text("both --ssl-secret-name and --ssl-secret-namespace must be provided")],
        meaning: "glooctl wants the secret's name and its namespace",
        causes: &["only one of the two flags is given"],
        remedy: "Give both --ssl-secret-name and --ssl-secret-namespace.",
        ..Symptom::NONE
    },
    Symptom {
        code: "status-too-large",
        gravity: Warning,
        signs: &[Text("status patch is too large, will not apply")],
        meaning: "a status was too long to be written, so the one that is shown may be old",
        causes: &["many errors at once"],
        remedy: "Read the control plane's log instead of the status.",
        steps: &[Step::ControlPlaneLog],
        ..Symptom::NONE
    },
    // Wrappers: what they hold counts more.
    Symptom {
        code: "admission-denied",
        signs: &[
            Wrapper("denied the request: resource incompatible with current Gloo snapshot"),
            Wrapper("admission webhook \"gloo."),
            Wrapper("admission webhook \"kube."),
        ],
        meaning: "Gloo's webhook refuses the object under strict validation; nothing was changed",
        causes: &[
            "what stands after it; it can be the fault of another object that is stored already",
        ],
        remedy: "Correct the object that is named.",
        steps: &[Step::Check],
        ..Symptom::NONE
    },
    Symptom {
        code: "envoy-validation",
        signs: &[Wrapper("envoy validation mode output")],
        meaning: "Envoy in validation mode refuses the configuration",
        causes: &["what Envoy says after it; one bad list that is stored blocks unrelated changes"],
        remedy: "Correct what Envoy names.",
        steps: &[Step::Check, Step::Upstream],
        ..Symptom::NONE
    },
    Symptom {
        code: "upstream-rejected",
        signs: &[Wrapper("Found rejected upstream by")],
        meaning: "Gloo rejects the Upstream",
        causes: &["the reason in its status"],
        remedy: "Correct what the reason says.",
        steps: &[Step::ShowUpstream, Step::Upstream],
        detail: Between("the reason", &[("(Reason: ", "\n")]),
        ..Symptom::NONE
    },
    Symptom {
        code: "upstream-with-warnings",
        gravity: Warning,
        signs: &[Wrapper("Found upstream with warnings by")],
        meaning: "Gloo has warnings about the Upstream; after `error occurred` its cluster is gone",
        causes: &["the reason in its status"],
        remedy: "Correct what the reason says.",
        steps: &[Step::ShowUpstream, Step::Upstream],
        detail: Between("the reason", &[("(Reason: ", "\n")]),
    },
    Symptom {
        code: "upstream-without-status",
        gravity: Info,
        signs: &[Wrapper("Found upstream with no status")],
        meaning: "Gloo has written no status for the Upstream",
        causes: &[
            "no Edge proxy exists, as with the Kubernetes Gateway API only; then it is normal, but errors stay unseen",
            "the control plane is down, or does not watch the namespace",
        ],
        remedy: "Read the control plane's log.",
        steps: &[Step::ControlPlaneLog],
        ..Symptom::NONE
    },
    Symptom {
        code: "proxy-configuration-invalid",
        gravity: Warning,
        signs: &[
            Wrapper("Proxy had invalid config"),
            Wrapper("was rejected due to invalid config"),
            Wrapper("initial Upstream list"),
        ],
        meaning: "the control plane found errors while translating, none of which is known here",
        causes: &["what stands after it"],
        remedy: "Correct what it names.",
        steps: &[Step::Check],
        ..Symptom::NONE
    },
    Symptom {
        code: "status-reason",
        gravity: Warning,
        // Chosen for the reason of an Upstream's status that nothing else explains.
        meaning: "the Upstream's status has a reason that is not known here",
        causes: &[
            "what the reason says; after `error occurred` the cluster is gone, else it is kept",
        ],
        remedy: "Correct what the reason says.",
        steps: &[Step::ShowUpstream, Step::Upstream],
        ..Symptom::NONE
    },
];
