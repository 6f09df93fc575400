//! Which transport socket each endpoint gets, and what Envoy then offers to it.

use serde_json::{Map, Value};

use super::cluster::{Address, DumpedCluster, DumpedEndpoint};
use super::socket::{Security, Socket, TlsSettings};
use crate::envoy::{Build, ClientConfig, Release};

/// Endpoints of a cluster to which the same is spoken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// Which of the cluster's sockets it is.
    pub choice: SocketChoice,
    /// How TLS is spoken, if it is.
    pub tls: Option<Effective>,
    /// The endpoints; none where the dump has none for this socket.
    pub endpoints: Vec<Address>,
}

/// One of a cluster's transport sockets.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SocketChoice {
    /// `transport_socket`.
    Base,
    /// The entry of `transport_socket_matches` at this place, from 0.
    Match(usize),
}

/// What decides the ClientHello.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Effective {
    /// What the cluster sets, with the server name that these endpoints are sent.
    pub config: ClientConfig,
}

impl DumpedCluster {
    /// The socket of a choice.
    #[must_use]
    pub fn socket(&self, choice: SocketChoice) -> &Socket {
        match choice {
            SocketChoice::Match(index) => {
                self.matches.get(index).map_or(&self.socket, |found| &found.socket)
            }
            SocketChoice::Base => &self.socket,
        }
    }

    /// The endpoints, grouped by what an Envoy of this release and build speaks to them, in the
    /// order of the first of each group. Where the dump has no endpoints, every socket is a group.
    #[must_use]
    pub fn groups(&self, release: Release, build: Build) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for endpoint in self.endpoints.iter().flatten() {
            let choice = self.choose(endpoint);
            let tls = self.effective(choice, Some(endpoint), release, build);
            let known = groups.iter_mut().find(|group| group.choice == choice && group.tls == tls);
            match known {
                Some(group) => group.endpoints.push(endpoint.address.clone()),
                None => {
                    let endpoints = vec![endpoint.address.clone()];
                    groups.push(Group { choice, tls, endpoints });
                }
            }
        }
        if groups.is_empty() {
            let matches = (0..self.matches.len()).map(SocketChoice::Match);
            groups = matches
                .chain([SocketChoice::Base])
                .map(|choice| Group {
                    choice,
                    tls: self.effective(choice, None, release, build),
                    endpoints: Vec::new(),
                })
                .collect();
        }
        groups
    }

    /// The first match whose labels the endpoint has, then the first whose labels its locality
    /// has (Envoy `source/common/upstream/transport_socket_match_impl.cc`).
    fn choose(&self, endpoint: &DumpedEndpoint) -> SocketChoice {
        let labels = &endpoint.labels;
        let first = |labels: Option<&Map<String, Value>>| {
            self.matches.iter().position(|candidate| has_all(labels, &candidate.labels))
        };
        let found = first(labels.own.as_ref()).or_else(|| first(labels.locality.as_ref()));
        found.map_or(SocketChoice::Base, SocketChoice::Match)
    }

    fn effective(
        &self,
        choice: SocketChoice,
        endpoint: Option<&DumpedEndpoint>,
        release: Release,
        build: Build,
    ) -> Option<Effective> {
        let Security::Tls(settings) = &self.socket(choice).security else { return None };
        let sni = self.server_name(settings, endpoint);
        let protocol = self.protocol.judged_as();
        Some(Effective { config: settings.client_config(release, build, protocol, sni) })
    }

    /// The host's own name goes before `sni` where it is known
    /// (Envoy `source/common/tls/client_context_impl.cc`).
    fn server_name(
        &self,
        settings: &TlsSettings,
        endpoint: Option<&DumpedEndpoint>,
    ) -> Option<String> {
        if !settings.auto_host_sni {
            return settings.sni.clone();
        }
        let host = endpoint.and_then(|endpoint| match (&endpoint.hostname, &endpoint.address) {
            (Some(name), _) => Some(name.clone()),
            (None, Address::Socket { host, .. }) if self.is_dns => Some(host.clone()),
            _ => None,
        });
        host.or_else(|| settings.sni.clone())
    }
}

