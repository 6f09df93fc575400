//! What Gloo Gateway 1.21 makes of an Upstream, written a second time: from its rules straight to
//! clusters for a real Envoy.
//!
//! It shares no line with `src/gloo`, and tells nothing but clusters, so that the two can disagree.
//! Each endpoint of an Upstream gets a wiring of its own, with everything that the whole cluster
//! has: one request then tells about one endpoint.

mod discovery;
mod tls;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};

use self::tls::Fault;
use super::envoy::{TYPE, Wiring, protocol_options};

pub(crate) use self::discovery::discovered;

/// What there is beside an Upstream.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    /// The Settings document; null if there is none.
    pub(crate) settings: Value,
    /// By `NAMESPACE/NAME`; what SDS delivers by `sds/NAME`.
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// Where `HOST:PORT` really is.
    pub(crate) addresses: BTreeMap<String, SocketAddr>,
}

/// A TLS Secret, as PEM files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secret {
    /// Certificate and key.
    pub(crate) pair: Option<(PathBuf, PathBuf)>,
    pub(crate) authority: Option<PathBuf>,
}

/// One endpoint of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    /// `HOST:PORT`; of a tunnel, the proxy's.
    pub(crate) authority: String,
    pub(crate) wiring: Wiring,
}

/// Translates one Upstream.
///
/// # Errors
///
/// What Gloo says where it refuses the Upstream and leaves the cluster out.
pub(crate) fn translate(document: &Value, world: &World) -> Result<Vec<Hop>, String> {
    Draft::new(&document["spec"], world)?.hops()
}

/// A cluster in the making, in the order in which the control plane goes about it.
struct Draft<'a> {
    spec: &'a Value,
    world: &'a World,
    kind: &'static str,
    socket: Option<Value>,
    matches: Vec<Value>,
    secrets: Vec<Value>,
    /// What names this draft's own resources in the Envoy that holds many.
    label: String,
}

/// An endpoint, before it has a cluster.
struct Endpoint {
    host: String,
    port: u64,
    metadata: Option<Value>,
}

