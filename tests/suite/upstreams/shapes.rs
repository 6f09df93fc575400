//! The table: Upstreams of many shapes, each with servers that want something of it.

use std::net::SocketAddr;

use cipher_test::lab::{Scenario, Server, ServerConfig};
use openssl::ssl::SslVersion;
use serde_json::{Value, json};

use super::shape::{Expect, Kind, Shape, host, lab, named_host};
use crate::support::embedded;
use crate::support::envoy::merge;
use crate::support::gloo::Secret;
use crate::support::keys::{self, Leaf};
use crate::support::servers::{ConnectProxy, Door, Haproxy, own_address};

use Expect::{Connects, Nothing, Patch, PatchBut, Unclear};
use Kind::{Service, Settings, Upstream};

const NAME: &str = "billing.example.com";
const CREDENTIALS: &str = "Basic dXNlcjpwYXNzd29yZA==";
/// What the servers of [`Scenario::Legacy`] take.
const OLD_SUITE: &str = "ECDHE-RSA-AES256-SHA";

/// All shapes, with their servers running.
pub(crate) fn all() -> Vec<Shape> {
    let groups: [fn() -> Vec<Shape>; 9] = [
        servers_that_want_something,
        names,
        protocols,
        several_hosts,
        parameters_that_hurt,
        kinds,
        credentials,
        ways,
        hopeless,
    ];
    groups.iter().flat_map(|group| group()).collect()
}

fn old() -> Server {
    embedded::scenario(Scenario::Legacy)
}

/// An `sslConfig` on one host, called by its address.
fn one(name: &'static str, expect: Expect, server: Server, ssl_config: Value) -> Shape {
    let spec = json!({ "sslConfig": ssl_config, "static": { "hosts": [host(server.address())] } });
    Shape::new(name, expect).spec(spec).keep(server)
}

/// One host with a name, without `sslConfig`.
fn named(name: &'static str, expect: Expect, server: Server, with: Value) -> Shape {
    let address = server.address();
    let mut spec = json!({ "static": { "useTls": true, "hosts": [named_host(NAME, address)] } });
    merge(&mut spec, &with);
    Shape::new(name, expect).spec(spec).name(NAME, address).keep(server)
}

pub(crate) fn servers_that_want_something() -> Vec<Shape> {
    let modern = || embedded::scenario(Scenario::Modern);
    let at_443 = old();
    let rsa = ServerConfig {
        cipher_list: "AES256-SHA256:AES128-SHA".into(),
        max_version: Some(SslVersion::TLS1_2),
        ..ServerConfig::default()
    };
    let p521 = ServerConfig {
        groups: Some("P-521".into()),
        max_version: Some(SslVersion::TLS1_2),
        ..ServerConfig::default()
    };
    let tls11 = ServerConfig {
        cipher_list: "ECDHE-RSA-AES128-SHA".into(),
        min_version: Some(SslVersion::TLS1_1),
        max_version: Some(SslVersion::TLS1_1),
        ..ServerConfig::default()
    };
    vec![
        one("an empty sslConfig, and all is well", Connects, modern(), json!({})),
        named("useTls, and all is well", Connects, modern(), json!({})),
        one("an old suite, empty sslConfig", Patch(Upstream), old(), json!({})),
        named("an old suite, useTls without sslConfig", Patch(Upstream), old(), json!({})),
        Shape::new("an old suite, TLS because of port 443", Patch(Upstream))
            .spec(json!({ "static": { "hosts": [{ "addr": NAME, "port": 443 }] } }))
            .door(NAME, 443, at_443.address())
            .keep(at_443),
        one("RSA key exchange alone", Patch(Upstream), lab(rsa), json!({})),
        one("TLS 1.0 alone", Patch(Upstream), embedded::scenario(Scenario::Tls10Only), json!({})),
        one("TLS 1.1 alone", Patch(Upstream), lab(tls11), json!({})),
        named("TLS 1.3 alone", Patch(Upstream), embedded::scenario(Scenario::Tls13Only), json!({})),
        named("P-384 alone", Patch(Upstream), embedded::scenario(Scenario::P384Only), json!({})),
        named("P-521 alone", Patch(Upstream), lab(p521), json!({})),
    ]
}

