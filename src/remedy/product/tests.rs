use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::envoy::{Build, Release};

const ALL: [Product; 6] = Product::ALL;

/// Settings before and the changes to them, with the names that the product has by default.
struct Job {
    product: Product,
    target: &'static str,
    secret: Option<(&'static str, &'static str)>,
    before: ClientConfig,
}

impl Job {
    fn new(product: Product) -> Self {
        let before = ClientConfig {
            sni: Some("server.example".to_owned()),
            ..ClientConfig::new(Release::NEWEST, Build::Standard)
        };
        let before = product.starting_point(before);
        Self { product, target: "server.example:8443", secret: None, before }
    }

    fn secret(mut self, namespace: &'static str, name: &'static str) -> Self {
        self.secret = Some((namespace, name));
        self
    }

    fn result(&self, change: &Change) -> Result<Documents, Unsettable> {
        let (name, namespace) = self.product.default_names();
        let names = Names {
            upstream: name.to_owned(),
            namespace: namespace.to_owned(),
            secret: self.secret.map(|(namespace, name)| (namespace.to_owned(), name.to_owned())),
            ..Names::default()
        };
        self.product.remedy(&self.target.parse().unwrap(), &names, &self.before, change)
    }

    fn documents(&self, change: &Change) -> Vec<Value> {
        let documents = self.result(change).unwrap();
        let parts = serde_norway::Deserializer::from_str(&documents.yaml);
        parts.map(|part| Value::deserialize(part).unwrap()).collect()
    }

    fn notes(&self, change: &Change) -> Vec<Note> {
        self.result(change).unwrap().notes
    }

    fn limits(&self, change: &Change) -> Vec<Limit> {
        self.result(change).unwrap_err().limits
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&entry| entry.to_owned()).collect()
}

fn suites(list: &[&str]) -> Change {
    Change { cipher_suites: Some(strings(list)), ..Change::default() }
}

fn versions(minimum: Option<TlsVersion>, maximum: Option<TlsVersion>) -> Change {
    Change {
        minimum_protocol_version: minimum,
        maximum_protocol_version: maximum,
        ..Change::default()
    }
}

fn signatures() -> Change {
    Change { signature_algorithms: Some(strings(&["ed25519"])), ..Change::default() }
}

fn http2(http2: bool) -> Change {
    Change { use_http2: Some(http2), ..Change::default() }
}

fn sni(name: Option<&str>) -> Change {
    Change { sni: Some(name.map(str::to_owned)), ..Change::default() }
}

#[test]
fn every_product_has_its_own_spelling_of_versions() {
    let change = versions(Some(TlsVersion::TLS10), Some(TlsVersion::TLS11));
    #[rustfmt::skip]
    let table = [
        (Product::Envoy, "/transport_socket/typed_config/common_tls_context/tls_params",
         json!({ "tls_minimum_protocol_version": "TLSv1_0", "tls_maximum_protocol_version": "TLSv1_1" })),
        (Product::Kgateway, "/spec/tls/parameters",
         json!({ "minVersion": "1.0", "maxVersion": "1.1" })),
        (Product::EnvoyGateway, "/spec/tls",
         json!({ "wellKnownCACertificates": "System", "sni": "server.example",
                 "minVersion": "1.0", "maxVersion": "1.1" })),
        (Product::Emissary, "/spec",
         json!({ "alpn_protocols": "http/1.1", "min_tls_version": "v1.0",
                 "max_tls_version": "v1.1", "sni": "server.example" })),
    ];
    for (product, path, expected) in table {
        let documents = Job::new(product).documents(&change);
        assert_eq!(documents[0].pointer(path), Some(&expected), "{product}");
    }
}

/// Unquoted, YAML makes a number of it, which the schemas refuse.
#[test]
fn versions_of_digits_are_quoted() {
    let change = versions(None, Some(TlsVersion::TLS13));
    for product in [Product::Kgateway, Product::EnvoyGateway] {
        let yaml = Job::new(product).result(&change).unwrap().yaml;
        assert!(yaml.contains("maxVersion: '1.3'"), "{product}: {yaml}");
    }
}

#[test]
fn names_of_suites_are_envoys_everywhere() {
    let list = ["[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]", "AES128-SHA"];
    for product in ALL {
        let documents = Job::new(product).documents(&suites(&list));
        let written = documents.iter().map(Value::to_string).collect::<String>();
        let expected = json!(list).to_string();
        assert!(written.contains(&expected), "{product}: {written}");
    }
}

