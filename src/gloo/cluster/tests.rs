//! One test for each rule of Gloo's, named after it.

use serde_json::{Value, json};

use super::*;
use crate::envoy::Protocol;
use crate::gloo::Upstream;
use crate::tls::TlsVersion;

/// What a test varies.
struct Case {
    gloo: &'static str,
    settings: Option<Value>,
    secret: SecretKnowledge,
}

impl Default for Case {
    fn default() -> Self {
        Self { gloo: "1.21", settings: None, secret: SecretKnowledge::Unknown }
    }
}

#[derive(Debug)]
struct Known(SecretKnowledge);

impl SecretSource for Known {
    fn secret(&self, _name: &ObjectName) -> SecretKnowledge {
        self.0
    }
}

impl Case {
    fn translate(&self, document: &Value) -> Cluster {
        let gloo: Release = self.gloo.parse().unwrap();
        let settings = self.settings.as_ref().map(|spec| {
            let document = json!({ "metadata": { "name": "default" }, "spec": spec });
            Settings::read(&document).unwrap()
        });
        let context = Context {
            gloo,
            envoy: gloo.envoy(),
            build: Build::Standard,
            settings: settings.as_ref(),
            secrets: &Known(self.secret),
        };
        translate(&Upstream::read(document).unwrap(), &context)
    }

    fn spec(&self, spec: Value) -> Cluster {
        let metadata = json!({ "name": "u", "namespace": "n" });
        self.translate(&json!({ "metadata": metadata, "spec": spec }))
    }
}

fn cluster(spec: Value) -> Cluster {
    Case::default().spec(spec)
}

fn on_gloo(gloo: &'static str, spec: Value) -> Cluster {
    Case { gloo, ..Case::default() }.spec(spec)
}

fn with_settings(settings: Value, spec: Value) -> Cluster {
    Case { settings: Some(settings), ..Case::default() }.spec(spec)
}

fn with_secret(secret: SecretKnowledge, spec: Value) -> Cluster {
    Case { secret, ..Case::default() }.spec(spec)
}

fn host(addr: &str, port: u16) -> Value {
    json!({ "addr": addr, "port": port })
}

/// A static Upstream of one host; `more` is merged into the spec.
fn fixed(addr: &str, port: u16, more: Value) -> Value {
    let mut spec = json!({ "static": { "hosts": [host(addr, port)] } });
    merge(&mut spec, &more);
    spec
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn server_names(cluster: &Cluster) -> Vec<Option<&str>> {
    let tls = cluster.endpoints.iter().filter_map(|endpoint| endpoint.tls.as_ref());
    tls.map(|tls| tls.config.sni.as_deref()).collect()
}

fn config(cluster: &Cluster) -> &ClientConfig {
    &cluster.endpoints[0].tls.as_ref().unwrap().config
}

fn codes(cluster: &Cluster) -> Vec<&'static str> {
    cluster.notes.iter().map(Note::code).collect()
}

const KUBE: &str = r#"{ "serviceName": "s", "serviceNamespace": "ns", "servicePort": 443 }"#;

fn kube(more: Value) -> Value {
    let mut spec = json!({ "kube": serde_json::from_str::<Value>(KUBE).unwrap() });
    merge(&mut spec, &more);
    spec
}

#[test]
fn a_cluster_is_named_after_upstream_and_namespace() {
    assert_eq!(cluster(fixed("a", 443, json!({}))).name, "u_n");
}

#[test]
fn an_empty_ssl_config_turns_tls_on_without_secret_or_verification() {
    let found = cluster(fixed("a.example", 80, json!({ "sslConfig": {} })));
    assert_eq!(found.tls, Tls::On(TlsBecause::SslConfig));
    let tls = found.endpoints[0].tls.as_ref().unwrap();
    assert_eq!(tls.credentials, Credentials::None);
    assert!(codes(&found).contains(&"nothing-verified"));
    assert_eq!(cluster(kube(json!({ "sslConfig": {} }))).tls, Tls::On(TlsBecause::SslConfig));
    let null = cluster(fixed("a.example", 80, json!({ "sslConfig": null })));
    assert_eq!(null.tls, Tls::Off(PlainBecause::NoSslConfig));
}