pub(crate) fn names() -> Vec<Shape> {
    let wants_name = || embedded::scenario(Scenario::SniRequired);
    let nameless = |name, expect, spec: fn(SocketAddr) -> Value| {
        let server = embedded::scenario(Scenario::Modern);
        let admits = |hello: &crate::support::hello::Hello| hello.server_name.is_none();
        let door = Door::choosy((own_address(), 8443).into(), server.address(), admits);
        let address = door.address();
        Shape::new(name, expect).spec(spec(address)).name(NAME, address).keep(server).keep(door)
    };
    let kube = wants_name();
    let kube_at = kube.address();
    vec![
        one(
            "the name is an address, the server wants another",
            Patch(Upstream),
            wants_name(),
            json!({}),
        )
        .args(&["--try-sni", keys::NAME]),
        named("the server wants another name", Patch(Upstream), wants_name(), json!({}))
            .args(&["--try-sni", keys::NAME]),
        named(
            "sniAddr is not the name that the server wants",
            Patch(Upstream),
            wants_name(),
            json!({ "sslConfig": { "sni": keys::NAME } }),
        )
        .args(&["--try-sni", keys::NAME])
        .each_host(json!({ "sniAddr": "other.example.com" })),
        named(
            "autoSniRewrite is false, and sslConfig.sni is not set",
            Patch(Upstream),
            wants_name(),
            json!({ "sslConfig": {}, "static": { "autoSniRewrite": false } }),
        )
        .args(&["--try-sni", keys::NAME]),
        named(
            "autoSniRewrite is false, and useTls sends the first name",
            Patch(Upstream),
            wants_name(),
            json!({ "static": { "autoSniRewrite": false } }),
        )
        .args(&["--try-sni", keys::NAME]),
        Shape::new("a Service that wants a name", Patch(Upstream))
            .spec(json!({
                "sslConfig": {},
                "kube": { "serviceName": "billing", "serviceNamespace": "shop",
                          "servicePort": kube_at.port() },
            }))
            .name("billing.shop.svc", kube_at)
            .args(&["--try-sni", keys::NAME])
            .keep(kube),
        nameless(
            "the server wants no name, useTls sends one",
            Patch(Upstream),
            |address| json!({ "static": { "useTls": true, "hosts": [named_host(NAME, address)] } }),
        ),
        nameless("the server wants no name, sslConfig has one", Patch(Upstream), |address| {
            json!({ "sslConfig": { "sni": NAME },
                    "static": { "autoSniRewrite": false, "hosts": [named_host(NAME, address)] } })
        }),
        nameless("no name is wanted, and none is sent", Connects, |address| {
            json!({ "sslConfig": {},
                    "static": { "autoSniRewrite": false, "hosts": [named_host(NAME, address)] } })
        }),
    ]
}

fn protocols() -> Vec<Shape> {
    let speaks = |protocol: &str| {
        lab(ServerConfig { alpn: vec![protocol.to_owned()], ..ServerConfig::default() })
    };
    vec![
        one("HTTP/2 alone", Patch(Upstream), speaks("h2"), json!({})),
        named(
            "useHttp2, and HTTP/1 alone",
            Patch(Upstream),
            speaks("http/1.1"),
            json!({ "useHttp2": true }),
        ),
        one(
            "alpnProtocols that the server does not have",
            Patch(Upstream),
            speaks("http/1.1"),
            json!({ "alpnProtocols": ["istio"] }),
        ),
        named(
            "protocolSelection takes useHttp2 back",
            Connects,
            speaks("http/1.1"),
            json!({ "useHttp2": true, "protocolSelection": "USE_DOWNSTREAM_PROTOCOL" }),
        ),
        named(
            "protocolSelection follows a client of HTTP/1, and HTTP/2 alone",
            Nothing,
            speaks("h2"),
            json!({ "protocolSelection": 1 }),
        ),
    ]
}