#[test]
fn signature_algorithms_are_settable_in_envoy_kgateway_envoy_gateway_and_istio() {
    for product in ALL {
        let result = Job::new(product).result(&signatures());
        match product {
            Product::Contour | Product::Emissary => {
                let limits = vec![Limit::SignatureAlgorithms(product)];
                assert_eq!(result, Err(Unsettable { limits }), "{product}");
            }
            _ => assert!(result.unwrap().yaml.contains("- ed25519"), "{product}"),
        }
    }
}

#[test]
fn istio_and_contour_offer_tls_1_2_and_1_3_by_themselves() {
    for product in ALL {
        let config = Job::new(product).before;
        let bounds = (config.minimum_protocol_version, config.maximum_protocol_version);
        let own = (Some(TlsVersion::TLS12), Some(TlsVersion::TLS13));
        let has_own = matches!(product, Product::Istio | Product::Contour);
        assert_eq!(bounds, if has_own { own } else { (None, None) }, "{product}");
        if has_own {
            let yaml = Job::new(product).result(&suites(&["AES128-SHA"])).unwrap().yaml;
            assert!(!yaml.to_lowercase().contains("version: '1"), "{yaml}");
            assert!(!yaml.contains("protocol_version"), "{yaml}");
            let notes = Job::new(product).notes(&suites(&["AES128-SHA"]));
            assert!(notes.contains(&Note::OwnVersions(product)), "{notes:?}");
        }
    }
}

#[test]
fn a_version_that_the_user_sets_stands_above_the_products_own() {
    let config = ClientConfig {
        maximum_protocol_version: Some(TlsVersion::TLS12),
        ..ClientConfig::new(Release::NEWEST, Build::Standard)
    };
    let job = Job { before: Product::Istio.starting_point(config), ..Job::new(Product::Istio) };
    let yaml = job.result(&suites(&["AES128-SHA"])).unwrap().yaml;
    assert!(yaml.contains("tls_maximum_protocol_version: TLSv1_2"), "{yaml}");
}

#[test]
fn envoy_gateway_offers_both_protocols_of_http_to_tls_backends() {
    let config = Job::new(Product::EnvoyGateway).before;
    assert_eq!(config.protocol, Protocol::Auto);
    let tcp = ClientConfig { protocol: Protocol::Tcp, ..config };
    assert_eq!(Product::EnvoyGateway.starting_point(tcp).protocol, Protocol::Tcp);
}

#[test]
fn envoy_gateway_refuses_suites_together_with_a_minimum_of_tls_1_3() {
    let change = Change {
        cipher_suites: Some(strings(&["AES128-SHA"])),
        ..versions(Some(TlsVersion::TLS13), Some(TlsVersion::TLS13))
    };
    let documents = Job::new(Product::EnvoyGateway).documents(&change);
    let tls = &documents[0]["spec"]["tls"];
    assert_eq!(tls["minVersion"], "1.3");
    assert_eq!(tls.get("ciphers"), None);
}

#[test]
fn envoy_gateway_takes_precise_names_alone() {
    let named = |target| Job { target, ..Job::new(Product::EnvoyGateway) };
    let limits = named("my_svc.example:443").limits(&suites(&["AES128-SHA"]));
    let name = "my_svc.example".to_owned();
    assert_eq!(limits, [Limit::Name { field: "endpoints", name }]);
    let limits = named("server.example:443").limits(&sni(Some("a_b")));
    assert_eq!(limits, [Limit::Name { field: "sni", name: "a_b".to_owned() }]);

    let documents = named("Server.Example:443").documents(&suites(&["AES128-SHA"]));
    let endpoint = &documents[0]["spec"]["endpoints"][0];
    assert_eq!(*endpoint, json!({ "fqdn": { "hostname": "server.example", "port": 443 } }));
    let documents = named("[fd00::1:2]:443").documents(&sni(Some("fd00::1:2")));
    let spec = &documents[0]["spec"];
    assert_eq!(spec["endpoints"][0]["ip"]["address"], "fd00:0:0:0:0:0:1:2");
    assert_eq!(spec["tls"].get("sni"), None);
}