#[test]
fn sds_counts_before_ssl_files_and_those_before_secret_ref() {
    let secret = json!({ "name": "x", "namespace": "y" });
    let sds = json!({ "certificatesSecretName": "c" });
    let all = json!({ "sslConfig": {
        "sds": sds, "sslFiles": { "rootCa": "/ca" }, "secretRef": secret,
    } });
    let found = cluster(kube(all));
    let tls = found.endpoints[0].tls.as_ref().unwrap();
    assert!(matches!(tls.credentials, Credentials::Sds { .. }));
    assert!(codes(&found).contains(&"several-credentials"));
    let two = json!({ "sslConfig": { "sslFiles": { "rootCa": "/ca" }, "secretRef": secret } });
    let found = cluster(kube(two));
    let tls = found.endpoints[0].tls.as_ref().unwrap();
    assert!(matches!(tls.credentials, Credentials::Files { .. }));
}

#[test]
fn of_several_kinds_the_last_one_counts() {
    let found = cluster(kube(fixed("a.example", 443, json!({}))));
    assert!(matches!(found.tls, Tls::On(TlsBecause::Port443)));
    assert!(codes(&found).contains(&"several-kinds"));
}

#[test]
fn a_kube_upstream_on_port_443_is_plain_text_without_ssl_config() {
    assert_eq!(cluster(kube(json!({}))).tls, Tls::Off(PlainBecause::NoSslConfig));
}

#[test]
fn aws_and_azure_always_use_tls_with_their_own_server_name() {
    let ssl_config = json!({ "parameters": { "cipherSuites": ["AES128-SHA"] }, "sni": "x" });
    let table = [
        (json!({ "aws": { "region": "r" } }), "lambda.r.amazonaws.com"),
        (json!({ "azure": { "functionAppName": "app" } }), "app.azurewebsites.net"),
    ];
    for (mut spec, name) in table {
        assert!(matches!(cluster(spec.clone()).tls, Tls::On(TlsBecause::Kind(_))));
        spec["sslConfig"] = ssl_config.clone();
        let found = cluster(spec);
        assert_eq!(server_names(&found), [Some(name)]);
        assert_eq!(config(&found).cipher_suites, [""; 0]);
        assert_eq!((found.endpoints[0].host.as_str(), found.endpoints[0].port), (name, 443));
        assert!(codes(&found).contains(&"ssl-config-discarded"));
    }
}

#[test]
fn aws_and_azure_take_the_settings_default() {
    let settings = json!({ "upstreamOptions": { "sslParameters": { "ecdhCurves": ["P-384"] } } });
    let mut spec = json!({ "aws": { "region": "r" } });
    spec["sslConfig"] = json!({ "parameters": { "ecdhCurves": ["P-521"] } });
    let found = with_settings(settings, spec);
    assert_eq!(config(&found).ecdh_curves, ["P-384"]);
    assert_eq!(found.parameters, ParametersFrom::Settings);
}

#[test]
fn use_tls_false_does_not_cancel_ssl_config() {
    let more = json!({ "static": { "useTls": false }, "sslConfig": {} });
    let found = cluster(fixed("a.example", 443, more));
    assert_eq!(found.tls, Tls::On(TlsBecause::SslConfig));
    assert!(codes(&found).contains(&"use-tls-false-overruled"));
}

#[test]
fn use_tls_false_is_plain_text_also_on_443_since_1_15() {
    let spec = fixed("a.example", 443, json!({ "static": { "useTls": false } }));
    assert_eq!(cluster(spec.clone()).tls, Tls::Off(PlainBecause::UseTlsFalse));
    let old = on_gloo("1.14", spec);
    assert_eq!(old.tls, Tls::On(TlsBecause::Port443));
    assert!(codes(&old).contains(&"use-tls-false-unknown"));
}

#[test]
fn any_host_with_port_443_turns_tls_on_for_all() {
    let hosts = json!({ "static": { "hosts": [host("a.example", 8443), host("b.example", 443)] } });
    let found = cluster(hosts);
    assert_eq!(found.tls, Tls::On(TlsBecause::Port443));
    assert_eq!(server_names(&found), [Some("a.example"), Some("b.example")]);
    assert!(codes(&found).contains(&"all-hosts-use-tls"));
    assert_eq!(
        cluster(fixed("a.example", 8443, json!({}))).tls,
        Tls::Off(PlainBecause::NoSslConfig)
    );
    let told = fixed("a.example", 8443, json!({ "static": { "useTls": true } }));
    assert_eq!(cluster(told).tls, Tls::On(TlsBecause::UseTls));
}

