//! The documents of `fixtures/gloo/upstreams`, end to end: what the command concludes, what
//! arrives at the servers, and whether that is what a real Envoy sends them.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use cipher_test::lab::{Scenario, ServerConfig};
use openssl::ssl::SslVersion;
use serde_json::{Value, json};

use super::shape::{Kind, Patch, lab};
use super::{Documents, settings, words};
use crate::support::binary::{Run, cipher_test};
use crate::support::envoy::{Release, connect_wired};
use crate::support::gloo::{Secret, World, translate};
use crate::support::hello::Hello;
use crate::support::keys::{self, Leaf};
use crate::support::servers::{ConnectProxy, Door, own_address};
use crate::support::{embedded, root};

/// The Settings default that stands beside the samples, and its suites on the wire.
const DEFAULT_SUITES: [&str; 2] = ["ECDHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256"];
const DEFAULT_CODES: [u16; 2] = [0xc02f, 0x009c];
/// What Envoy offers by itself.
const ENVOY_CODES: [u16; 6] = [0xc02b, 0xcca9, 0xc02f, 0xcca8, 0xc02c, 0xc030];

/// A sample with servers behind its names.
struct Stage {
    text: String,
    world: World,
    doors: BTreeMap<String, Door>,
    servers: Vec<Box<dyn Any>>,
}

impl Stage {
    fn new(file: &str) -> Self {
        let path = root().join("fixtures/gloo/upstreams").join(file);
        let text = std::fs::read_to_string(path).expect("a sample");
        let parameters =
            json!({ "minimumProtocolVersion": "TLSv1_2", "cipherSuites": DEFAULT_SUITES });
        let world = World { settings: settings(parameters), ..World::default() };
        Self { text, world, doors: BTreeMap::new(), servers: Vec::new() }
    }

    /// Puts a server behind a name and the sample's own port.
    fn put(mut self, authority: &str, server: impl TestServer + 'static) -> Self {
        let door = Door::open(at(authority), server.at());
        self.world.addresses.insert(authority.to_owned(), door.address());
        self.doors.insert(authority.to_owned(), door);
        self.servers.push(Box::new(server));
        self
    }

    fn secret(mut self, name: &str) -> Self {
        let client = keys::leaf(Leaf::Client);
        let pair = Some((client.certificate.clone(), client.key.clone()));
        let secret = Secret { pair, authority: None };
        self.world.secrets.insert(name.to_owned(), secret);
        self
    }

    /// Runs the command on the sample and the Settings; the world's names are its only resolver.
    fn run(&self, args: &[&str]) -> Run {
        self.doors.values().for_each(Door::forget);
        let default = serde_norway::to_string(&self.world.settings).expect("YAML");
        let mut all = words(args);
        for (authority, address) in &self.world.addresses {
            all.extend(["--resolve".to_owned(), format!("{authority}:{}", address.ip())]);
        }
        Documents::of(&format!("{}\n---\n{default}", self.text)).run(&all)
    }

    /// The report on the only Upstream, after the whole of it has been tested.
    fn report(&self) -> (Run, Value) {
        let run = self.run(&["--format", "json", "--no-handshakes"]);
        let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(report["upstreams"].as_array().map(Vec::len), Some(1));
        (run, report["upstreams"][0].clone())
    }

    /// The patch, which must be one.
    fn patch(&self, args: &[&str]) -> Patch {
        let run = self.run(args);
        let [patch] = &Patch::all(&run.stdout)[..] else { panic!("{}{}", run.stdout, run.stderr) };
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        patch.clone()
    }

    fn door(&self, authority: &str) -> &Door {
        &self.doors[authority]
    }

    /// The first hello of the run before. All that follow are of a survey.
    fn first(&self, authority: &str) -> Hello {
        let hellos = self.door(authority).hellos();
        hellos.first().unwrap_or_else(|| panic!("nobody came to {authority}")).clone()
    }

    fn upstream(&self) -> Value {
        serde_norway::from_str(&self.text).expect("YAML")
    }

    /// Sends a real Envoy through all doors, and says with what it came to each.
    fn envoy(&self) -> BTreeMap<String, Hello> {
        self.doors.values().for_each(Door::forget);
        let hops = translate(&self.upstream(), &self.world).expect("a cluster");
        let wirings: Vec<_> = hops.into_iter().map(|hop| hop.wiring).collect();
        connect_wired(Release::V1_36, &wirings);
        let first = |(name, door): (&String, &Door)| {
            Some((name.clone(), door.hellos().into_iter().next()?))
        };
        self.doors.iter().filter_map(first).collect()
    }

