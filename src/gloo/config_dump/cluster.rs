//! One cluster of a dump.

use std::fmt;

use serde_json::{Map, Value};

use super::super::field::{FieldFault, Object};
use super::socket::Socket;
use crate::envoy::Protocol;

/// A cluster as Envoy has it.
///
/// Envoy `api/envoy/config/cluster/v3/cluster.proto`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DumpedCluster {
    /// Its name.
    pub name: String,
    /// Which of Envoy's clusters it is.
    pub origin: Origin,
    /// What it speaks.
    pub protocol: UpstreamProtocol,
    /// `auto_sni`: the server name follows the Host header of each request.
    pub auto_sni: bool,
    /// Whether hosts are looked up by their names, so that these are known.
    pub is_dns: bool,
    /// Under which name its endpoints come by EDS, if they do.
    pub eds_service: Option<String>,
    /// `transport_socket`.
    pub socket: Socket,
    /// `transport_socket_matches`, in their order.
    pub matches: Vec<SocketMatch>,
    /// Whether a `transport_socket_matcher` chooses the socket, which is not followed here.
    pub has_matcher: bool,
    /// Its endpoints, if the dump has them.
    pub endpoints: Option<Vec<DumpedEndpoint>>,
}

/// Which of Envoy's clusters one is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Origin {
    /// From the bootstrap.
    Static,
    /// From CDS, and in use.
    Active,
    /// From CDS, and not in use before its endpoints and secrets have come.
    Warming,
    /// From CDS; the dump does not say whether it is in use.
    Dynamic,
    /// From a plain list of clusters.
    Listed,
}

/// What a cluster speaks upstream: `HttpProtocolOptions`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum UpstreamProtocol {
    /// HTTP/1, also when nothing is said.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
    /// HTTP/3.
    Http3,
    /// HTTP/1 or HTTP/2 as negotiated (`auto_config`).
    Auto,
    /// What the client speaks (`use_downstream_protocol_config`).
    Downstream,
}

/// One of `transport_socket_matches`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SocketMatch {
    /// Its name.
    pub name: String,
    /// The labels that an endpoint must have; all have them where there are none.
    pub labels: Map<String, Value>,
    /// The socket for those endpoints.
    pub socket: Socket,
}

/// One endpoint.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DumpedEndpoint {
    /// Where it is.
    pub address: Address,
    /// `hostname`.
    pub hostname: Option<String>,
    /// Its labels for the choice of a transport socket, of its own or of its locality.
    pub labels: Labels,
}

/// Labels of an endpoint, and of the locality that it is in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    pub(super) own: Option<Map<String, Value>>,
    pub(super) locality: Option<Map<String, Value>>,
}

/// Where an endpoint is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Address {
    /// Name or address, and port.
    Socket {
        /// Name or address.
        host: String,
        /// Port; 0 where it is a named one.
        port: u16,
    },
    /// A Unix socket.
    Pipe(String),
    /// A listener within the same Envoy.
    Internal(String),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Socket { host, port } => write!(f, "{host}:{port}"),
            Self::Pipe(path) => f.write_str(path),
            Self::Internal(listener) => write!(f, "listener {listener}"),
        }
    }
}

impl Origin {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Active => "active",
            Self::Warming => "warming",
            Self::Dynamic => "dynamic",
            Self::Listed => "listed",
        }
    }
}

impl UpstreamProtocol {
    /// The one of those that decide ALPN. What a client of today speaks first is HTTP/1, as far as
    /// a dump can tell.
    #[must_use]
    pub fn judged_as(self) -> Protocol {
        match self {
            Self::Http1 | Self::Http3 | Self::Downstream => Protocol::Http1,
            Self::Http2 => Protocol::Http2,
            Self::Auto => Protocol::Auto,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Http2 => "http2",
            Self::Http3 => "http3",
            Self::Auto => "auto",
            Self::Downstream => "downstream",
        }
    }
}

impl DumpedCluster {
    /// Reads a cluster.
    ///
    /// # Errors
    ///
    /// [`FieldFault`] for the first field that has another type than in Envoy's API.
    pub(super) fn read(object: &Object<'_>, origin: Origin) -> Result<Self, FieldFault> {
        let name = object.text("name")?;
        let discovery = discovery(object)?;
        let is_eds = discovery == "EDS";
        let service = match object.object("eds_cluster_config")? {
            Some(eds) => eds.string("service_name")?.filter(|service| !service.is_empty()),
            None => None,
        };
        let (protocol, auto_sni) = protocol(object)?;
        let assignment = object.object("load_assignment")?;
        Ok(Self {
            origin,
            protocol,
            auto_sni,
            is_dns: discovery.ends_with("DNS"),
            eds_service: is_eds.then(|| service.unwrap_or_else(|| name.clone())),
            socket: Socket::read(object, "transport_socket")?,
            matches: matches(object)?,
            has_matcher: object.has("transport_socket_matcher"),
            endpoints: assignment.map(|assignment| endpoints(&assignment)).transpose()?,
            name,
        })
    }
}