impl<'a> Draft<'a> {
    fn new(spec: &'a Value, world: &'a World) -> Result<Self, String> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let label = format!("gloo-{}-{number}", std::process::id());
        // Of several kinds the last one in the order of declaration counts.
        let kinds = ["kube", "static", "pipe", "aws", "azure", "consul", "awsEc2"];
        let kind = kinds.into_iter().rfind(|kind| spec[*kind].is_object());
        let kind = kind.ok_or("cluster type STATIC specified but LoadAssignment was empty")?;
        let mut draft = Self {
            spec,
            world,
            kind,
            socket: None,
            matches: Vec::new(),
            secrets: Vec::new(),
            label,
        };
        draft.initialize()?;
        draft.run_plugins()?;
        Ok(draft)
    }

    fn default_parameters(&self) -> &Value {
        &self.world.settings["spec"]["upstreamOptions"]["sslParameters"]
    }

    /// `sslConfig`, with the Settings default where it has no parameters; then the PROXY protocol.
    fn initialize(&mut self) -> Result<(), String> {
        if self.spec["sslConfig"].is_object() {
            let mut config = self.spec["sslConfig"].clone();
            if config.get("parameters").is_none_or(Value::is_null) {
                config["parameters"] = self.default_parameters().clone();
            }
            self.socket = self.resolve(&config)?;
        }
        let Some(version) = self.spec["proxyProtocolVersion"].as_str() else { return Ok(()) };
        let inner = self.socket.take().unwrap_or_else(raw);
        self.socket = Some(with_proxy_header(inner, version));
        Ok(())
    }

    /// A missing Secret is only warned about: Helm's default of `warnMissingTlsSecret`.
    fn resolve(&mut self, config: &Value) -> Result<Option<Value>, String> {
        match tls::context(config, self.world, &self.label) {
            Ok((context, secrets)) => {
                self.secrets.extend(secrets);
                Ok(Some(tls::socket(&context)))
            }
            Err(Fault::SecretMissing) => Ok(None),
            Err(Fault::Refused(text)) => Err(text),
        }
    }

    fn run_plugins(&mut self) -> Result<(), String> {
        match self.kind {
            "aws" | "azure" => {
                let context = tls::plain_context(&self.cloud_host(), self.default_parameters())?;
                self.socket = Some(tls::socket(&context));
            }
            "static" => self.run_static_plugin()?,
            _ => {}
        }
        self.run_auto_mtls();
        Ok(())
    }

    fn cloud_host(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match self.kind {
            "aws" => format!("lambda.{}.amazonaws.com", text(&self.spec["aws"]["region"])),
            _ => format!("{}.azurewebsites.net", text(&self.spec["azure"]["functionAppName"])),
        }
    }

    fn hosts(&self) -> Vec<Value> {
        self.spec["static"]["hosts"].as_array().cloned().unwrap_or_default()
    }

    fn run_static_plugin(&mut self) -> Result<(), String> {
        let hosts = self.hosts();
        let is_address = |name: &str| name.parse::<std::net::IpAddr>().is_ok();
        let mut first_name = "";
        for host in &hosts {
            let addr = host["addr"].as_str().unwrap_or_default();
            if addr.is_empty() {
                return Err("addr cannot be empty for host".to_owned());
            }
            if host["port"].as_u64().unwrap_or_default() == 0 {
                return Err("port cannot be empty for host".to_owned());
            }
            if first_name.is_empty() && !is_address(addr) {
                first_name = addr;
            }
        }
        let wants_tls = match self.spec["static"]["useTls"].as_bool() {
            Some(wants) => wants,
            None => hosts.iter().any(|host| host["port"] == 443),
        };
        if wants_tls && self.socket.is_none() {
            let context = tls::plain_context(first_name, self.default_parameters())?;
            self.socket = Some(tls::socket(&context));
        }
        if let Some(base) = self.socket.clone() {
            let matches = hosts.iter().filter_map(|host| self.match_for(host, &base)).collect();
            self.matches = matches;
        }
        Ok(())
    }

    /// The name that a host of a static Upstream is sent, unless it is the base's own.
    fn own_name(&self, host: &Value) -> Option<String> {
        let given = host["sniAddr"].as_str().filter(|name| !name.is_empty());
        let rewrites = self.spec["static"]["autoSniRewrite"].as_bool().unwrap_or(true);
        given.or_else(|| host["addr"].as_str().filter(|_| rewrites)).map(str::to_owned)
    }

    fn match_name(&self, host: &Value) -> Option<String> {
        let name = self.own_name(host)?;
        Some(format!("{name};{}:{}", host["addr"].as_str()?, host["port"]))
    }

    fn match_for(&self, host: &Value, base: &Value) -> Option<Value> {
        let mut socket = base.clone();
        let config = &mut socket["typed_config"];
        let context = match config.get("transport_socket") {
            Some(_) => &mut config["transport_socket"]["typed_config"],
            None => config,
        };
        // A PROXY header before plain text has no name to set.
        if !context["@type"].as_str()?.ends_with("UpstreamTlsContext") {
            return None;
        }
        context["sni"] = self.own_name(host)?.into();
        let name = self.match_name(host)?;
        Some(json!({ "name": name, "match": { name.as_str(): true }, "transport_socket": socket }))
    }

    /// Whatever is not in the mesh, as all is here, gets plain text.
    fn run_auto_mtls(&mut self) {
        let istio = &self.world.settings["spec"]["gloo"]["istioOptions"];
        let is_on = istio["enableAutoMtls"] == true
            && self.spec["disableIstioAutoMtls"] != true
            && !self.spec["sslConfig"].is_object();
        if is_on {
            self.matches.clear();
        }
        if is_on && istio["enableIntegration"] == true {
            self.matches.push(json!({ "name": "default", "match": {}, "transport_socket": raw() }));
        }
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        let kube = &self.spec["kube"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one = |host: String, port: u64| vec![Endpoint { host, port, metadata: None }];
        match self.kind {
            "static" => self.hosts().iter().map(|host| self.static_endpoint(host)).collect(),
            "kube" => one(
                format!("{}.{}.svc", text(&kube["serviceName"]), text(&kube["serviceNamespace"])),
                kube["servicePort"].as_u64().unwrap_or_default(),
            ),
            "aws" | "azure" => one(self.cloud_host(), 443),
            "consul" => one(text(&self.spec["consul"]["serviceName"]), 0),
            kind => panic!("{kind} has no endpoints that could be on loopback"),
        }
    }

    fn static_endpoint(&self, host: &Value) -> Endpoint {
        let metadata = self.match_name(host).map(|name| {
            json!({ "filter_metadata": { "envoy.transport_socket_match": { name.as_str(): true } } })
        });
        Endpoint {
            host: host["addr"].as_str().unwrap_or_default().to_owned(),
            port: host["port"].as_u64().unwrap_or_default(),
            metadata,
        }
    }

    fn hops(mut self) -> Result<Vec<Hop>, String> {
        let tunnel = self.spec["httpProxyHostname"].as_str().filter(|name| !name.is_empty());
        let outer = match tunnel {
            Some(_) if self.spec["httpConnectSslConfig"].is_object() => {
                let config = self.spec["httpConnectSslConfig"].clone();
                self.resolve(&config)?
            }
            _ => None,
        };
        let endpoints = self.endpoints();
        let hop = |(index, endpoint): (usize, &Endpoint)| Hop {
            authority: endpoint.authority(),
            wiring: match tunnel {
                Some(server) => self.tunnelled(index, endpoint, outer.as_ref(), server),
                None => self.direct(endpoint),
            },
        };
        Ok(endpoints.iter().enumerate().map(hop).collect())
    }

    fn direct(&self, endpoint: &Endpoint) -> Wiring {
        let mut cluster = self.cluster_to(endpoint);
        if let Some(socket) = &self.socket {
            cluster["transport_socket"] = socket.clone();
        }
        if !self.matches.is_empty() {
            cluster["transport_socket_matches"] = self.matches.clone().into();
        }
        self.set_protocol(&mut cluster);
        Wiring { cluster, secrets: self.secrets.clone(), ..Wiring::default() }
    }

    /// A pipe to a listener of Envoy's own, which opens the tunnel.
    fn tunnelled(
        &self,
        index: usize,
        endpoint: &Endpoint,
        outer: Option<&Value>,
        server: &str,
    ) -> Wiring {
        let name = format!("{}-{index}", self.label);
        let pipe = json!({ "pipe": { "path": format!("@/{name}") } });
        let mut original = self.cluster_to(endpoint);
        original["name"] = format!("{name}_original").into();
        original["load_assignment"]["cluster_name"] = original["name"].clone();
        if let Some(outer) = outer {
            original["transport_socket"] = outer.clone();
        }
        // The cluster with the pipe is a new one, without the options of the other.
        self.set_protocol(&mut original);
        let proxy = json!({
            "@type": format!("{TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": name,
            "cluster": original["name"],
            "tunneling_config": { "hostname": server, "headers_to_add": self.connect_headers() },
        });
        let listener = json!({
            "name": name,
            "address": pipe,
            "filter_chains": [{ "filters": [{ "name": "tcp", "typed_config": proxy }] }],
        });
        let mut cluster = cluster(json!({ "endpoint": { "address": pipe } }));
        if let Some(inner) = &self.socket {
            cluster["transport_socket"] = inner.clone();
        }
        Wiring {
            cluster,
            more_clusters: vec![original],
            more_listeners: vec![listener],
            secrets: self.secrets.clone(),
            ..Wiring::default()
        }
    }

    fn connect_headers(&self) -> Vec<Value> {
        let headers = self.spec["httpConnectHeaders"].as_array().into_iter().flatten();
        let header = |given: &Value| {
            json!({
                "header": { "key": given["key"], "value": given["value"] },
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            })
        };
        headers.map(header).collect()
    }

    fn cluster_to(&self, endpoint: &Endpoint) -> Value {
        let address = self.world.address(endpoint);
        let mut entry = json!({ "endpoint": {
            "hostname": endpoint.host,
            "address": { "socket_address": {
                "address": address.ip().to_string(), "port_value": address.port() } },
        } });
        if let Some(metadata) = &endpoint.metadata {
            entry["metadata"] = metadata.clone();
        }
        cluster(entry)
    }

    fn set_protocol(&self, cluster: &mut Value) {
        if self.spec["useHttp2"] != true {
            return;
        }
        let follows =
            ["USE_DOWNSTREAM_PROTOCOL".into(), 1.into()].contains(&self.spec["protocolSelection"]);
        let options = match follows {
            true => json!({ "use_downstream_protocol_config":
                { "http_protocol_options": {}, "http2_protocol_options": {} } }),
            false => json!({ "explicit_http_config": { "http2_protocol_options": {} } }),
        };
        cluster["typed_extension_protocol_options"] = protocol_options(options);
    }
}

impl Endpoint {
    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl World {
    fn address(&self, endpoint: &Endpoint) -> SocketAddr {
        let authority = endpoint.authority();
        let literal = || authority.parse().ok();
        let found = self.addresses.get(&authority).copied().or_else(literal);
        let address = found.unwrap_or_else(|| panic!("the test says not where {authority} is"));
        assert!(address.ip().is_loopback(), "{address} is not on loopback");
        address
    }
}

fn cluster(endpoint: Value) -> Value {
    json!({
        "type": "STATIC",
        "connect_timeout": "4s",
        "load_assignment": { "endpoints": [{ "lb_endpoints": [endpoint] }] },
    })
}

fn raw() -> Value {
    json!({
        "name": "envoy.transport_sockets.raw_buffer",
        "typed_config": {
            "@type": format!("{TYPE}.extensions.transport_sockets.raw_buffer.v3.RawBuffer") },
    })
}

fn with_proxy_header(inner: Value, version: &str) -> Value {
    json!({
        "name": "envoy.transport_sockets.upstream_proxy_protocol",
        "typed_config": {
            "@type": format!(
                "{TYPE}.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"
            ),
            "config": { "version": version },
            "transport_socket": inner,
        },
    })
}

/// The fields of an object; none if it is something else.
fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}