    /// Holds the command's first hellos against a real Envoy's.
    fn assert_hellos_are_envoys(&self) {
        let envoys = self.envoy();
        assert_eq!(envoys.len(), self.doors.len());
        self.run(&["--format", "json", "--no-handshakes"]);
        for (authority, hello) in envoys {
            assert_eq!(self.first(&authority), hello, "{authority}");
        }
    }
}

/// What listens somewhere.
trait TestServer {
    fn at(&self) -> SocketAddr;
}

impl TestServer for cipher_test::lab::Server {
    fn at(&self) -> SocketAddr {
        self.address()
    }
}

impl TestServer for ConnectProxy {
    fn at(&self) -> SocketAddr {
        self.address()
    }
}

/// An address of our own with the port of `HOST:PORT`.
fn at(authority: &str) -> SocketAddr {
    let (_, port) = authority.rsplit_once(':').expect("a port");
    (own_address(), port.parse().expect("a port")).into()
}

fn old() -> cipher_test::lab::Server {
    embedded::scenario(Scenario::Legacy)
}

fn modern() -> cipher_test::lab::Server {
    embedded::scenario(Scenario::Modern)
}

fn codes(upstream: &Value) -> Vec<&str> {
    let notes = upstream["notes"].as_array().expect("notes");
    notes.iter().map(|note| note["code"].as_str().expect("a code")).collect()
}

fn names(upstream: &Value) -> Vec<Option<&str>> {
    let endpoints = upstream["endpoints"].as_array().expect("endpoints");
    endpoints.iter().map(|endpoint| endpoint["envoy"]["sni"].as_str()).collect()
}

/// The suites on the wire without the one that stands for secure renegotiation.
fn suites(hello: &Hello) -> Vec<u16> {
    hello.suites.iter().copied().filter(|code| *code != 0x00ff).collect()
}

/// The patch of parameters, which must have the suite that the server of [`old`] takes.
fn parameters(patch: &Patch) -> Vec<&str> {
    let list = match patch.kind {
        Kind::Settings => &patch.patch["spec"]["upstreamOptions"]["sslParameters"],
        _ => &patch.patch["spec"]["sslConfig"]["parameters"],
    };
    let list = list["cipherSuites"].as_array().unwrap_or_else(|| panic!("{}", patch.patch));
    list.iter().map(|name| name.as_str().expect("a name")).collect()
}

#[test]
fn sample_01_static_one_host() {
    let authority = "payments.example.com:443";
    let stage = Stage::new("01-static-one-host.yaml").put(authority, old());
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("https-port")));
    assert_eq!(upstream["parameters_from"], "settings");
    let hello = stage.first(authority);
    assert_eq!(hello.server_name.as_deref(), Some("payments.example.com"));
    assert_eq!(suites(&hello), DEFAULT_CODES);

    let patch = stage.patch(&["--fix", "patch"]);
    assert_eq!((patch.kind, patch.name.as_str()), (Kind::Upstream, "payments-api"));
    assert_eq!(parameters(&patch), [&DEFAULT_SUITES[..], &["ECDHE-RSA-AES256-SHA"]].concat());
    assert_eq!(
        patch.patch["spec"]["sslConfig"]["parameters"]["minimumProtocolVersion"], "TLSv1_2",
        "the Settings default is repeated, since nothing of it counts beside own parameters"
    );
    let patch = stage.patch(&["--fix", "settings"]);
    assert_eq!((patch.kind, patch.name.as_str()), (Kind::Settings, "default"));
    assert_eq!(parameters(&patch), [&DEFAULT_SUITES[..], &["ECDHE-RSA-AES256-SHA"]].concat());
    stage.assert_hellos_are_envoys();
}