/// `STATIC`, `STRICT_DNS`, `LOGICAL_DNS`, `EDS`, `ORIGINAL_DST`, or the name of an extension. The
/// built-in kinds are extensions too since 1.34: `envoy.clusters.strict_dns` or, as a type,
/// `envoy.cluster.strict_dns`.
fn discovery(object: &Object<'_>) -> Result<String, FieldFault> {
    const BY_NUMBER: [&str; 5] = ["STATIC", "STRICT_DNS", "LOGICAL_DNS", "EDS", "ORIGINAL_DST"];
    if let Some(custom) = object.object("cluster_type")? {
        let name = custom.text("name")?;
        return Ok(name.rsplit('.').next().unwrap_or(&name).to_ascii_uppercase());
    }
    let number = object.get("type").and_then(Value::as_u64);
    if let Some(name) = number.and_then(|number| BY_NUMBER.get(usize::try_from(number).ok()?)) {
        return Ok((*name).to_owned());
    }
    object.text("type")
}

/// The options of the extension go before the fields that are deprecated.
fn protocol(object: &Object<'_>) -> Result<(UpstreamProtocol, bool), FieldFault> {
    const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let path = ["typed_extension_protocol_options", OPTIONS];
    let Some(options) = object.descend(&path)? else {
        let selection = object.get("protocol_selection");
        let follows = selection.is_some_and(|it| *it == "USE_DOWNSTREAM_PROTOCOL" || *it == 1);
        let protocol = match (follows, object.has("http2_protocol_options")) {
            (true, _) => UpstreamProtocol::Downstream,
            (false, true) => UpstreamProtocol::Http2,
            (false, false) => UpstreamProtocol::Http1,
        };
        return Ok((protocol, false));
    };
    let auto_sni = match options.object("upstream_http_protocol_options")? {
        Some(http) => http.bool("auto_sni")?.unwrap_or(false),
        None => false,
    };
    let protocol = if options.has("auto_config") {
        UpstreamProtocol::Auto
    } else if options.has("use_downstream_protocol_config") {
        UpstreamProtocol::Downstream
    } else {
        match options.object("explicit_http_config")? {
            Some(http) if http.has("http2_protocol_options") => UpstreamProtocol::Http2,
            Some(http) if http.has("http3_protocol_options") => UpstreamProtocol::Http3,
            _ => UpstreamProtocol::Http1,
        }
    };
    Ok((protocol, auto_sni))
}

fn matches(object: &Object<'_>) -> Result<Vec<SocketMatch>, FieldFault> {
    let matches = object.objects("transport_socket_matches")?;
    let read = |item: &Object<'_>| {
        Ok(SocketMatch {
            name: item.text("name")?,
            labels: map(item.get("match")).unwrap_or_default(),
            socket: Socket::read(item, "transport_socket")?,
        })
    };
    matches.iter().map(read).collect()
}

fn map(value: Option<&Value>) -> Option<Map<String, Value>> {
    value.and_then(Value::as_object).cloned()
}

/// The endpoints of a `ClusterLoadAssignment`
/// (Envoy `api/envoy/config/endpoint/v3/endpoint.proto`).
pub(super) fn endpoints(assignment: &Object<'_>) -> Result<Vec<DumpedEndpoint>, FieldFault> {
    let mut all = Vec::new();
    for locality in assignment.objects("endpoints")? {
        let locality_labels = labels(&locality)?;
        for item in locality.objects("lb_endpoints")? {
            let Some(endpoint) = item.object("endpoint")? else { continue };
            let Some(address) = address(&endpoint)? else { continue };
            all.push(DumpedEndpoint {
                address,
                hostname: endpoint.string("hostname")?.filter(|name| !name.is_empty()),
                labels: Labels { own: labels(&item)?, locality: locality_labels.clone() },
            });
        }
    }
    Ok(all)
}

fn labels(object: &Object<'_>) -> Result<Option<Map<String, Value>>, FieldFault> {
    let filters = object.descend(&["metadata", "filter_metadata"])?;
    Ok(filters.and_then(|filters| map(filters.get("envoy.transport_socket_match"))))
}