#[test]
fn a_backend_needs_a_source_of_trust_and_kgateway_just_one() {
    let trust = |job: Job| job.documents(&suites(&["AES128-SHA"]))[0]["spec"]["tls"].clone();
    let tls = trust(Job::new(Product::Kgateway));
    assert_eq!(tls["wellKnownCACertificates"], "System");
    let tls = trust(Job::new(Product::Kgateway).secret("default", "client"));
    assert_eq!(tls["secretRef"], json!({ "name": "client" }));
    assert_eq!(tls.get("wellKnownCACertificates"), None);
    let tls = trust(Job::new(Product::EnvoyGateway).secret("vault", "client"));
    assert_eq!(tls["wellKnownCACertificates"], "System");
    assert_eq!(tls["clientCertificateRef"], json!({ "name": "client", "namespace": "vault" }));
}

#[test]
fn references_to_secrets_by_name_alone_say_in_which_namespace() {
    let note = Note::SecretNamespace("default".to_owned());
    let notes = |namespace| {
        Job::new(Product::Kgateway).secret(namespace, "client").notes(&Change::default())
    };
    assert!(notes("vault").contains(&note));
    assert!(!notes("default").contains(&note));
}

#[test]
fn no_secret_but_emissarys_travels_by_a_name_with_its_namespace() {
    let secret = |namespace| {
        let job = Job::new(Product::Emissary).secret(namespace, "client");
        job.documents(&Change::default())[0]["spec"]["secret"].clone()
    };
    assert_eq!(secret("vault"), "client.vault");
    assert_eq!(secret("default"), "client");
}

#[test]
fn a_context_of_emissary_has_a_secret_or_alpn() {
    let spec = |job: Job| job.documents(&suites(&["AES128-SHA"]))[0]["spec"].clone();
    assert_eq!(spec(Job::new(Product::Emissary))["alpn_protocols"], "http/1.1");
    let with_secret = spec(Job::new(Product::Emissary).secret("default", "client"));
    assert_eq!(with_secret.get("alpn_protocols"), None);
}

#[test]
fn a_mapping_of_emissary_names_the_context() {
    let documents = Job::new(Product::Emissary).documents(&suites(&["AES128-SHA"]));
    assert_eq!(documents[1]["spec"]["tls"], documents[0]["metadata"]["name"]);
    assert_eq!(documents[1]["spec"]["service"], "https://server.example:8443");
}

#[test]
fn emissary_does_not_choose_the_protocol_by_alpn() {
    let mut job = Job::new(Product::Emissary);
    job.before.protocol = Protocol::Auto;
    assert_eq!(job.limits(&suites(&["AES128-SHA"])), [Limit::EitherProtocol]);
}

#[test]
fn contour_takes_its_own_suites_alone_in_brackets_or_without() {
    let job = Job::new(Product::Contour);
    for name in SUITES_OF_CONTOUR {
        assert!(job.result(&suites(&[name])).is_ok(), "{name}");
    }
    let pair = "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-AES128-SHA256]";
    let limits = job.limits(&suites(&["AES128-SHA", "ECDHE-RSA-AES128-SHA256", pair]));
    assert_eq!(limits, [Limit::ContourSuites(strings(&["ECDHE-RSA-AES128-SHA256", pair]))]);
}

/// The ends of Contour's list, and brackets as in Envoy's default.
const SUITES_OF_CONTOUR: [&str; 3] = [
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "AES256-SHA",
    "[ECDHE-ECDSA-AES128-GCM-SHA256|ECDHE-ECDSA-CHACHA20-POLY1305]",
];

#[test]
fn contour_takes_every_suite_that_envoy_offers_by_default() {
    for release in Release::all() {
        let config = ClientConfig::new(release, Build::Standard);
        let change =
            Change { cipher_suites: Some(config.cipher_suites_in_force()), ..Change::default() };
        assert!(Job::new(Product::Contour).result(&change).is_ok(), "{release}");
    }
}

#[test]
fn contour_has_no_version_below_tls_1_2() {
    let job = Job::new(Product::Contour);
    let limits = job.limits(&versions(Some(TlsVersion::TLS10), Some(TlsVersion::TLS11)));
    let limit = |field, version| Limit::ContourVersion { field, version };
    let expected = [
        limit("minimumProtocolVersion", TlsVersion::TLS10),
        limit("maximumProtocolVersion", TlsVersion::TLS11),
    ];
    assert_eq!(limits, expected);
}