#[test]
fn sample_02_static_several_hosts() {
    let hosts = [
        ("ledger-a.example.com:443", "ledger-a.example.com"),
        ("ledger-b.example.com:8443", "ledger.internal.example"),
        ("192.0.2.44:8443", "192.0.2.44"),
    ];
    let stage = Stage::new("02-static-several-hosts.yaml");
    let stage = hosts.iter().fold(stage, |stage, (authority, _)| stage.put(authority, old()));
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("ssl-config")));
    assert_eq!(upstream["parameters_from"], "settings");
    assert!(codes(&upstream).contains(&"sni-unused"), "{:?}", codes(&upstream));
    assert!(codes(&upstream).contains(&"sni-is-address"), "{:?}", codes(&upstream));
    for (authority, name) in hosts {
        let hello = stage.first(authority);
        assert_eq!(hello.server_name.as_deref(), Some(name));
        assert_eq!(suites(&hello), DEFAULT_CODES);
        let hellos = stage.door(authority).hellos();
        let unused = |hello: &Hello| hello.server_name.as_deref() == Some("ledger.example.com");
        assert!(!hellos.iter().any(unused), "sslConfig.sni is never sent");
    }
    let patch = stage.patch(&["--fix", "patch"]);
    assert_eq!((patch.kind, patch.name.as_str()), (Kind::Upstream, "ledger"));
    assert_eq!(parameters(&patch), [&DEFAULT_SUITES[..], &["ECDHE-RSA-AES256-SHA"]].concat());

    // The Secret with the CA is not there for the command, and so it is none for Envoy.
    let mut bare = stage;
    let mut document = bare.upstream();
    document["spec"]["sslConfig"] = json!({ "sni": "ledger.example.com" });
    bare.text = serde_norway::to_string(&document).expect("YAML");
    bare.assert_hellos_are_envoys();
}

#[test]
fn sample_03_static_use_tls_false() {
    let authority = "legacy.example.net:443";
    let server = embedded::scenario(Scenario::PlainHttp);
    let mut stage = Stage::new("03-static-usetls-false.yaml");
    let door = Door::behind_balancer(at(authority), server.address());
    stage.world.addresses.insert(authority.to_owned(), door.address());
    stage.doors.insert(authority.to_owned(), door);
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        (&upstream["tls"], &upstream["tls_because"]),
        (&json!(false), &json!("use-tls-false"))
    );
    assert_eq!(upstream.get("revision"), None);
    assert_eq!(stage.door(authority).visits(), [], "there is no TLS to test");
    let run = stage.run(&[]);
    assert!(run.stdout.contains("any sslConfig would turn TLS on"), "{}", run.stdout);
    for form in ["patch", "settings"] {
        let run = stage.run(&["--fix", form]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
        assert!(run.stderr.contains("no patch is needed"), "{}", run.stderr);
    }

    assert_eq!(stage.envoy(), BTreeMap::new(), "and a real Envoy says no hello");
    let visits = stage.door(authority).visits();
    assert!(visits[0].proxy_header.starts_with(b"\r\n\r\n\0\r\nQUIT\n\x21"), "{visits:?}");
    assert_eq!(visits[0].other, b"GET /");
}

#[test]
fn sample_04_kube_discovered() {
    let authority = "orders.shop.svc:8443";
    let stage =
        Stage::new("04-kube-discovered.yaml").put(authority, old()).secret("shop/orders-tls");
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("ssl-config")));
    assert_eq!(upstream["parameters_from"], "settings");
    assert!(codes(&upstream).contains(&"no-sni"), "{:?}", codes(&upstream));
    let hello = stage.first(authority);
    assert_eq!(hello.server_name, None);
    assert_eq!(suites(&hello), DEFAULT_CODES);

    let patch = stage.patch(&["--fix", "patch"]);
    assert_eq!(patch.kind, Kind::Service);
    assert_eq!((patch.name.as_str(), patch.namespace.as_str()), ("orders", "shop"));
    let annotations = &patch.patch["metadata"]["annotations"];
    let config = annotations["gloo.solo.io/upstream_config"].as_str().expect("an annotation");
    let config: Value = serde_json::from_str(config).expect("JSON");
    let names = config["sslConfig"]["parameters"]["cipherSuites"].as_array().expect("a list");
    assert!(names.contains(&json!("ECDHE-RSA-AES256-SHA")), "{config}");
    let keeps_secret = config["sslConfig"]["secretRef"]
        == json!({ "name": "orders-tls", "namespace": "shop" })
        || annotations["gloo.solo.io/upstream_config.deep_merge"] == "true";
    assert!(keeps_secret, "what the annotation yields replaces the sslConfig: {annotations}");
    stage.assert_hellos_are_envoys();
}

#[test]
fn sample_05_sds_parameters_ignored() {
    let authority = "inventory.mesh.svc:9443";
    let mut stage = Stage::new("05-sds-parameters-ignored.yaml")
        .put(
            authority,
            lab(ServerConfig {
                cipher_list: "AES256-SHA".into(),
                max_version: Some(SslVersion::TLS1_2),
                ..ServerConfig::default()
            }),
        )
        .secret("sds/istio_server_cert");
    let validation = Secret { pair: None, authority: Some(keys::authority().to_owned()) };
    stage.world.secrets.insert("sds/istio_validation_context".to_owned(), validation);
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("ssl-config")));
    assert_eq!(upstream["parameters_from"], "envoy");
    assert!(codes(&upstream).contains(&"parameters-ignored-by-sds"), "{:?}", codes(&upstream));
    let hello = stage.first(authority);
    assert_eq!(hello.server_name, None);
    assert_eq!(suites(&hello), ENVOY_CODES, "neither its own AES256-SHA nor the Settings default");
    assert_eq!(hello.alpn, ["istio"], "alpnProtocols do count");
    for form in ["patch", "settings", "upstream"] {
        let run = stage.run(&["--fix", form]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{form}");
        assert!(run.stderr.contains("no patch: "), "{}", run.stderr);
        assert!(run.stderr.contains("sds"), "{}", run.stderr);
    }
    stage.assert_hellos_are_envoys();
}