#[test]
fn proxy_protocol_hides_use_tls_and_port_443() {
    for more in [json!({}), json!({ "static": { "useTls": true } })] {
        let mut spec = fixed("a.example", 443, more);
        spec["proxyProtocolVersion"] = json!("V1");
        let found = cluster(spec.clone());
        assert_eq!(found.tls, Tls::Off(PlainBecause::ProxyProtocol));
        spec["sslConfig"] = json!({});
        let found = cluster(spec);
        assert_eq!(found.tls, Tls::On(TlsBecause::SslConfig));
        assert_eq!(found.endpoints[0].proxy_protocol, Some(ProxyProtocol::V1));
    }
}

#[test]
fn proxy_protocol_versions_other_than_v1_and_v2_are_refused() {
    let spec = |version| fixed("a.example", 443, json!({ "proxyProtocolVersion": version }));
    assert_eq!(cluster(spec("V3")).tls, Tls::Refused(Refusal::ProxyProtocol("V3".to_owned())));
    assert_eq!(cluster(spec("")).tls, Tls::On(TlsBecause::Port443));
}

#[test]
fn hosts_must_have_address_and_port() {
    let table = [
        (json!({ "static": { "hosts": [] } }), Refusal::NoHosts),
        (json!({}), Refusal::NoHosts),
        (json!({ "static": { "hosts": [{ "port": 1 }] } }), Refusal::NoAddress(0)),
        (json!({ "static": { "hosts": [host("a", 1), { "addr": "b" }] } }), Refusal::NoPort(1)),
    ];
    for (spec, refusal) in table {
        assert_eq!(cluster(spec).tls, Tls::Refused(refusal));
    }
}

#[test]
fn a_static_host_is_sent_its_sni_addr_or_else_its_addr_even_an_address() {
    let spec = json!({
        "static": { "hosts": [
            { "addr": "a.example", "port": 443, "sniAddr": "x.example" },
            { "addr": "b.example", "port": 443, "sniAddr": "" },
            { "addr": "192.0.2.7", "port": 443 },
        ] },
        "sslConfig": { "sni": "unused.example" },
    });
    let found = cluster(spec);
    let names = [Some("x.example"), Some("b.example"), Some("192.0.2.7")];
    assert_eq!(server_names(&found), names);
    assert!(codes(&found).contains(&"sni-unused"));
    assert!(codes(&found).contains(&"sni-is-address"));
}

#[test]
fn without_auto_sni_rewrite_the_sni_of_ssl_config_is_sent() {
    let spec = |ssl_config: Value| {
        let mut spec = fixed("a.example", 443, json!({ "static": { "autoSniRewrite": false } }));
        spec["sslConfig"] = ssl_config;
        spec
    };
    assert_eq!(server_names(&cluster(spec(json!({ "sni": "x" })))), [Some("x")]);
    assert_eq!(server_names(&cluster(spec(json!({})))), [None]);
}

#[test]
fn without_auto_sni_rewrite_and_ssl_config_the_first_name_is_sent_to_all() {
    let spec = |hosts: Value| json!({ "static": { "autoSniRewrite": false, "hosts": hosts } });
    let found = cluster(spec(json!([host("192.0.2.7", 443), host("b.example", 443)])));
    assert_eq!(server_names(&found), [Some("b.example"), Some("b.example")]);
    let found = cluster(spec(json!([host("192.0.2.7", 443)])));
    assert_eq!(server_names(&found), [None]);
    assert!(codes(&found).contains(&"no-sni"));
}

#[test]
fn other_kinds_are_sent_exactly_the_sni_of_ssl_config() {
    let kinds = [
        kube(json!({})),
        json!({ "consul": { "serviceName": "c" } }),
        json!({ "awsEc2": { "port": 8443 } }),
    ];
    for mut spec in kinds {
        spec["sslConfig"] = json!({});
        assert_eq!(server_names(&cluster(spec.clone())), [None]);
        spec["sslConfig"] = json!({ "sni": "x.example" });
        assert_eq!(server_names(&cluster(spec)), [Some("x.example")]);
    }
}