pub(crate) fn several_hosts() -> Vec<Shape> {
    let shape = |name, expect, servers: Vec<Server>, with: Value| {
        let hosts: Vec<_> = servers.iter().map(|server| host(server.address())).collect();
        let mut spec = json!({ "sslConfig": {}, "static": { "hosts": hosts } });
        merge(&mut spec, &with);
        Shape::new(name, expect).spec(spec).keep(servers)
    };
    let scenarios = |all: &[Scenario]| all.iter().map(|one| embedded::scenario(*one)).collect();
    let (wants_name, old) = (embedded::scenario(Scenario::SniRequired), old());
    let hosts = json!([named_host(keys::NAME, old.address()), host(wants_name.address())]);
    vec![
        shape(
            "two hosts, an old suite and TLS 1.3 alone",
            Patch(Upstream),
            scenarios(&[Scenario::Legacy, Scenario::Tls13Only]),
            json!({}),
        ),
        shape(
            "three hosts, TLS 1.0, P-384 and one that is well",
            Patch(Upstream),
            scenarios(&[Scenario::Tls10Only, Scenario::P384Only, Scenario::Modern]),
            json!({}),
        ),
        shape(
            "three hosts, one of them hopeless",
            PatchBut(Upstream, 1),
            scenarios(&[Scenario::Legacy, Scenario::DheOnly, Scenario::Modern]),
            json!({}),
        ),
        shape(
            "useTls, two addresses, one with an old suite",
            Patch(Upstream),
            scenarios(&[Scenario::Modern, Scenario::Legacy]),
            json!({ "sslConfig": null, "static": { "useTls": true } }),
        ),
        Shape::new("two hosts, one with an old suite, one wants a name", Patch(Upstream))
            .spec(json!({ "static": { "useTls": true, "hosts": hosts } }))
            .name(keys::NAME, old.address())
            .args(&["--try-sni", keys::NAME])
            .keep(old)
            .keep(wants_name),
    ]
}

pub(crate) fn parameters_that_hurt() -> Vec<Shape> {
    let modern = || embedded::scenario(Scenario::Modern);
    let rsa = || {
        lab(ServerConfig {
            cipher_list: "AES128-SHA".into(),
            max_version: Some(SslVersion::TLS1_2),
            ..ServerConfig::default()
        })
    };
    let own = |parameters: Value| json!({ "parameters": parameters });
    vec![
        one(
            "a list that is too narrow",
            Patch(Upstream),
            modern(),
            own(json!({ "cipherSuites": ["AES128-SHA"], "maximumProtocolVersion": "TLSv1_2" })),
        ),
        one(
            "a maximum that is too old, as a number",
            Patch(Upstream),
            modern(),
            own(json!({ "minimumProtocolVersion": 1, "maximumProtocolVersion": 2 })),
        ),
        one(
            "a minimum that is too new",
            Patch(Upstream),
            embedded::scenario(Scenario::P384Only),
            own(
                json!({ "minimumProtocolVersion": "TLSv1_3", "maximumProtocolVersion": "TLSv1_3" }),
            ),
        ),
        one(
            "a minimum above the default maximum",
            Patch(Upstream),
            modern(),
            own(json!({ "minimumProtocolVersion": "TLSv1_3" })),
        ),
        one(
            "a suite that Envoy does not know",
            Patch(Upstream),
            modern(),
            own(
                json!({ "cipherSuites": ["ECDHE-RSA-AES128-GCM-SHA256", "TLS_RSA_WITH_RC4_128_SHA"] }),
            ),
        ),
        one(
            "a curve that Envoy does not know",
            Patch(Upstream),
            modern(),
            own(json!({ "ecdhCurves": ["X25519", "secp256r1"] })),
        ),
        one(
            "curves that the server does not have",
            Patch(Upstream),
            embedded::scenario(Scenario::P384Only),
            own(json!({ "ecdhCurves": ["P-256"] })),
        ),
        one(
            "empty parameters hide the default that is needed",
            Patch(Upstream),
            old(),
            own(json!({})),
        )
        .settings(json!({ "cipherSuites": ["ECDHE-RSA-AES128-GCM-SHA256", OLD_SUITE] })),
        one("the default that is needed is there", Connects, old(), json!({}))
            .settings(json!({ "cipherSuites": ["ECDHE-RSA-AES128-GCM-SHA256", OLD_SUITE] })),
        named("useTls has the default too", Connects, old(), json!({}))
            .settings(json!({ "cipherSuites": ["ECDHE-RSA-AES128-GCM-SHA256", OLD_SUITE] })),
        one("a default that hurts", Patch(Upstream), modern(), json!({}))
            .settings(json!({ "cipherSuites": ["AES128-SHA"] })),
        named("auto mTLS without the integration leaves TLS", Patch(Upstream), old(), json!({}))
            .istio(json!({ "enableAutoMtls": true })),
        one("an sslConfig goes before auto mTLS", Patch(Upstream), old(), json!({}))
            .istio(json!({ "enableAutoMtls": true, "enableIntegration": true })),
        named("a default that hurts useTls", Patch(Upstream), old(), json!({})).settings(
            json!({ "minimumProtocolVersion": "TLSv1_2", "maximumProtocolVersion": "TLSv1_3" }),
        ),
        one("a default with a name that Envoy does not know", Patch(Upstream), modern(), json!({}))
            .settings(json!({ "cipherSuites": ["DHE-RSA-AES128-SHA"] })),
        one(
            "own parameters do not have the default's",
            Patch(Upstream),
            rsa(),
            own(json!({
            "minimumProtocolVersion": "TLSv1_0" })),
        )
        .settings(json!({ "cipherSuites": ["AES128-SHA"] })),
        one(
            "parameters that help",
            Connects,
            rsa(),
            own(json!({
            "cipherSuites": ["AES128-SHA"] })),
        ),
    ]
}