#[test]
fn sample_06_parameters_already_set() {
    let hosts = ["bridge-1.corp.example:9443", "bridge-2.corp.example:9443"];
    let rsa = || {
        lab(ServerConfig {
            cipher_list: "AES128-SHA".into(),
            max_version: Some(SslVersion::TLS1_2),
            ..ServerConfig::default()
        })
    };
    let stage = Stage::new("06-parameters-already-set.yaml")
        .put(hosts[0], modern())
        .put(hosts[1], rsa())
        .secret("integrations/bridge-ca");
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("ssl-config")));
    assert_eq!(upstream["parameters_from"], "upstream");
    assert!(codes(&upstream).contains(&"settings-replaced"), "{:?}", codes(&upstream));
    for authority in hosts {
        let hello = stage.first(authority);
        assert_eq!(hello.server_name.as_deref(), Some("bridge.corp.example"));
        assert_eq!(suites(&hello), [0xc030, 0xc014, 0x0035]);
        assert_eq!(hello.versions, [0x0303], "3 is TLSv1_2, and the older ones are not said");
        assert_eq!(hello.groups, [23, 24]);
    }
    let envoy = &upstream["endpoints"][0]["envoy"];
    assert_eq!(envoy["minimum_protocol_version"], "TLSv1.0");
    assert_eq!(envoy["maximum_protocol_version"], "TLSv1.2");
    let patch = stage.patch(&["--fix", "patch"]);
    assert_eq!((patch.kind, patch.name.as_str()), (Kind::Upstream, "mainframe-bridge"));
    let whole = ["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA", "AES256-SHA", "AES128-SHA"];
    assert_eq!(parameters(&patch), whole);
    stage.assert_hellos_are_envoys();
}

#[test]
fn sample_07_http_proxy_tunnel() {
    const CREDENTIALS: &str = "Basic cGxhY2Vob2xkZXI6cGxhY2Vob2xkZXI=";
    let proxy_at = "egress-proxy.corp.example:3128";
    let server = old();
    let inner = Door::open((own_address(), 0).into(), server.address());
    let ways = [("partner.example.org:443", inner.address())];
    let proxy = ConnectProxy::tls((own_address(), 0).into(), CREDENTIALS, &ways);
    let requests = proxy.requests_so_far();
    let stage = Stage::new("07-http-proxy-tunnel.yaml")
        .put(proxy_at, proxy)
        .secret("gloo-system/partner-ca");
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("ssl-config")));
    assert_eq!(names(&upstream), [Some("egress-proxy.corp.example"), Some("partner.example.org")]);
    let [hop, end] = &upstream["endpoints"].as_array().expect("endpoints")[..] else {
        panic!("{upstream}")
    };
    assert_eq!((&hop["authority"], &hop["is_proxy"]), (&json!(proxy_at), &json!(true)));
    assert_eq!(
        (&end["authority"], &end["through"]),
        (&json!("partner.example.org:443"), &json!(proxy_at))
    );

    let outer = stage.first(proxy_at);
    assert_eq!(outer.server_name.as_deref(), Some("egress-proxy.corp.example"));
    let inner_hello = inner.hellos()[0].clone();
    assert_eq!(inner_hello.server_name.as_deref(), Some("partner.example.org"));
    assert_eq!(suites(&inner_hello), DEFAULT_CODES, "the Settings default is for the server");
    let asked = requests();
    assert!(!asked.is_empty());
    for request in &asked {
        assert_eq!(request.authority, "partner.example.org:443");
        assert!(request.is_tls && request.head.contains(CREDENTIALS), "{request:?}");
        assert_eq!(request.server_name.as_deref(), Some("egress-proxy.corp.example"));
    }
    let patch = stage.patch(&["--fix", "patch"]);
    assert_eq!((patch.kind, patch.name.as_str()), (Kind::Upstream, "partner-via-proxy"));
    assert_eq!(parameters(&patch), [&DEFAULT_SUITES[..], &["ECDHE-RSA-AES256-SHA"]].concat());
    assert_eq!(patch.patch["spec"].get("httpConnectSslConfig"), None, "the proxy is well");

    inner.forget();
    let envoys = stage.envoy();
    assert_eq!(inner.hellos()[0], inner_hello);
    // One connection opens the tunnel; the outer hello that is tested comes without one.
    inner.forget();
    stage.run(&["--format", "json", "--no-handshakes"]);
    let outers = stage.door(proxy_at).hellos();
    assert!(outers.contains(&envoys[proxy_at]), "{:?}", envoys[proxy_at]);
}