fn address(endpoint: &Object<'_>) -> Result<Option<Address>, FieldFault> {
    let Some(address) = endpoint.object("address")? else { return Ok(None) };
    if let Some(socket) = address.object("socket_address")? {
        let (host, port) = (socket.text("address")?, socket.port("port_value")?);
        return Ok(Some(Address::Socket { host, port }));
    }
    if let Some(pipe) = address.object("pipe")? {
        return Ok(Some(Address::Pipe(pipe.text("path")?)));
    }
    match address.object("envoy_internal_address")? {
        Some(internal) => Ok(Some(Address::Internal(internal.text("server_listener_name")?))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(cluster: Value) -> Result<DumpedCluster, String> {
        let object = Object::root(&cluster).unwrap();
        DumpedCluster::read(&object, Origin::Active).map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_protocol_is_that_of_the_options_wherever_they_stand() {
        use UpstreamProtocol as P;
        const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let typed =
            |options: Value| json!({ "typed_extension_protocol_options": { OPTIONS: options } });
        let explicit = |field: &str| typed(json!({ "explicit_http_config": { field: true } }));
        #[rustfmt::skip]
        let table = [
            (json!({}), P::Http1),
            (explicit("http_protocol_options"), P::Http1),
            (explicit("http2_protocol_options"), P::Http2),
            (explicit("http3_protocol_options"), P::Http3),
            (typed(json!({ "auto_config": true })), P::Auto),
            (typed(json!({ "use_downstream_protocol_config": true })), P::Downstream),
            (json!({ "http2_protocol_options": true }), P::Http2),
            (json!({ "protocol_selection": "USE_DOWNSTREAM_PROTOCOL" }), P::Downstream),
        ];
        for (cluster, expected) in table {
            assert_eq!(read(cluster.clone()).unwrap().protocol, expected, "{cluster}");
        }
        let auto = typed(json!({ "upstream_http_protocol_options": { "auto_sni": true } }));
        assert!(read(auto).unwrap().auto_sni);
    }

    #[test]
    fn endpoints_of_every_kind_are_read_with_their_labels() {
        let cluster = read(json!({
            "name": "c", "type": "STRICT_DNS",
            "load_assignment": { "endpoints": [{
                "metadata": { "filter_metadata": { "envoy.transport_socket_match": { "z": 1 } } },
                "lb_endpoints": [
                    { "endpoint": { "hostname": "h", "address": { "socket_address": {
                        "address": "a.example", "port_value": 443 } } },
                      "metadata": { "filter_metadata": {
                        "envoy.transport_socket_match": { "l": true } } } },
                    { "endpoint": { "address": { "pipe": { "path": "@/x" } } } },
                    { "endpoint": { "address": { "envoy_internal_address": {
                        "server_listener_name": "inner" } } } },
                    { "endpoint_name": "by reference" },
                ],
            }] },
        }));
        let cluster = cluster.unwrap();
        let endpoints = cluster.endpoints.unwrap();
        let shown: Vec<_> = endpoints.iter().map(|it| it.address.to_string()).collect();
        assert_eq!(shown, ["a.example:443", "@/x", "listener inner"]);
        assert_eq!(endpoints[0].hostname.as_deref(), Some("h"));
        assert_eq!(endpoints[0].labels.own.as_ref().unwrap()["l"], true);
        assert_eq!(endpoints[1].labels.own, None);
        assert_eq!(endpoints[1].labels.locality.as_ref().unwrap()["z"], 1);
        assert!(cluster.is_dns && cluster.eds_service.is_none());
    }

    #[test]
    fn eds_endpoints_come_under_the_service_or_the_cluster() {
        let eds = |config: Value| {
            read(json!({ "name": "c", "type": "EDS", "eds_cluster_config": config })).unwrap()
        };
        assert_eq!(eds(json!({})).eds_service.as_deref(), Some("c"));
        assert_eq!(eds(json!({ "service_name": "s" })).eds_service.as_deref(), Some("s"));
        assert_eq!(eds(json!({})).endpoints, None);
        let custom =
            json!({ "name": "c", "cluster_type": { "name": "envoy.cluster.logical_dns" } });
        assert!(read(custom).unwrap().is_dns);
    }

    #[test]
    fn wrong_types_name_the_field() {
        let faults = [
            (json!({ "name": 7 }), "name must be a string, and is 7"),
            (json!({ "transport_socket": [] }), "transport_socket must be an object"),
            (
                json!({ "load_assignment": { "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                    "address": { "socket_address": { "port_value": 70000 } } } }] }] } }),
                "port_value must be a number from 1 to 65535, and is 70000",
            ),
        ];
        for (cluster, words) in faults {
            let fault = read(cluster).unwrap_err();
            assert!(fault.contains(words), "{fault}");
        }
    }
}
