//! Whom a symptom belongs to.

use std::fmt;

pub(super) use crate::gloo::upstream::is_name;

/// The longest name that is taken for one, in bytes: as long as a DNS name can be.
const LONGEST: usize = 253;
/// Clusters of Gloo's own bootstrap, which look like `NAME_NAMESPACE` and are not.
const OWN: [&str; 8] = [
    "xds_cluster",
    "rest_xds_cluster",
    "wasm_cache",
    "admin_port_cluster",
    "aws_sts_cluster",
    "gateway_proxy_sds",
    "prometheus_cluster",
    "rate_limit_cluster",
];

/// Whom a symptom belongs to, as far as the text tells.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// The text does not say.
    Unknown,
    /// An Upstream.
    Upstream {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A Service that a route names directly, without an Upstream.
    Service {
        /// Its name and namespace, `NAMESPACE-NAME-PORT` where they cannot be told apart.
        name: String,
        /// Its namespace, if it can be told.
        namespace: Option<String>,
    },
    /// A service of Consul.
    ConsulService {
        /// Its name.
        name: String,
    },
    /// An object that the control plane names without its kind; mostly an Upstream.
    Resource {
        /// Its name.
        name: String,
        /// Its namespace.
        namespace: String,
    },
    /// A cluster of Envoy's that is none of Gloo's.
    Cluster {
        /// Its name.
        name: String,
    },
    /// A server, where only its address is told.
    Address {
        /// Address and port, or host name and port.
        address: String,
    },
}

impl Subject {
    /// Reads the name of a cluster: `NAME_NAMESPACE`, `kube-svc:NS-SVC-PORT` or
    /// `consul-svc:NAME`, both perhaps with `_NAMESPACE`; `_original` at the end is the cluster
    /// that dials the CONNECT proxy of an Upstream. None if it is no name at all.
    ///
    /// Gloo `projects/gloo/pkg/translator/utils.go`. A namespace has no `_`, so the last one
    /// splits.
    #[must_use]
    pub fn of_cluster(cluster: &str) -> Option<Self> {
        let ends = |letter: char| letter.is_whitespace() || letter.is_control() || letter == '"';
        if cluster.is_empty() || cluster == "-" || cluster.len() > LONGEST || cluster.contains(ends)
        {
            return None;
        }
        let name = cluster.strip_suffix("_original").unwrap_or(cluster);
        // The names of counters have `_` instead of a colon.
        let service_of = |kind: &str| name.strip_prefix(kind)?.strip_prefix([':', '_']);
        if let Some(rest) = service_of("kube-svc") {
            return Some(service(rest));
        }
        if let Some(rest) = service_of("consul-svc") {
            let name = rest.rsplit_once('_').map_or(rest, |(name, _)| name).to_owned();
            return Some(Self::ConsulService { name });
        }
        let parts = name.rsplit_once('_').filter(|(name, namespace)| {
            is_name(name)
                && is_name(namespace)
                && !namespace.contains('.')
                && !OWN.contains(&cluster)
        });
        Some(match parts {
            Some((name, namespace)) => Self::upstream(name, namespace),
            None => Self::Cluster { name: cluster.to_owned() },
        })
    }

    /// An Upstream of that name.
    #[must_use]
    pub fn upstream(name: &str, namespace: &str) -> Self {
        Self::Upstream { name: name.to_owned(), namespace: namespace.to_owned() }
    }

    /// `NAMESPACE.NAME`, as the control plane names objects. None if it is no such thing.
    #[must_use]
    pub fn of_resource(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('.')?;
        let valid = is_name(namespace) && is_name(name);
        valid.then(|| Self::Resource { name: name.to_owned(), namespace: namespace.to_owned() })
    }

    /// An address and port, or a host name and port. None if it is no such thing.
    #[must_use]
    pub fn of_address(text: &str) -> Option<Self> {
        is_address(text).then(|| Self::Address { address: text.to_owned() })
    }
}

fn service(rest: &str) -> Subject {
    let split = rest.rsplit_once('_').and_then(|(rest, namespace)| {
        let rest = rest.strip_prefix(namespace)?.strip_prefix('-')?;
        let (name, _port) = rest.rsplit_once('-')?;
        (is_name(name) && is_name(namespace)).then_some((name, namespace))
    });
    match split {
        Some((name, namespace)) => {
            Subject::Service { name: name.to_owned(), namespace: Some(namespace.to_owned()) }
        }
        None => Subject::Service { name: rest.to_owned(), namespace: None },
    }
}

/// Whether this is `HOST:PORT` or `[V6]:PORT`, and so can stand in a command.
pub(super) fn is_address(text: &str) -> bool {
    if text.parse::<std::net::SocketAddr>().is_ok_and(|address| address.port() != 0) {
        return true;
    }
    let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0);
    text.rsplit_once(':').is_some_and(|(host, number)| is_name(host) && port(number))
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the text does not say whose"),
            Self::Upstream { name, namespace } => write!(f, "Upstream {name} in {namespace}"),
            Self::Service { name, namespace: Some(namespace) } => {
                write!(f, "Service {name} in {namespace}")
            }
            Self::Service { name, namespace: None } => write!(f, "Service {name}"),
            Self::ConsulService { name } => write!(f, "Consul service {name}"),
            Self::Resource { name, namespace } => write!(f, "{name} in {namespace}"),
            Self::Cluster { name } => write!(f, "cluster {name}"),
            Self::Address { address } => write!(f, "server {address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_split_at_the_last_underscore() {
        for (cluster, subject) in [
            ("orders_shop", "Upstream orders in shop"),
            ("default-petstore-8080_gloo-system", "Upstream default-petstore-8080 in gloo-system"),
            ("orders_shop_original", "Upstream orders in shop"),
            ("a.b_ns", "Upstream a.b in ns"),
            ("kube-svc:shop-orders-443", "Service shop-orders-443"),
            ("kube-svc:shop-orders-443_shop", "Service orders in shop"),
            ("kube-svc_shop-orders-443_shop", "Service orders in shop"),
            ("consul-svc:billing", "Consul service billing"),
            ("consul-svc:billing_gloo-system", "Consul service billing"),
            ("xds_cluster", "cluster xds_cluster"),
            ("outbound|443||example.com", "cluster outbound|443||example.com"),
            ("plain", "cluster plain"),
            ("Upper_ns", "cluster Upper_ns"),
            ("a_b.c", "cluster a_b.c"),
        ] {
            assert_eq!(Subject::of_cluster(cluster).unwrap().to_string(), subject);
        }
        for none in ["", "-", "two words", &"x".repeat(300)] {
            assert_eq!(Subject::of_cluster(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_are_those_that_a_command_takes() {
        for good in ["10.0.0.1:443", "[::1]:8443", "example.com:443"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "-", "10.0.0.1", "10.0.0.1:0", "$(id):443", "a b:443", "::1:443x", "envoy://x"]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