pub(crate) fn kinds() -> Vec<Shape> {
    let kube = |server: SocketAddr, ssl_config: Value| {
        let mut spec = json!({ "kube": {
            "selector": { "app": "billing" },
            "serviceName": "billing", "serviceNamespace": "shop", "servicePort": server.port() } });
        merge(&mut spec, &json!({ "sslConfig": ssl_config }));
        spec
    };
    let by_discovery = |annotations: Value| {
        json!({ "metadata": {
            "labels": { "discovered_by": "kubernetesplugin" }, "annotations": annotations } })
    };
    let service = |port: u16, annotations: Value| {
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "billing", "namespace": "shop", "annotations": annotations },
            "spec": { "ports": [{ "name": "https", "port": port }] },
        })
    };
    let client = || Secret { pair: Some(pair(Leaf::Client)), authority: None };
    let billing = "billing.shop.svc";
    let mut shapes = Vec::new();

    let server = old();
    let at = server.address();
    shapes.push(
        Shape::new("a Service by hand", Patch(Upstream))
            .spec(kube(at, json!({ "sni": NAME })))
            .name(billing, at)
            .keep(server),
    );
    let server = old();
    let at = server.address();
    shapes.push(
        Shape::new("discovered, and sslConfig is by hand", Patch(Upstream))
            .spec(kube(at, json!({})))
            .document(by_discovery(json!({ "gloo.solo.io/h2_service": "false" })))
            .name(billing, at)
            .keep(server),
    );
    let server = old();
    let at = server.address();
    shapes.push(
        Shape::new("discovered with sslService.secret", Patch(Service))
            .spec(kube(at, json!({ "secretRef": { "name": "billing-tls", "namespace": "shop" } })))
            .document(by_discovery(
                json!({ "gloo.solo.io/sslService.secret": format!("{}:billing-tls", at.port()) }),
            ))
            .name(billing, at)
            .secret("shop/billing-tls", client())
            .keep(server),
    );
    let server = old();
    let at = server.address();
    let annotations = json!({ "gloo.solo.io/upstream_config":
        json!({ "sslConfig": { "sni": NAME, "parameters": { "cipherSuites": ["AES128-SHA"] } } }).to_string() });
    shapes.push(
        Shape::new("discovered with upstream_config, and the Service is there", Patch(Service))
            .spec(kube(
                at,
                json!({ "sni": NAME, "parameters": { "cipherSuites": ["AES128-SHA"] } }),
            ))
            .document(by_discovery(annotations.clone()))
            .service(service(at.port(), annotations))
            .name(billing, at)
            .keep(server),
    );
    let server = old();
    shapes.push(
        Shape::new("aws", Patch(Settings))
            .spec(json!({
                "aws": { "region": "eu-west-1", "secretRef": { "name": "aws", "namespace": "gloo-system" } },
                "sslConfig": { "parameters": { "cipherSuites": [OLD_SUITE] } },
            }))
            .door("lambda.eu-west-1.amazonaws.com", 443, server.address())
            .keep(server),
    );
    let server = embedded::scenario(Scenario::Tls13Only);
    shapes.push(
        Shape::new("azure, with a default", Patch(Settings))
            .spec(json!({
                "azure": { "functionAppName": "billing",
                           "secretRef": { "name": "azure", "namespace": "gloo-system" } },
            }))
            .settings(json!({ "minimumProtocolVersion": "TLSv1_2", "ecdhCurves": ["P-256"] }))
            .door("billing.azurewebsites.net", 443, server.address())
            .keep(server),
    );
    let server = embedded::scenario(Scenario::Modern);
    shapes.push(
        Shape::new("aws sends no PROXY header", Connects)
            .spec(json!({
                "aws": { "region": "eu-west-2", "secretRef": { "name": "aws", "namespace": "gloo-system" } },
                "proxyProtocolVersion": "V1",
            }))
            .door("lambda.eu-west-2.amazonaws.com", 443, server.address())
            .keep(server),
    );
    let server = embedded::scenario(Scenario::Modern);
    shapes.push(
        Shape::new("of several kinds the last counts", Connects)
            .spec(json!({
                "kube": { "serviceName": "none", "serviceNamespace": "none", "servicePort": 1 },
                "static": { "useTls": true, "hosts": [host(server.address())] },
            }))
            .keep(server),
    );
    shapes
}

