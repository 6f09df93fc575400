//! Upstreams made up at random: for each endpoint, what the command sends first must be what a
//! real Envoy sends, down to the last field that configuration decides.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{Documents, settings, upstream, words};
use crate::support::embedded;
use crate::support::envoy::{Release, connect_wired};
use crate::support::gloo::{Secret, World, translate};
use crate::support::in_parallel;
use crate::support::keys::{self, Leaf};
use crate::support::servers::{Door, Visit, own_address};

const COUNT: usize = 72;

/// One Upstream, the doors to its endpoints and the world around it.
struct Made {
    upstream: Value,
    world: World,
    doors: Vec<(String, Door)>,
}

/// What came first to a door: a PROXY header's first bytes, a hello, or something else.
fn first(door: &Door) -> Option<Visit> {
    let mut visit = door.visits().into_iter().next()?;
    // Addresses follow, and the two clients have different ones.
    visit.proxy_header.truncate(6);
    Some(visit)
}

#[test]
fn first_hellos_are_those_of_envoy() {
    let server = embedded::varied();
    let mut random = StdRng::seed_from_u64(20_260_511);
    let made: Vec<_> =
        (0..COUNT).map(|number| make(&mut random, number, server.address())).collect();

    let hops: Vec<_> = made.iter().map(|made| translate(&made.upstream, &made.world)).collect();
    let wirings = hops.iter().flatten().flatten().map(|hop| hop.wiring.clone());
    let outcomes = connect_wired(Release::V1_36, &wirings.collect::<Vec<_>>());
    let rejected = outcomes.iter().filter_map(|outcome| outcome.rejected.clone());
    assert_eq!(rejected.collect::<Vec<_>>(), Vec::<String>::new());

    let envoys: Vec<Vec<_>> =
        made.iter().map(|made| made.doors.iter().map(|(_, door)| first(door)).collect()).collect();
    let differences: Vec<_> = in_parallel(&made, 3, Made::run)
        .into_iter()
        .zip(&made)
        .zip(&envoys)
        .filter_map(|((ours, made), envoys)| {
            let plain = |visit: &Visit| visit.hello.is_none();
            // The command does not visit where plain text is spoken.
            let envoys: Vec<_> =
                envoys.iter().map(|visit| visit.clone().filter(|visit| !plain(visit))).collect();
            (ours != envoys).then(|| {
                format!("{}\n{}\n{ours:#?}\n{envoys:#?}", made.upstream, made.world.settings)
            })
        })
        .collect();
    let count = differences.len();
    assert!(count == 0, "{count} of {COUNT}; ours and Envoy's:\n{}", differences.join("\n\n"));
    let hellos = envoys.iter().flatten().flatten().filter(|visit| visit.hello.is_some()).count();
    assert!(hellos >= COUNT / 2 && hops.iter().any(Result::is_err), "{hellos} hellos");
}

impl Made {
    /// Runs the command and says what came first to each door.
    fn run(&self) -> Vec<Option<Visit>> {
        self.doors.iter().for_each(|(_, door)| door.forget());
        let mut documents = vec![self.upstream.clone()];
        documents.extend(Some(self.world.settings.clone()).filter(|settings| !settings.is_null()));
        let mut args = words(&["--gloo", "1.21", "--no-handshakes"]);
        for (authority, address) in &self.world.addresses {
            args.extend(["--resolve".to_owned(), format!("{authority}:{}", address.ip())]);
        }
        let run = Documents::new(&documents).run(&args);
        assert!(run.code.is_some_and(|code| code < 3), "{}", run.stderr);
        self.doors.iter().map(|(_, door)| first(door)).collect()
    }
}

fn make(random: &mut StdRng, number: usize, server: std::net::SocketAddr) -> Made {
    let mut world = World::default();
    let client = keys::leaf(Leaf::Client);
    let pair = Some((client.certificate.clone(), client.key.clone()));
    for name in ["vault/client", "sds/client"] {
        let secret = Secret { pair: pair.clone(), authority: None };
        world.secrets.insert(name.to_owned(), secret);
    }
    if random.random_bool(0.5) {
        world.settings = settings(parameters(random));
    }
    if random.random_bool(0.1) {
        let istio = json!({ "enableAutoMtls": true, "enableIntegration": true });
        if world.settings.is_null() {
            world.settings = settings(Value::Null);
        }
        world.settings["spec"]["gloo"] = json!({ "istioOptions": istio });
    }

    let mut doors = Vec::new();
    let mut spec = match random.random_range(0..10) {
        0..7 => fixed(random, &mut doors, server),
        7 | 8 => kube(&mut doors, server),
        _ => {
            let region = format!("region-{number}");
            let door = Door::tolerant((own_address(), 443).into(), server);
            doors.push((format!("lambda.{region}.amazonaws.com:443"), door));
            let secret = json!({ "name": "aws", "namespace": "gloo-system" });
            json!({ "aws": { "region": region, "secretRef": secret } })
        }
    };
    for (authority, door) in &doors {
        let is_literal = authority.parse() == Ok(door.address());
        if !is_literal {
            world.addresses.insert(authority.clone(), door.address());
        }
    }
    if random.random_bool(0.65) {
        spec["sslConfig"] = ssl_config(random);
    }
    for (field, chance, value) in [
        ("useHttp2", 0.2, json!(true)),
        ("protocolSelection", 0.1, json!("USE_DOWNSTREAM_PROTOCOL")),
        ("disableIstioAutoMtls", 0.3, json!(true)),
        ("proxyProtocolVersion", 0.1, json!("V1")),
        ("proxyProtocolVersion", 0.1, json!("V2")),
    ] {
        if random.random_bool(chance) {
            spec[field] = value;
        }
    }
    Made { upstream: upstream(&format!("made-{number}"), spec), world, doors }
}