#[test]
fn without_a_ca_nothing_is_verified_and_with_one_no_name_unless_asked() {
    let secret = json!({ "sslConfig": { "secretRef": { "name": "x", "namespace": "y" } } });
    let usable = |authority| SecretKnowledge::Usable { key_pair: true, authority };
    let noted = |knowledge| codes(&with_secret(knowledge, kube(secret.clone())));
    assert!(noted(usable(false)).contains(&"nothing-verified"));
    assert!(noted(usable(true)).contains(&"name-not-verified"));
    assert!(noted(SecretKnowledge::Unknown).contains(&"secret-not-given"));
}

#[test]
fn names_to_verify_need_a_ca() {
    let names = json!(["a.example"]);
    let spec = |mut ssl_config: Value| {
        ssl_config["verifySubjectAltName"] = names.clone();
        kube(json!({ "sslConfig": ssl_config }))
    };
    let refused = Tls::Refused(Refusal::NamesWithoutAuthority);
    assert_eq!(cluster(spec(json!({}))).tls, refused);
    let secret = json!({ "secretRef": { "name": "x", "namespace": "y" } });
    let without = SecretKnowledge::Usable { key_pair: true, authority: false };
    assert_eq!(with_secret(without, spec(secret.clone())).tls, refused);
    assert_eq!(cluster(spec(secret)).tls, Tls::On(TlsBecause::SslConfig));
    let sds = json!({ "sds": { "certificatesSecretName": "c" } });
    assert_eq!(cluster(spec(sds)).tls, Tls::Refused(Refusal::NamesWithoutValidation));
}

#[test]
fn use_http2_decides_the_protocol_and_adds_no_alpn() {
    let found = cluster(fixed("a.example", 443, json!({ "useHttp2": true })));
    assert_eq!(config(&found).protocol, crate::envoy::Protocol::Http2);
    assert_eq!(config(&found).alpn_protocols, [""; 0]);
    let more = json!({ "sslConfig": { "alpnProtocols": ["istio"] } });
    assert_eq!(config(&cluster(fixed("a.example", 443, more))).alpn_protocols, ["istio"]);
}

#[test]
fn a_tunnel_has_an_outer_hop_to_the_proxy_and_an_inner_one_to_the_server() {
    let more = json!({
        "httpProxyHostname": "server.example:8443",
        "httpConnectSslConfig": { "sni": "proxy.example",
            "parameters": { "minimumProtocolVersion": "TLSv1_0" } },
        "httpConnectHeaders": [{ "key": "X", "value": "y" }],
        "sslConfig": { "sni": "inner.example" },
    });
    let settings = json!({ "upstreamOptions": { "sslParameters": { "ecdhCurves": ["P-384"] } } });
    let found = with_settings(settings, fixed("proxy.example", 3128, more));
    let [outer, inner] = found.endpoints.as_slice() else { panic!("{found:?}") };
    assert_eq!((outer.hop, outer.host.as_str(), outer.port), (Hop::Proxy, "proxy.example", 3128));
    assert_eq!((inner.hop, inner.host.as_str(), inner.port), (Hop::Server, "server.example", 8443));
    assert_eq!(server_names(&found), [Some("proxy.example"), Some("inner.example")]);
    let outer = &outer.tls.as_ref().unwrap().config;
    assert_eq!(outer.minimum_protocol_version, Some(TlsVersion::TLS10));
    assert_eq!(outer.ecdh_curves, [""; 0], "the Settings default is not for the proxy");
    assert_eq!(inner.tls.as_ref().unwrap().config.ecdh_curves, ["P-384"]);
    let tunnel = inner.tunnel.as_ref().unwrap();
    assert_eq!(tunnel.headers, [("X".to_owned(), "y".to_owned())]);
}

#[test]
fn without_http_connect_ssl_config_the_hop_to_the_proxy_is_plain_text() {
    let more = json!({ "httpProxyHostname": "server.example:443" });
    let found = cluster(fixed("proxy.example", 443, more));
    assert!(found.endpoints[0].tls.is_none());
    let inner = found.endpoints[1].tls.as_ref().unwrap();
    assert_eq!(inner.config.sni.as_deref(), Some("proxy.example"), "the proxy's own name");
}