fn pair(leaf: Leaf) -> (std::path::PathBuf, std::path::PathBuf) {
    let certificate = keys::leaf(leaf);
    (certificate.certificate.clone(), certificate.key.clone())
}

pub(crate) fn credentials() -> Vec<Shape> {
    let client = keys::leaf(Leaf::Client);
    let authority = keys::authority().display().to_string();
    let brings = [
        "--cert",
        &client.certificate.display().to_string(),
        "--key",
        &client.key.display().to_string(),
    ]
    .map(str::to_owned);
    let brings = brings.each_ref().map(String::as_str);
    let with_pair = || Secret { pair: Some(pair(Leaf::Client)), authority: None };
    let with_authority = || Secret { pair: None, authority: Some(keys::authority().to_owned()) };
    let mutual =
        |more: &str| Haproxy::new().verify_client().bind("ssl-max-ver TLSv1.2").bind(more).start();
    let reference = json!({ "secretRef": { "name": "billing", "namespace": "vault" } });
    let of = |name, expect, server: crate::support::servers::Server, ssl_config: Value| {
        let spec = json!({
            "sslConfig": ssl_config, "static": { "hosts": [named_host(NAME, server.address())] } });
        Shape::new(name, expect).spec(spec).name(NAME, server.address()).keep(server)
    };
    let old_suite = format!("ciphers {OLD_SUITE} ssl-max-ver TLSv1.2");
    let verified = |san: &str| json!({ "secretRef": { "name": "billing", "namespace": "vault" }, "verifySubjectAltName": [san] });
    vec![
        of("a client certificate is wanted", Patch(Upstream), mutual(""), json!({}))
            .secret("vault/billing", with_pair())
            .args(&["--secret", "vault/billing"])
            .args(&brings),
        of("a client certificate is there", Connects, mutual(""), reference.clone())
            .secret("vault/billing", with_pair())
            .args(&brings),
        of(
            "oneWayTls keeps the client certificate back",
            Nothing,
            mutual(""),
            json!({ "secretRef": { "name": "billing", "namespace": "vault" }, "oneWayTls": true }),
        )
        .secret("vault/billing", with_pair())
        .args(&brings),
        of(
            "a client certificate is there, and an old suite alone",
            Patch(Upstream),
            mutual("ciphers ECDHE-RSA-AES256-SHA"),
            reference.clone(),
        )
        .secret("vault/billing", with_pair())
        .args(&brings),
        of("the chain is verified, and an old suite alone", Patch(Upstream), Haproxy::new().bind(&old_suite).start(), reference.clone())
            .secret("vault/billing", with_authority())
            .args(&["--ca", &authority]),
        of("the name is verified, and an old suite alone", Patch(Upstream), Haproxy::new().bind(&old_suite).start(), verified(keys::NAME))
            .secret("vault/billing", with_authority())
            .args(&["--ca", &authority]),
        of("the name is verified, and is another", Nothing, Haproxy::new().start(), verified("other.example.com"))
            .secret("vault/billing", with_authority())
            .args(&["--ca", &authority]),
        of("the chain is verified, and is not trusted", Nothing, Haproxy::new().leaf(Leaf::RsaUntrusted).start(), reference)
            .secret("vault/billing", with_authority())
            .args(&["--ca", &authority]),
        of(
            "the CA is in a Secret of the input, and an old suite alone",
            Patch(Upstream),
            Haproxy::new().bind(&old_suite).start(),
            verified(keys::NAME),
        )
        .given_secret("vault/billing", with_authority()),
        of(
            "the CA is in a Secret of the input, and the chain is not trusted",
            Nothing,
            Haproxy::new().leaf(Leaf::RsaUntrusted).start(),
            verified(keys::NAME),
        )
        .given_secret("vault/billing", with_authority()),
        of(
            "the client certificate is in a Secret of the input",
            Connects,
            mutual(""),
            json!({ "secretRef": { "name": "billing", "namespace": "vault" } }),
        )
        .given_secret("vault/billing", with_pair()),
        of(
            "the client certificate in a Secret of the input is not trusted",
            Nothing,
            mutual(""),
            json!({ "secretRef": { "name": "billing", "namespace": "vault" } }),
        )
        .given_secret(
            "vault/billing",
            Secret { pair: Some(pair(Leaf::ClientUntrusted)), authority: None },
        ),
        of(
            "oneWayTls would keep the client certificate of --secret back",
            Patch(Upstream),
            mutual(""),
            json!({ "oneWayTls": true }),
        )
        .secret("vault/billing", with_pair())
        .args(&["--secret", "vault/billing"])
        .args(&brings),
        of(
            "SDS without a certificate goes before --secret",
            Nothing,
            mutual(""),
            json!({ "sds": { "validationContextName": "billing", "targetUri": "127.0.0.1:8234" } }),
        )
        .secret("sds/billing", with_authority())
        .secret("vault/billing", with_pair())
        .args(&["--secret", "vault/billing"])
        .args(&brings),
        of(
            "SDS, and all is well",
            Connects,
            Haproxy::new().bind("ssl-max-ver TLSv1.2").start(),
            json!({ "sds": { "certificatesSecretName": "billing", "targetUri": "127.0.0.1:8234" } }),
        )
        .secret("sds/billing", with_pair()),
    ]
}