#[test]
fn curves_of_contour_are_new_and_few() {
    let curves = |list: &[&str]| Change { ecdh_curves: Some(strings(list)), ..Change::default() };
    let job = Job::new(Product::Contour);
    assert!(job.notes(&curves(&["X25519", "P-384"])).contains(&Note::ContourCurves));
    assert!(!job.notes(&suites(&["AES128-SHA"])).contains(&Note::ContourCurves));
    let limits = job.limits(&curves(&["X25519", "P-224"]));
    assert_eq!(limits, [Limit::ContourCurves(strings(&["P-224"]))]);
}

#[test]
fn contour_takes_server_name_and_protocol_from_elsewhere() {
    let job = Job::new(Product::Contour);
    let name = Note::ContourServerName(Some("other.example".to_owned()));
    let limits = job.limits(&sni(Some("other.example")));
    assert_eq!(limits, [Limit::Elsewhere(name.clone())]);
    let limits = job.limits(&http2(true));
    assert_eq!(limits, [Limit::Elsewhere(Note::ContourProtocol { http2: true })]);
    let both = Change { ..sni(Some("other.example")) };
    let both = Change { cipher_suites: Some(strings(&["AES128-SHA"])), ..both };
    assert!(job.notes(&both).contains(&name));
}

#[test]
fn contour_has_no_field_for_alpn() {
    let change = Change { alpn_protocols: Some(strings(&["foo"])), ..Change::default() };
    assert_eq!(Job::new(Product::Contour).limits(&change), [Limit::ContourAlpn]);
}

#[test]
fn contour_is_configured_for_all_upstreams_at_once() {
    let job = Job::new(Product::Contour).secret("vault", "client");
    let documents = job.documents(&suites(&["AES128-SHA"]));
    let document = &documents[0];
    assert_eq!(document["metadata"], json!({ "name": "contour", "namespace": "projectcontour" }));
    let secret = json!({ "name": "client", "namespace": "vault" });
    assert_eq!(document["spec"]["envoy"]["clientCertificate"], secret);
    assert!(job.notes(&suites(&["AES128-SHA"])).contains(&Note::ContourScope));
}

#[test]
fn istio_has_no_parameters_but_in_an_envoy_filter_for_the_host() {
    let job = Job::new(Product::Istio);
    let documents = job.documents(&suites(&["AES128-SHA"]));
    let policy = json!({ "tls": { "mode": "SIMPLE", "sni": "server.example" } });
    assert_eq!(documents[0]["kind"], "DestinationRule");
    assert_eq!(documents[0]["spec"]["trafficPolicy"], policy);
    assert_eq!(documents[1]["kind"], "EnvoyFilter");
    let patch = &documents[1]["spec"]["configPatches"][0];
    assert_eq!(patch["match"]["cluster"]["service"], documents[0]["spec"]["host"]);
    assert_eq!(patch["patch"]["operation"], "MERGE");
    // Under another name, Istio puts the patch in the place of the socket.
    assert_eq!(patch["patch"]["value"]["transport_socket"]["name"], TLS_SOCKET);
    assert!(job.notes(&suites(&["AES128-SHA"])).contains(&Note::AppendedLists));
}

#[test]
fn a_destination_rule_does_for_a_server_name_a_certificate_or_http_2() {
    for (change, expected) in [
        (
            sni(Some("other.example")),
            json!({ "tls": { "mode": "SIMPLE", "sni": "other.example" } }),
        ),
        (
            http2(true),
            json!({
                "tls": { "mode": "SIMPLE", "sni": "server.example" },
                "connectionPool": { "http": { "h2UpgradePolicy": "UPGRADE" } },
            }),
        ),
    ] {
        let documents = Job::new(Product::Istio).documents(&change);
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0]["spec"]["trafficPolicy"], expected);
    }
    let job = Job::new(Product::Istio).secret("vault", "client");
    let tls = json!({ "mode": "MUTUAL", "credentialName": "client", "sni": "server.example" });
    assert_eq!(job.documents(&Change::default())[0]["spec"]["trafficPolicy"]["tls"], tls);
    assert!(job.notes(&Change::default()).contains(&Note::IstioCredential));
}