#[test]
fn sample_08_consul() {
    let instance = "billing:0";
    let mut stage = Stage::new("08-consul.yaml");
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(2), "its address is in the catalog: {}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("ssl-config")));
    assert_eq!(upstream["parameters_from"], "settings");
    assert_eq!(names(&upstream), [Some("billing.service.consul")]);
    assert!(codes(&upstream).contains(&"nothing-verified"), "{:?}", codes(&upstream));
    let advice = upstream["endpoints"][0]["not_tested"].as_str().expect("a reason");
    assert!(advice.contains("cipher-test ADDRESS:PORT --sni billing.service.consul"), "{advice}");

    // What is advised is what Envoy does.
    let server = old();
    let door = Door::open((own_address(), 0).into(), server.address());
    stage.world.addresses.insert(instance.to_owned(), door.address());
    stage.world.settings = Value::Null;
    stage.doors.insert(instance.to_owned(), door);
    let envoys = stage.envoy();
    let address = stage.door(instance).address().to_string();
    stage.door(instance).forget();
    let args = [&address, "--sni", "billing.service.consul", "--envoy", "1.36", "--fix", "patch"];
    let run = cipher_test(args);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(stage.first(instance), envoys[instance]);
}

#[test]
fn sample_09_aws_lambda() {
    let authority = "lambda.eu-west-1.amazonaws.com:443";
    let stage = Stage::new("09-aws-lambda.yaml").put(authority, old());
    let (run, upstream) = stage.report();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!((&upstream["tls"], &upstream["tls_because"]), (&json!(true), &json!("kind")));
    assert_eq!(upstream["parameters_from"], "settings");
    assert!(codes(&upstream).contains(&"ssl-config-discarded"), "{:?}", codes(&upstream));
    let hello = stage.first(authority);
    assert_eq!(hello.server_name.as_deref(), Some("lambda.eu-west-1.amazonaws.com"));
    assert_eq!(suites(&hello), DEFAULT_CODES, "its own list is discarded");
    for form in ["patch", "settings"] {
        let patch = stage.patch(&["--fix", form]);
        assert_eq!((patch.kind, patch.name.as_str()), (Kind::Settings, "default"));
        assert_eq!(parameters(&patch), [&DEFAULT_SUITES[..], &["ECDHE-RSA-AES256-SHA"]].concat());
    }
    stage.assert_hellos_are_envoys();
}

#[test]
fn sample_10_kubectl_list() {
    let authority = "search.example.com:9200";
    let server = embedded::scenario(Scenario::PlainHttp);
    let stage = Stage::new("10-kubectl-list.yaml").put(authority, server);
    let run = stage.run(&["--format", "json", "--no-handshakes"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let [search, web] = &report["upstreams"].as_array().expect("a list")[..] else {
        panic!("{report}")
    };
    assert_eq!((&search["tls"], &search["tls_because"]), (&json!(false), &json!("secret-missing")));
    assert!(codes(search).contains(&"secret-missing"), "{:?}", codes(search));
    assert_eq!(search["endpoints"][0].get("envoy"), None, "plain text now");
    assert_eq!((&web["tls"], &web["tls_because"]), (&json!(false), &json!("no-ssl-config")));
    assert_eq!(codes(web), Vec::<&str>::new(), "an integer state 1 is Accepted");
    assert_eq!(stage.door(authority).visits(), []);
    let run = stage.run(&["--fix", "patch"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "the Secret comes first");
    let text = stage.run(&[]).stdout;
    assert!(text.contains("Secret default/search-client"), "{text}");

    // And a real Envoy says no hello there, as long as the Secret is missing.
    let documents = stage.upstream();
    let world = &stage.world;
    let hops = translate(&documents["items"][0], world).expect("a cluster");
    stage.door(authority).forget();
    let wirings: Vec<_> = hops.into_iter().map(|hop| hop.wiring).collect();
    connect_wired(Release::V1_36, &wirings);
    assert_eq!(stage.door(authority).visits()[0].other, b"GET /");
}