#[test]
fn a_host_name_made_for_each_request_cannot_be_reached() {
    let more = json!({ "httpProxyHostname": "%REQ(x-host)%", "sslConfig": {} });
    let found = cluster(fixed("proxy.example", 3128, more));
    assert_eq!(found.endpoints[1].reach, Reach::PerRequest);
}

#[test]
fn a_tunnel_may_lead_through_a_proxy_of_any_kind() {
    let found = cluster(kube(json!({
        "httpProxyHostname": "server.example:8443", "sslConfig": { "sni": "inner.example" },
    })));
    let [outer, inner] = found.endpoints.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (outer.hop, outer.host.as_str(), outer.reach),
        (Hop::Proxy, "s.ns.svc", Reach::WithinCluster)
    );
    assert_eq!(
        (inner.hop, inner.host.as_str(), inner.reach),
        (Hop::Server, "server.example", Reach::Anywhere)
    );
    assert_eq!(server_names(&found), [Some("inner.example")]);
    let nowhere = cluster(json!({ "consul": { "serviceName": "s" }, "sslConfig": {},
        "httpProxyHostname": "server.example:8443" }));
    assert_eq!(nowhere.endpoints[1].reach, Reach::ConsulCatalog);
}

#[test]
fn a_proxy_header_goes_through_the_tunnel_to_the_server() {
    let more = json!({
        "httpProxyHostname": "server.example:8443", "sslConfig": {}, "proxyProtocolVersion": "V2" });
    let found = cluster(fixed("proxy.example", 3128, more));
    let headers: Vec<_> = found.endpoints.iter().map(|endpoint| endpoint.proxy_protocol).collect();
    assert_eq!(headers, [None, Some(ProxyProtocol::V2)]);
}

#[test]
fn use_http2_counts_for_the_proxy_of_a_tunnel_and_not_for_the_server() {
    let more = json!({ "httpProxyHostname": "server.example:8443", "sslConfig": {},
        "httpConnectSslConfig": {}, "useHttp2": true });
    let found = cluster(fixed("proxy.example", 3128, more));
    let tls = found.endpoints.iter().filter_map(|endpoint| endpoint.tls.as_ref());
    let protocols: Vec<_> = tls.map(|tls| tls.config.protocol).collect();
    assert_eq!(protocols, [Protocol::Http2, Protocol::Http1]);
    assert!(found.endpoints[1].tunnel.as_ref().unwrap().is_http2);
}

#[test]
fn aws_and_azure_send_no_proxy_header() {
    for kind in
        [json!({ "aws": { "region": "r" } }), json!({ "azure": { "functionAppName": "a" } })]
    {
        let mut spec = json!({ "proxyProtocolVersion": "V1" });
        merge(&mut spec, &kind);
        assert_eq!(cluster(spec).endpoints[0].proxy_protocol, None, "{kind}");
    }
}

#[test]
fn protocol_selection_by_the_client_takes_use_http2_back() {
    let more = json!({
        "sslConfig": {}, "useHttp2": true, "protocolSelection": "USE_DOWNSTREAM_PROTOCOL" });
    let found = cluster(fixed("a.example", 8443, more));
    assert_eq!(config(&found).protocol, Protocol::Http1);
    assert!(codes(&found).contains(&"follows-downstream-protocol"));
}

#[test]
fn istio_auto_mtls_leaves_the_tls_within_a_tunnel() {
    let istio = json!({ "gloo": {
        "istioOptions": { "enableAutoMtls": true, "enableIntegration": true },
    } });
    let more = json!({ "httpProxyHostname": "server.example:443" });
    let found = with_settings(istio, fixed("proxy.example", 443, more));
    assert_eq!(found.tls, Tls::On(TlsBecause::Port443));
}

#[test]
fn istio_auto_mtls_replaces_use_tls_and_port_443() {
    let istio = json!({ "gloo": {
        "istioOptions": { "enableAutoMtls": true, "enableIntegration": true },
    } });
    let found = with_settings(istio.clone(), fixed("a.example", 443, json!({})));
    assert_eq!(found.tls, Tls::Off(PlainBecause::IstioAutoMtls));
    assert!(codes(&found).contains(&"istio-auto-mtls"));
    for more in [json!({ "disableIstioAutoMtls": true }), json!({ "sslConfig": {} })] {
        let found = with_settings(istio.clone(), fixed("a.example", 443, more));
        assert!(matches!(found.tls, Tls::On(_)));
    }
}