fn has_all(labels: Option<&Map<String, Value>>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::field::Object;
    use super::super::cluster::Origin;
    use super::*;

    fn groups(cluster: Value) -> Vec<String> {
        let cluster =
            DumpedCluster::read(&Object::root(&cluster).unwrap(), Origin::Active).unwrap();
        let shown = |group: &Group| {
            let endpoints: Vec<_> = group.endpoints.iter().map(ToString::to_string).collect();
            let sni = group.tls.as_ref().map(|tls| tls.config.sni.as_deref().unwrap_or("-"));
            format!("{:?} {} {}", group.choice, endpoints.join(","), sni.unwrap_or("plain"))
        };
        cluster.groups(Release::NEWEST, Build::Standard).iter().map(shown).collect()
    }

    fn tls(sni: &str) -> Value {
        json!({ "name": "envoy.transport_sockets.tls", "typed_config": { "sni": sni } })
    }

    fn endpoint(host: &str, labels: Value) -> Value {
        json!({
            "endpoint": { "address": { "socket_address": { "address": host, "port_value": 1 } } },
            "metadata": { "filter_metadata": { "envoy.transport_socket_match": labels } },
        })
    }

    #[test]
    fn an_endpoint_gets_the_first_socket_whose_labels_it_has() {
        let cluster = json!({
            "name": "c",
            "transport_socket": tls("base"),
            "transport_socket_matches": [
                { "name": "two", "match": { "a": true, "b": "x" }, "transport_socket": tls("two") },
                { "name": "one", "match": { "a": true }, "transport_socket": tls("one") },
                { "name": "zone", "match": { "z": 1 }, "transport_socket": tls("zone") },
            ],
            "load_assignment": { "endpoints": [{
                "metadata": { "filter_metadata": { "envoy.transport_socket_match": { "z": 1 } } },
                "lb_endpoints": [
                    endpoint("h1", json!({ "a": true })),
                    endpoint("h2", json!({ "a": true, "b": "x" })),
                    endpoint("h3", json!({ "b": "x" })),
                    endpoint("h4", json!({ "a": true })),
                ] },
                { "lb_endpoints": [endpoint("h5", json!({}))] },
            ] },
        });
        let expected =
            ["Match(1) h1:1,h4:1 one", "Match(0) h2:1 two", "Match(2) h3:1 zone", "Base h5:1 base"];
        assert_eq!(groups(cluster), expected);
    }

    #[test]
    fn a_match_without_labels_takes_every_endpoint() {
        let cluster = json!({
            "name": "c",
            "transport_socket_matches": [{ "name": "all", "transport_socket": tls("all") }],
            "load_assignment": { "endpoints": [{ "lb_endpoints": [endpoint("h", json!(null))] }] },
        });
        assert_eq!(groups(cluster), ["Match(0) h:1 all"]);
    }

    #[test]
    fn without_endpoints_every_socket_is_shown() {
        let cluster = json!({
            "name": "c", "type": "EDS",
            "transport_socket_matches": [
                { "name": "m", "match": { "a": 1 }, "transport_socket": tls("m") },
            ],
        });
        assert_eq!(groups(cluster), ["Match(0)  m", "Base  plain"]);
    }

    #[test]
    fn auto_host_sni_sends_the_name_of_the_host_where_it_is_known() {
        let cluster = |kind: &str, sni: &str| {
            json!({
                "name": "c", "type": kind,
                "transport_socket": { "name": "envoy.transport_sockets.tls",
                    "typed_config": { "auto_host_sni": true, "sni": sni } },
                "load_assignment": { "endpoints": [{ "lb_endpoints": [
                    endpoint("a.example", json!({})),
                    { "endpoint": { "hostname": "own.example",
                        "address": { "socket_address": { "address": "b", "port_value": 1 } } } },
                ] }] },
            })
        };
        let dns = ["Base a.example:1 a.example", "Base b:1 own.example"];
        assert_eq!(groups(cluster("STRICT_DNS", "")), dns);
        let fixed = ["Base a.example:1 -", "Base b:1 own.example"];
        assert_eq!(groups(cluster("STATIC", "")), fixed);
        assert_eq!(groups(cluster("STATIC", "s"))[0], "Base a.example:1 s");
    }
}
