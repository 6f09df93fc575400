//! From an endpoint of a dump to what is to be tested.

use super::Run;
use crate::cli::diagnose::{Depth, Subject};
use crate::gloo::ProxyProtocol;
use crate::gloo::config_dump::{Address, DumpedCluster, Effective, Group, Security};
use crate::probe;
use crate::report::config_dump::ClusterRecord;
use crate::target::{Host, Target};
use crate::trial::{Candidates, Checks};

/// An endpoint, whether Envoy has a client certificate for it, and how to test it or why not.
type Found = (Address, bool, Result<Box<Subject>, String>);

impl Run {
    /// Every endpoint to which TLS is spoken.
    pub(super) fn subjects(&self, record: &ClusterRecord) -> Vec<Found> {
        let cluster = &record.cluster;
        let found = record.groups.iter().flat_map(|group| {
            let tls = group.tls.as_ref();
            let endpoints = tls.into_iter().flat_map(move |tls| {
                group.endpoints.iter().map(move |address| (group, tls, address))
            });
            endpoints.map(|(group, tls, address)| {
                let has_certificate = has_certificate(cluster, group);
                let subject = self.subject(cluster, group, tls, address, has_certificate);
                (address.clone(), has_certificate, subject.map(Box::new))
            })
        });
        found.collect()
    }

    fn subject(
        &self,
        cluster: &DumpedCluster,
        group: &Group,
        tls: &Effective,
        address: &Address,
        has_certificate: bool,
    ) -> Result<Subject, String> {
        let target: Target = match address {
            Address::Socket { .. } => {
                address.to_string().parse().map_err(|error| format!("{error}"))?
            }
            Address::Pipe(_) | Address::Internal(_) => {
                return Err(
                    "it is within the proxy's pod, as for tunnels: check the Upstream with \
                            cipher-test upstreams"
                        .to_owned(),
                );
            }
        };
        let mut server_names = self.server_names.clone();
        if let Host::Name(name) = &target.host {
            server_names.push(name.clone());
        }
        server_names.dedup();
        let proxy_header =
            cluster.socket(group.choice).proxy_protocol.map(|version| match version {
                ProxyProtocol::V1 => probe::ProxyHeader::V1,
                ProxyProtocol::V2 => probe::ProxyHeader::V2,
            });
        Ok(Subject {
            sets_signature_algorithms: false,
            dial: None,
            way: probe::Way { proxy_header, ..probe::Way::default() },
            config: tls.config.clone(),
            checks: Checks::default(),
            candidates: Candidates { server_names },
            addresses: self.probing.addresses_for(&target),
            brings_certificate: has_certificate,
            looks_up_ipv4: false,
            depth: Depth::OwnHello,
            target,
        })
    }
}

fn has_certificate(cluster: &DumpedCluster, group: &Group) -> bool {
    match &cluster.socket(group.choice).security {
        Security::Tls(settings) => !settings.certificates.is_empty(),
        _ => false,
    }
}