#[test]
fn endpoints_are_where_envoy_finds_them() {
    let table = [
        (kube(json!({})), "s.ns.svc", 443, Reach::WithinCluster),
        (json!({ "consul": { "serviceName": "c" } }), "c", 0, Reach::ConsulCatalog),
        (json!({ "pipe": { "path": "/p" } }), "/p", 0, Reach::UnixSocket),
        (json!({ "gcp": {} }), "gcp", 0, Reach::Unknown),
    ];
    for (spec, host, port, reach) in table {
        let found = cluster(spec);
        let endpoint = &found.endpoints[0];
        assert_eq!((endpoint.host.as_str(), endpoint.port, endpoint.reach), (host, port, reach));
    }
}

#[test]
fn own_parameters_replace_the_whole_settings_default_even_if_empty() {
    let settings = json!({ "upstreamOptions": { "sslParameters": {
        "maximumProtocolVersion": "TLSv1_3", "ecdhCurves": ["P-384"],
    } } });
    let spec = |ssl_config: Value| kube(json!({ "sslConfig": ssl_config }));
    let own = with_settings(settings.clone(), spec(json!({ "parameters": {} })));
    assert_eq!(own.parameters, ParametersFrom::Upstream);
    assert_eq!(config(&own).maximum_protocol_version, None);
    assert_eq!(config(&own).ecdh_curves, [""; 0]);
    assert!(codes(&own).contains(&"settings-replaced"));
    let default = with_settings(settings.clone(), spec(json!({})));
    assert_eq!(default.parameters, ParametersFrom::Settings);
    assert_eq!(config(&default).maximum_protocol_version, Some(TlsVersion::TLS13));
    let fixed = with_settings(settings, fixed("a.example", 443, json!({})));
    assert_eq!(config(&fixed).ecdh_curves, ["P-384"]);
}

#[test]
fn sds_ignores_parameters_and_the_settings_default() {
    let settings = json!({ "upstreamOptions": { "sslParameters": { "ecdhCurves": ["P-384"] } } });
    let sds = json!({ "certificatesSecretName": "c" });
    let ssl_config = json!({ "sds": sds, "parameters": { "cipherSuites": ["AES128-SHA"] },
        "alpnProtocols": ["istio"], "sni": "x" });
    let found = with_settings(settings.clone(), kube(json!({ "sslConfig": ssl_config })));
    assert_eq!(found.parameters, ParametersFrom::Envoy);
    assert_eq!(config(&found).cipher_suites, [""; 0]);
    assert_eq!(config(&found).ecdh_curves, [""; 0]);
    assert_eq!(config(&found).alpn_protocols, ["istio"]);
    assert_eq!(config(&found).sni.as_deref(), Some("x"));
    assert!(codes(&found).contains(&"parameters-ignored-by-sds"));
    let found = with_settings(settings, kube(json!({ "sslConfig": { "sds": sds } })));
    assert!(codes(&found).contains(&"settings-ignored-by-sds"));
}

#[test]
fn an_empty_sds_is_refused() {
    let found = cluster(kube(json!({ "sslConfig": { "sds": { "targetUri": "x" } } })));
    assert_eq!(found.tls, Tls::Refused(Refusal::EmptySds));
}

#[test]
fn ssl_files_with_a_key_pair_do_not_work() {
    let spec = |files: Value| kube(json!({ "sslConfig": { "sslFiles": files } }));
    let pair = json!({ "tlsCert": "/c", "tlsKey": "/k", "rootCa": "/ca" });
    assert_eq!(cluster(spec(pair)).tls, Tls::Refused(Refusal::FilesKeyPair));
    let ca = cluster(spec(json!({ "rootCa": "/ca" })));
    assert_eq!(ca.tls, Tls::On(TlsBecause::SslConfig));
    assert!(codes(&ca).contains(&"files-not-given"));
}