#[test]
fn istio_and_envoy_gateway_always_send_some_server_name() {
    for product in ALL {
        let result = Job::new(product).result(&sni(None));
        match product {
            Product::Istio | Product::EnvoyGateway => {
                let limits = vec![Limit::NoServerName(product)];
                assert_eq!(result, Err(Unsettable { limits }), "{product}");
            }
            Product::Contour => {
                let limits = vec![Limit::Elsewhere(Note::ContourServerName(None))];
                assert_eq!(result, Err(Unsettable { limits }));
            }
            _ => assert!(!result.unwrap().yaml.contains("sni:"), "{product}"),
        }
    }
}

#[test]
fn http_2_is_written_where_the_product_has_it() {
    let documents = |product| Job::new(product).documents(&http2(true));
    let options = &documents(Product::Envoy)[0]["typed_extension_protocol_options"];
    let options = &options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
    assert_eq!(options["explicit_http_config"], json!({ "http2_protocol_options": {} }));
    let backend = &documents(Product::EnvoyGateway)[0]["spec"];
    assert_eq!(backend["appProtocols"], json!(["gateway.envoyproxy.io/h2c"]));
    let emissary = documents(Product::Emissary);
    assert_eq!(emissary[0]["spec"]["alpn_protocols"], "h2");
    assert_eq!(emissary[1]["spec"]["grpc"], true);
}

#[test]
fn kgateway_takes_the_protocol_from_the_service() {
    let job = Job::new(Product::Kgateway);
    let note = Note::KgatewayProtocol { http2: true };
    assert_eq!(job.limits(&http2(true)), [Limit::Elsewhere(note.clone())]);
    let both = Change { cipher_suites: Some(strings(&["AES128-SHA"])), ..http2(true) };
    assert!(job.notes(&both).contains(&note));
    assert!(!job.notes(&suites(&["AES128-SHA"])).contains(&note));
}

#[test]
fn http_1_takes_the_place_of_http_2() {
    let job = |product| {
        let mut job = Job::new(product);
        job.before.protocol = Protocol::Http2;
        job
    };
    let envoy = job(Product::Envoy).result(&http2(false)).unwrap().yaml;
    assert!(envoy.contains("http_protocol_options: {}"), "{envoy}");
    let gateway = &job(Product::EnvoyGateway).documents(&http2(false))[0]["spec"];
    assert_eq!(gateway["tls"]["alpnProtocols"], json!(["http/1.1"]));
    assert_eq!(gateway.get("appProtocols"), None);
    let istio = job(Product::Istio).result(&http2(false)).unwrap().yaml;
    assert!(istio.contains("h2UpgradePolicy: DO_NOT_UPGRADE"), "{istio}");
    let plain = Job::new(Product::Envoy).result(&suites(&["AES128-SHA"])).unwrap().yaml;
    assert!(!plain.contains("typed_extension_protocol_options"), "{plain}");
}

proptest! {
    /// Whatever flags and servers say, what is written reads back as documents with that in it.
    #[test]
    fn any_text_reads_back(
        index in 0..ALL.len(),
        sni in "[!-~]{1,40}",
        suite in "\\PC{1,20}",
        protocol in "\\PC{1,20}",
        secret in proptest::option::of(Just(("vault", "client"))),
    ) {
        let job = Job { secret, ..Job::new(ALL[index]) };
        let change = Change {
            sni: Some(Some(sni)),
            alpn_protocols: Some(vec![protocol.clone()]),
            ..suites(&[&suite])
        };
        if job.result(&change).is_ok() {
            let written = job.documents(&change).iter().map(Value::to_string).collect::<String>();
            prop_assert!(written.contains(&json!([suite]).to_string()), "{}", written);
            prop_assert!(written.contains(&json!(protocol).to_string()), "{}", written);
        }
    }
}

/// What people read has one line, and says something of every limit and note.
#[test]
fn words_are_single_lines() {
    let limits = [
        Limit::SignatureAlgorithms(Product::Contour),
        Limit::ContourSuites(strings(&["A", "B"])),
        Limit::Elsewhere(Note::ContourServerName(None)),
    ];
    let text = Unsettable { limits: limits.to_vec() }.to_string();
    assert!(!text.contains('\n') && text.contains("refuses A, B, not"), "{text}");
    for product in ALL {
        for note in Job::new(product).notes(&suites(&["AES128-SHA"])) {
            let text = note.to_string();
            assert!(!text.contains('\n') && text.len() > 40, "{text}");
        }
    }
}
