//! From an endpoint of a cluster to what is to be tested, and how to get there.

use super::Run;
use crate::cli::diagnose::{Depth, Subject};
use crate::cli::settings::secret_checks;
use crate::gloo::{Credentials, Endpoint, EndpointTls, Mode, ProxyProtocol, Reach, Secret, Tunnel};
use crate::probe;
use crate::report::upstreams::{NotTested, authority};
use crate::target::{Host, Target};
use crate::trial::{Candidates, Checks};

/// Where an endpoint is.
pub(super) enum Way {
    /// It can be tested.
    To(Box<Subject>),
    /// It cannot.
    Nowhere(NotTested),
}

impl Run {
    pub(super) fn subject(&self, endpoint: &Endpoint) -> Way {
        let Some(tls) = &endpoint.tls else { return Way::Nowhere(NotTested::PlainText) };
        if !self.probes {
            return Way::Nowhere(NotTested::NotAsked);
        }
        if !matches!(endpoint.reach, Reach::Anywhere | Reach::WithinCluster) {
            return Way::Nowhere(NotTested::NoAddress(endpoint.reach));
        }
        if endpoint.tunnel.as_ref().is_some_and(|tunnel| tunnel.is_http2) {
            return Way::Nowhere(NotTested::Http2Tunnel);
        }
        let target: Result<Target, _> = authority(endpoint).parse();
        let target = match target {
            Ok(target) => target,
            Err(error) => return Way::Nowhere(NotTested::BadAddress(error.to_string())),
        };
        let dial = match &endpoint.tunnel {
            None => None,
            Some(tunnel) => match proxy_target(tunnel) {
                Ok(dial) => Some(dial),
                Err(reason) => return Way::Nowhere(NotTested::BadAddress(reason)),
            },
        };
        Way::To(Box::new(Subject {
            way: way(endpoint),
            config: tls.config.clone(),
            checks: self.checks(tls),
            candidates: self.candidates(&target),
            addresses: self.probing.addresses_for(dial.as_ref().unwrap_or(&target)),
            brings_certificate: self.secret.is_some(),
            sets_signature_algorithms: false,
            // Elsewhere, Gloo gives Envoy the addresses.
            looks_up_ipv4: endpoint.reach == Reach::Anywhere,
            depth: Depth::All,
            target,
            dial,
        }))
    }

    fn candidates(&self, target: &Target) -> Candidates {
        let mut server_names = self.server_names.clone();
        if let Host::Name(name) = &target.host {
            server_names.push(name.clone());
        }
        server_names.dedup();
        Candidates { server_names }
    }

    /// The Secret's certificates, or else what stands in for them, which counts only where the
    /// Upstream names some.
    fn checks(&self, tls: &EndpointTls) -> Checks {
        if tls.credentials == Credentials::None {
            return Checks::default();
        }
        if let Credentials::Secret(name) = &tls.credentials
            && let Some(material) = self.secrets.get(name).and_then(Secret::material)
        {
            let mode = Mode {
                sends_certificate: tls.sends_certificate && !material.chain.is_empty(),
                verifies: tls.verifies && !material.authority.is_empty(),
            };
            // What cannot be used has made Gloo refuse the Upstream before this.
            let checks = secret_checks(material, mode).unwrap_or_default();
            return Checks { names: tls.verify_names.clone(), ..checks };
        }
        Checks {
            trust: self.credentials.trust.clone().filter(|_| tls.verifies),
            names: tls.verify_names.clone(),
            identity: self.credentials.identity.clone().filter(|_| tls.sends_certificate),
        }
    }
}

fn proxy_target(tunnel: &Tunnel) -> Result<Target, String> {
    let host = match tunnel.host.contains(':') {
        true => format!("[{}]", tunnel.host),
        false => tunnel.host.clone(),
    };
    format!("{host}:{}", tunnel.port).parse().map_err(|error| format!("the proxy: {error}"))
}

fn way(endpoint: &Endpoint) -> probe::Way {
    probe::Way {
        proxy: None,
        starttls: None,
        proxy_header: endpoint.proxy_protocol.map(|version| match version {
            ProxyProtocol::V1 => probe::ProxyHeader::V1,
            ProxyProtocol::V2 => probe::ProxyHeader::V2,
        }),
        tunnel: endpoint.tunnel.as_ref().map(|tunnel| probe::Tunnel {
            authority: authority(endpoint),
            headers: tunnel.headers.clone(),
            tls: tunnel.tls.as_ref().map(|tls| probe::TunnelTls { sni: tls.config.sni.clone() }),
        }),
    }
}