#[test]
fn sds_and_files_give_what_they_name_and_no_more() {
    let flags = |ssl_config: Value| {
        let found = cluster(kube(json!({ "sslConfig": ssl_config })));
        let tls = found.endpoints[0].tls.clone().unwrap();
        (tls.sends_certificate, tls.verifies)
    };
    let sds = |field: &str| json!({ "sds": { "targetUri": "x", field: "y" } });
    assert_eq!(flags(sds("certificatesSecretName")), (true, false));
    assert_eq!(flags(sds("validationContextName")), (false, true));
    assert_eq!(flags(json!({ "sslFiles": { "rootCa": "/ca" } })), (false, true));
    assert_eq!(flags(json!({})), (false, false));
}

#[test]
fn one_way_tls_changed_meaning_in_1_20() {
    let spec = kube(json!({ "sslConfig": {
        "oneWayTls": true, "secretRef": { "name": "x", "namespace": "y" },
    } }));
    let flags = |gloo| {
        let found = on_gloo(gloo, spec.clone());
        let tls = found.endpoints[0].tls.clone().unwrap();
        (tls.sends_certificate, tls.verifies, codes(&found).join(" "))
    };
    let (sends, verifies, notes) = flags("1.19");
    assert!(sends && !verifies && notes.contains("one-way-tls-drops-verification"));
    let (sends, verifies, notes) = flags("1.20");
    assert!(!sends && verifies && !notes.contains("one-way-tls"));
    let (sends, verifies, notes) = flags("1.17");
    assert!(sends && verifies && notes.contains("one-way-tls-unknown"));
}

#[test]
fn a_missing_secret_leaves_plain_text_behind() {
    let document = |spec: Value| {
        json!({
            "metadata": { "name": "u", "namespace": "n" },
            "spec": spec,
            "status": { "statuses": { "n": { "state": 3, "reportedBy": "gloo",
                "reason": "warning: \n  SSL secret not found: list did not find secret y.x" } } },
        })
    };
    let ssl_config = json!({ "sslConfig": { "secretRef": { "name": "x", "namespace": "y" } } });
    let name = ObjectName { namespace: "y".to_owned(), name: "x".to_owned() };
    let found = Case::default().translate(&document(kube(ssl_config.clone())));
    assert_eq!(found.tls, Tls::Off(PlainBecause::SecretMissing(name.clone())));
    assert!(codes(&found).contains(&"secret-missing"));

    // Another Secret's name may begin with this one's.
    for (reported, is_this) in [("y.x.", true), ("y.x2", false), ("a-y.x", false), ("y.x.z", false)]
    {
        let mut document = document(kube(ssl_config.clone()));
        let reason = format!("SSL secret not found: list did not find secret {reported}");
        document["status"]["statuses"]["n"]["reason"] = json!(reason);
        let found = Case::default().translate(&document);
        assert_eq!(matches!(found.tls, Tls::Off(_)), is_this, "{reported}");
    }

    // With port 443, TLS stays on, without what the sslConfig says.
    let mut spec = fixed("a.example", 443, ssl_config.clone());
    spec["sslConfig"]["parameters"] = json!({ "ecdhCurves": ["P-384"] });
    let found = Case::default().translate(&document(spec));
    assert_eq!(found.tls, Tls::On(TlsBecause::Port443));
    assert_eq!(config(&found).ecdh_curves, [""; 0]);

    let strict = Case {
        settings: Some(json!({ "gateway": { "validation": { "warnMissingTlsSecret": false } } })),
        ..Case::default()
    };
    let refused = Tls::Refused(Refusal::SecretMissing(name));
    assert_eq!(strict.translate(&document(kube(ssl_config.clone()))).tls, refused);
    let old = Case { gloo: "1.17", ..Case::default() };
    assert_eq!(old.translate(&document(kube(ssl_config))).tls, refused);
}

#[test]
fn a_secret_ref_without_a_namespace_is_never_found() {
    let found = cluster(kube(json!({ "sslConfig": { "secretRef": { "name": "x" } } })));
    assert!(matches!(found.tls, Tls::Off(PlainBecause::SecretMissing(_))));
    assert!(codes(&found).contains(&"secret-namespace-missing"));
}

#[test]
fn a_secret_that_gloo_cannot_use_is_an_error_always() {
    let spec = kube(json!({ "sslConfig": { "secretRef": { "name": "x", "namespace": "y" } } }));
    let found = with_secret(SecretKnowledge::Unusable, spec);
    assert!(matches!(found.tls, Tls::Refused(Refusal::SecretUnusable(_))));
}