fn fixed(
    random: &mut StdRng,
    doors: &mut Vec<(String, Door)>,
    server: std::net::SocketAddr,
) -> Value {
    let mut hosts = Vec::new();
    for place in 0..random.random_range(1..=3) {
        let at = match random.random_bool(0.3) {
            true => (own_address(), 443).into(),
            false => ([127, 0, 0, 1], 0).into(),
        };
        let door = Door::tolerant(at, server);
        let address = door.address();
        let addr = match random.random_bool(0.3) {
            true => address.ip().to_string(),
            false => format!("host-{place}.example.com"),
        };
        let mut host = json!({ "addr": addr, "port": address.port() });
        if random.random_bool(0.25) {
            host["sniAddr"] = format!("name-{place}.example.org").into();
        }
        hosts.push(host);
        doors.push((format!("{addr}:{}", address.port()), door));
    }
    let mut spec = json!({ "static": { "hosts": hosts } });
    for field in ["useTls", "autoSniRewrite"] {
        if let Some(value) = [None, Some(true), Some(false)].choose(random).copied().flatten() {
            spec["static"][field] = value.into();
        }
    }
    spec
}

fn kube(doors: &mut Vec<(String, Door)>, server: std::net::SocketAddr) -> Value {
    let door = Door::tolerant(([127, 0, 0, 1], 0).into(), server);
    let port = door.address().port();
    doors.push((format!("made.shop.svc:{port}"), door));
    json!({ "kube": { "serviceName": "made", "serviceNamespace": "shop", "servicePort": port } })
}

fn ssl_config(random: &mut StdRng) -> Value {
    let mut config = json!({});
    for (field, chance, value) in [
        ("sni", 0.5, json!("sni.example.net")),
        ("alpnProtocols", 0.2, json!(["http/1.1", "istio"])),
        ("oneWayTls", 0.1, json!(true)),
        ("secretRef", 0.2, json!({ "name": "client", "namespace": "vault" })),
        ("secretRef", 0.07, json!({ "name": "client" })),
        ("sds", 0.15, json!({ "certificatesSecretName": "client", "targetUri": "127.0.0.1:1" })),
        ("sslFiles", 0.05, json!({ "tlsCert": "/c", "tlsKey": "/k" })),
    ] {
        if random.random_bool(chance) {
            config[field] = value;
        }
    }
    // Nothing here has a CA, so this is one that Gloo refuses. Of Secrets the command knows nothing.
    if config.get("secretRef").is_none() && random.random_bool(0.05) {
        config["verifySubjectAltName"] = json!(["name.example.net"]);
    }
    if random.random_bool(0.5) {
        config["parameters"] = parameters(random);
    }
    config
}

/// Parameters that Envoy loads; empty ones among them.
fn parameters(random: &mut StdRng) -> Value {
    let versions = [
        json!({}),
        json!({ "minimumProtocolVersion": "TLSv1_2" }),
        json!({ "minimumProtocolVersion": "TLSv1_0" }),
        json!({ "minimumProtocolVersion": 1, "maximumProtocolVersion": "TLSv1_1" }),
        json!({ "maximumProtocolVersion": "TLSv1_3" }),
        json!({ "minimumProtocolVersion": 3, "maximumProtocolVersion": 4 }),
        json!({ "minimumProtocolVersion": "TLSv1_3", "maximumProtocolVersion": "TLSv1_3" }),
        json!({ "minimumProtocolVersion": "TLS_AUTO", "maximumProtocolVersion": 0 }),
    ];
    let suites = [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "[ECDHE-RSA-AES128-GCM-SHA256|ECDHE-RSA-CHACHA20-POLY1305]",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-SHA",
    ];
    let curves = ["X25519", "P-256", "P-384", "P-521"];
    let mut some = |from: &[&str]| {
        let count = random.random_range(1..=from.len());
        let picked: Vec<_> = from.choose_multiple(random, count).copied().collect();
        json!(picked)
    };
    let (suites, curves) = (some(&suites), some(&curves));
    let mut parameters = versions.choose(random).expect("versions").clone();
    if random.random_bool(0.5) {
        parameters["cipherSuites"] = suites;
    }
    if parameters["maximumProtocolVersion"] == "TLSv1_1" {
        // All others need TLS 1.2, and Envoy sends nothing where nothing is left.
        parameters["cipherSuites"] = json!(["ECDHE-RSA-AES256-SHA", "AES256-SHA"]);
    }
    if random.random_bool(0.3) {
        parameters["ecdhCurves"] = curves;
    }
    parameters
}