fn ways() -> Vec<Shape> {
    let old_suite = format!("ciphers {OLD_SUITE} ssl-max-ver TLSv1.2");
    let balanced = |name, expect, more: &str, with: Value| {
        let server = Haproxy::new().bind("accept-proxy").bind(more).start();
        let mut spec = json!({ "static": { "hosts": [named_host(NAME, server.address())] } });
        merge(&mut spec, &with);
        Shape::new(name, expect).spec(spec).name(NAME, server.address()).keep(server)
    };
    let tunnel = |name, expect, server: Server, is_tls: bool, with: Value| {
        tunnelled(name, expect, server.address(), is_tls, with).keep(server)
    };
    let balanced_server = Haproxy::new().bind("accept-proxy").start();
    let behind_service = old();
    let tls = |name: &str| json!({ "httpConnectSslConfig": { "sni": name } });
    vec![
        balanced(
            "PROXY V1, and all is well",
            Connects,
            "",
            json!({
            "sslConfig": {}, "proxyProtocolVersion": "V1" }),
        ),
        balanced(
            "PROXY V1, and an old suite alone",
            Patch(Upstream),
            &old_suite,
            json!({
            "sslConfig": {}, "proxyProtocolVersion": "V1" }),
        ),
        balanced(
            "PROXY V2, and an old suite alone",
            Patch(Upstream),
            &old_suite,
            json!({
            "sslConfig": {}, "proxyProtocolVersion": "V2" }),
        ),
        tunnel(
            "a tunnel, and all is well",
            Connects,
            embedded::scenario(Scenario::Modern),
            false,
            json!({}),
        ),
        tunnel("a tunnel to an old suite", Patch(Upstream), old(), false, json!({})),
        tunnel(
            "a tunnel in TLS to TLS 1.3 alone",
            Patch(Upstream),
            embedded::scenario(Scenario::Tls13Only),
            true,
            tls("egress.corp.example"),
        ),
        tunnel(
            "a tunnel to a server that wants a name, which is the proxy's",
            Patch(Upstream),
            embedded::scenario(Scenario::SniRequired),
            false,
            json!({ "sslConfig": null, "static": { "useTls": true } }),
        )
        .args(&["--try-sni", keys::NAME]),
        tunnel(
            "a tunnel whose proxy has too narrow parameters",
            Patch(Upstream),
            embedded::scenario(Scenario::Modern),
            true,
            json!({ "httpConnectSslConfig": {
                "parameters": { "cipherSuites": ["AES128-SHA"] } } }),
        ),
        tunnel(
            "useHttp2 is for the proxy of a tunnel",
            Unclear,
            embedded::scenario(Scenario::Modern),
            false,
            json!({ "useHttp2": true }),
        ),
        tunnel(
            "a tunnel in plain text to a proxy of TLS",
            Unclear,
            embedded::scenario(Scenario::Modern),
            true,
            json!({}),
        ),
        tunnelled(
            "a PROXY header within a tunnel",
            Connects,
            balanced_server.address(),
            true,
            json!({ "proxyProtocolVersion": "V1", "httpConnectSslConfig": {} }),
        )
        .keep(balanced_server),
        tunnelled(
            "a tunnel through a Service",
            Patch(Upstream),
            behind_service.address(),
            false,
            json!({ "static": null, "kube": {
                "serviceName": "egress", "serviceNamespace": "net", "servicePort": 3128 } }),
        )
        .rename("egress.corp.example:3128", "egress.net.svc:3128")
        .keep(behind_service),
        tunnel(
            "a PROXY header within a tunnel, to a server that wants none",
            Unclear,
            embedded::scenario(Scenario::Modern),
            false,
            json!({
            "proxyProtocolVersion": "V2" }),
        ),
        tunnel(
            "auto mTLS leaves the TLS within a tunnel",
            Patch(Upstream),
            old(),
            false,
            json!({
            "sslConfig": null, "static": { "useTls": true } }),
        )
        .istio(json!({ "enableAutoMtls": true, "enableIntegration": true })),
        tunnel(
            "a tunnel to no suite that Envoy has",
            Nothing,
            embedded::scenario(Scenario::DheOnly),
            false,
            json!({}),
        ),
    ]
}