#[test]
fn a_secret_of_a_foreign_type_is_missing_and_leaves_plain_text() {
    let spec = kube(json!({ "sslConfig": { "secretRef": { "name": "x", "namespace": "y" } } }));
    let found = with_secret(SecretKnowledge::Unseen, spec.clone());
    assert!(matches!(found.tls, Tls::Off(PlainBecause::SecretMissing(_))), "{:?}", found.tls);
    let found =
        Case { gloo: "1.17", secret: SecretKnowledge::Unseen, ..Case::default() }.spec(spec);
    assert!(matches!(found.tls, Tls::Refused(Refusal::SecretMissing(_))), "{:?}", found.tls);
}

#[test]
fn without_its_secret_an_ssl_config_brings_no_parameters() {
    let own = json!({ "parameters": { "ecdhCurves": ["P-384"] }, "secretRef": { "name": "x" } });
    let spec = fixed("a.example", 443, json!({ "sslConfig": own }));
    assert_eq!(cluster(spec.clone()).parameters, ParametersFrom::Envoy);
    let default = json!({ "upstreamOptions": { "sslParameters": { "ecdhCurves": ["P-256"] } } });
    let found = with_settings(default, spec);
    assert_eq!(found.parameters, ParametersFrom::Settings);
    assert_eq!(config(&found).ecdh_curves, ["P-256"]);
    assert!(!codes(&found).contains(&"settings-replaced"));
}

#[test]
fn fields_that_kubernetes_drops_are_named() {
    let spec = kube(json!({
        "cipherSuites": ["A"],
        "sslConfig": { "cipherSuites": ["A"], "parameters": { "cipher_suites": ["A"] } },
    }));
    let paths: Vec<_> = cluster(spec)
        .notes
        .into_iter()
        .filter_map(|note| match note {
            Note::UnknownField(path) => Some(path),
            _ => None,
        })
        .collect();
    let expected = [
        "spec.cipherSuites",
        "spec.sslConfig.cipherSuites",
        "spec.sslConfig.parameters.cipher_suites",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn samples_come_to_the_conclusions_that_they_state() {
    let sample = |name: &str| {
        let path = format!("{}/fixtures/gloo/upstreams/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read(path).unwrap();
        let mut found = Vec::new();
        crate::gloo::read(name, text.as_slice(), |document| {
            found.push(Case::default().translate(&document.unwrap().object));
        });
        found
    };
    let of = |name: &str| sample(name).remove(0);
    let one = of("01-static-one-host.yaml");
    assert_eq!(one.tls, Tls::On(TlsBecause::Port443));
    assert_eq!(server_names(&one), [Some("payments.example.com")]);
    let several = of("02-static-several-hosts.yaml");
    let names = [Some("ledger-a.example.com"), Some("ledger.internal.example"), Some("192.0.2.44")];
    assert_eq!(server_names(&several), names);
    let plain = of("03-static-usetls-false.yaml");
    assert_eq!(plain.tls, Tls::Off(PlainBecause::UseTlsFalse));
    assert_eq!(plain.endpoints[0].proxy_protocol, Some(ProxyProtocol::V2));
    assert_eq!(server_names(&of("04-kube-discovered.yaml")), [None]);
    let sds = of("05-sds-parameters-ignored.yaml");
    assert_eq!(sds.parameters, ParametersFrom::Envoy);
    let own = of("06-parameters-already-set.yaml");
    assert_eq!(config(&own).maximum_protocol_version, Some(TlsVersion::TLS12));
    assert_eq!(server_names(&own), [Some("bridge.corp.example"); 2]);
    let tunnel = of("07-http-proxy-tunnel.yaml");
    let names = [Some("egress-proxy.corp.example"), Some("partner.example.org")];
    assert_eq!(server_names(&tunnel), names);
    assert_eq!(server_names(&of("08-consul.yaml")), [Some("billing.service.consul")]);
    let lambda = "lambda.eu-west-1.amazonaws.com";
    assert_eq!(server_names(&of("09-aws-lambda.yaml")), [Some(lambda)]);
    let list = sample("10-kubectl-list.yaml");
    assert!(matches!(list[0].tls, Tls::Off(PlainBecause::SecretMissing(_))));
    assert_eq!(list[1].tls, Tls::Off(PlainBecause::NoSslConfig));
}