/// A server at `partner.example.org` and its own port, behind a proxy on port 3128.
fn tunnelled(
    name: &'static str,
    expect: Expect,
    server: SocketAddr,
    is_tls: bool,
    with: Value,
) -> Shape {
    let target = format!("partner.example.org:{}", server.port());
    let start = if is_tls { ConnectProxy::tls } else { ConnectProxy::plain };
    let proxy = start((own_address(), 3128).into(), CREDENTIALS, &[(target.as_str(), server)]);
    let mut spec = json!({
        "httpProxyHostname": target,
        "httpConnectHeaders": [{ "key": "Proxy-Authorization", "value": CREDENTIALS }],
        "sslConfig": { "sni": "partner.example.org" },
        "static": { "hosts": [named_host("egress.corp.example", proxy.address())] },
    });
    merge(&mut spec, &with);
    let shape = Shape::new(name, expect).spec(spec);
    shape.name("egress.corp.example", proxy.address()).keep(proxy)
}

fn hopeless() -> Vec<Shape> {
    let with_pair = || Secret { pair: Some(pair(Leaf::Client)), authority: None };
    let sds = json!({
        "sds": { "certificatesSecretName": "billing", "targetUri": "127.0.0.1:8234" },
        "parameters": { "cipherSuites": [OLD_SUITE] },
    });
    let x448 = ServerConfig {
        groups: Some("X448".into()),
        max_version: Some(SslVersion::TLS1_2),
        ..ServerConfig::default()
    };
    vec![
        one("DHE alone", Nothing, embedded::scenario(Scenario::DheOnly), json!({})),
        named("X448 alone", Nothing, lab(x448), json!({})),
        one("no TLS at all", Nothing, embedded::scenario(Scenario::PlainHttp), json!({})),
        one("SDS, and an old suite alone", Nothing, old(), sds)
            .secret("sds/billing", with_pair())
            .settings(json!({ "cipherSuites": [OLD_SUITE] })),
    ]
}
