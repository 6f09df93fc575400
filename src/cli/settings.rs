//! Flags become checked settings, once.

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::args::{
    ClusterOptions, Color, CredentialOptions, Fix, Format, Options, PatchOptions, ProbingOptions,
    ProxyProtocol, ReportOptions, UpstreamProtocol, WayOptions,
};
use super::diagnose::{Depth, Subject};
use super::way::{self, Gateway};
use crate::envoy::{Build, ClientConfig, Protocol};
use crate::gloo::{Mode, TlsMaterial, is_name};
use crate::probe::{Identity, Limits, Trust, TrustError};
use crate::remedy::Names;
use crate::remedy::product::Product;
use crate::target::{Choice, Target};
use crate::tls::TlsVersion;
use crate::trial::{Candidates, Checks};

/// Everything that the main job needs to know.
pub(super) struct Settings {
    /// The configuration of the cluster, but for the server name of each target.
    config: ClientConfig,
    sni: ServerName,
    checks: Checks,
    candidates: Candidates,
    way: WayOptions,
    pub(super) probing: Probing,
    pub(super) names: Names,
    pub(super) format: Format,
    pub(super) fix: Option<Fix>,
    pub(super) verbose: bool,
}

/// How servers are asked, and how much is asked of them.
#[derive(Clone)]
pub(super) struct Probing {
    pub(super) limits: Limits,
    /// Addresses that stand in for the resolver's.
    resolved: Vec<(Target, Vec<IpAddr>)>,
    /// Which of the addresses behind a name count.
    pub(super) choice: Choice,
    /// The proxy that everything goes through.
    pub(super) gateway: Option<Gateway>,
    pub(super) handshakes: bool,
    pub(super) exhaustive: bool,
    /// How many surveys of one endpoint are put together.
    pub(super) surveys: u16,
    pub(super) show_progress: bool,
}

enum ServerName {
    Host,
    None,
    Given(String),
}

impl Settings {
    pub(super) fn from_args(options: &Options) -> Result<Self, String> {
        let Options { cluster, way, patch, report, probing } = options;
        choose_color(report.color);
        way::warn(way);
        let config = config(cluster, patch.fix.and_then(Fix::product))?;
        let sni = match (&cluster.sni, cluster.no_sni) {
            (_, true) => ServerName::None,
            (Some(name), _) => ServerName::Given(server_name(name)?),
            (None, false) => ServerName::Host,
        };
        let server_names =
            cluster.try_sni.iter().map(|name| server_name(name)).collect::<Result<_, _>>()?;
        // The classic form and the patch need no handshakes beyond those of the trial.
        let wants_handshakes = !matches!(report.format, Format::Classic) && patch.fix.is_none();
        Ok(Self {
            config,
            sni,
            checks: checks(cluster)?,
            candidates: Candidates { server_names },
            way: way.clone(),
            probing: Probing::from_args(probing, report, wants_handshakes)?,
            names: names(cluster, way, patch)?,
            format: report.format,
            fix: patch.fix,
            verbose: report.verbose,
        })
    }

    /// One target, as the flags describe the Envoy that is to reach it.
    pub(super) fn subject(&self, target: Target) -> Subject {
        let config = self.config_for(&target);
        let name = config.sni.clone().unwrap_or_else(|| target.host.to_string());
        Subject {
            dial: None,
            way: way::way(&self.way, &name),
            config,
            checks: self.checks.clone(),
            candidates: self.candidates_for(&target),
            addresses: self.probing.addresses_for(&target),
            brings_certificate: self.names.secret.is_some(),
            // Other products may have a field for them, and say so themselves if not.
            sets_signature_algorithms: self.fix.and_then(Fix::product).is_some(),
            looks_up_ipv4: self.fix.and_then(Fix::product).is_none(),
            depth: Depth::All,
            target,
        }
    }

    /// The same as another release of Envoy would do it.
    pub(super) fn subject_as(&self, target: Target, release: crate::envoy::Release) -> Subject {
        let mut subject = self.subject(target);
        subject.config.release = release;
        subject
    }

    /// The release of Envoy that is judged for.
    pub(super) fn release(&self) -> crate::envoy::Release {
        self.config.release
    }

    /// The configuration for one target, with the server name that Gloo would send.
    fn config_for(&self, target: &Target) -> ClientConfig {
        let sni = match &self.sni {
            ServerName::Host => Some(target.host.to_string()),
            ServerName::None => None,
            ServerName::Given(name) => Some(name.clone()),
        };
        ClientConfig { sni, ..self.config.clone() }
    }

    /// What else the server may be called.
    fn candidates_for(&self, target: &Target) -> Candidates {
        let mut candidates = self.candidates.clone();
        if let crate::target::Host::Name(name) = &target.host {
            candidates.server_names.push(name.clone());
        }
        candidates.server_names.dedup();
        candidates
    }
}

impl Probing {
    pub(super) fn from_args(
        options: &ProbingOptions,
        report: &ReportOptions,
        wants_handshakes: bool,
    ) -> Result<Self, String> {
        Ok(Self {
            limits: limits(options),
            resolved: options
                .resolve
                .iter()
                .map(|text| resolved(text))
                .collect::<Result<_, _>>()?,
            choice: way::choice(options),
            gateway: Gateway::from_args(options)?,
            handshakes: wants_handshakes && !options.no_handshakes,
            exhaustive: options.exhaustive,
            surveys: options.repeat,
            show_progress: !report.no_progress && bar_is_welcome(),
        })
    }

    /// The addresses given for this target, if there are any.
    pub(super) fn addresses_for(&self, target: &Target) -> Option<Vec<SocketAddr>> {
        let given = self.resolved.iter().filter(|(named, _)| named == target);
        let addresses: Vec<_> = given
            .flat_map(|(_, addresses)| addresses)
            .map(|address| SocketAddr::new(*address, target.port))
            .collect();
        (!addresses.is_empty()).then_some(addresses)
    }
}

/// Reads `HOST:PORT:ADDR[,ADDR]`, with IPv6 addresses in brackets or without.
fn resolved(text: &str) -> Result<(Target, Vec<IpAddr>), String> {
    let wrong = || format!("--resolve '{text}' is not HOST:PORT:ADDR[,ADDR]");
    let (host, rest) = text.split_once(':').ok_or_else(wrong)?;
    let (port, addresses) = rest.split_once(':').ok_or_else(wrong)?;
    let target = format!("{host}:{port}").parse().map_err(|_| wrong())?;
    let address = |text: &str| text.trim_matches(['[', ']']).parse().map_err(|_| wrong());
    Ok((target, addresses.split(',').map(address).collect::<Result<_, _>>()?))
}

pub(super) fn choose_color(color: Color) {
    let wanted = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            std::io::stdout().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                && !is_dumb_terminal()
        }
    };
    colored::control::set_override(wanted);
}

fn is_dumb_terminal() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}

/// Only where it can be redrawn in place.
fn bar_is_welcome() -> bool {
    std::io::stderr().is_terminal() && !is_dumb_terminal()
}

fn config(options: &ClusterOptions, product: Option<Product>) -> Result<ClientConfig, String> {
    let build = if options.fips { Build::Fips } else { Build::Standard };
    let given = ClientConfig {
        minimum_protocol_version: version(
            "--minimum-protocol-version",
            options.minimum_protocol_version.as_deref(),
        )?,
        maximum_protocol_version: version(
            "--maximum-protocol-version",
            options.maximum_protocol_version.as_deref(),
        )?,
        cipher_suites: listed("--cipher-suites", &options.cipher_suites)?,
        ecdh_curves: listed("--ecdh-curves", &options.ecdh_curves)?,
        alpn_protocols: listed("--alpn", &options.alpn)?,
        protocol: match options.protocol {
            UpstreamProtocol::Http1 => Protocol::Http1,
            UpstreamProtocol::Http2 => Protocol::Http2,
            UpstreamProtocol::Auto => Protocol::Auto,
            UpstreamProtocol::Tcp => Protocol::Tcp,
        },
        ..ClientConfig::new(options.envoy, build)
    };
    Ok(match product {
        Some(product) => product.starting_point(given),
        None => given,
    })
}

/// Names of a list, as they travel behind a length of one byte (RFC 7301 §3.1).
fn listed(flag: &str, names: &[String]) -> Result<Vec<String>, String> {
    match names.iter().find(|name| !(1..=255).contains(&name.len())) {
        Some(name) if name.is_empty() => Err(format!("{flag} has an empty name")),
        Some(_) => Err(format!("{flag} has a name of more than 255 bytes")),
        None => Ok(names.to_vec()),
    }
}

fn version(flag: &str, name: Option<&str>) -> Result<Option<TlsVersion>, String> {
    let Some(name) = name else { return Ok(None) };
    TlsVersion::from_envoy_name(name).map(Some).ok_or_else(|| {
        format!("{flag} '{name}' is unknown: write TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3")
    })
}

pub(super) fn server_name(name: &str) -> Result<String, String> {
    let fits = (1..=255).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(name.to_owned()) } else { Err(format!("'{name}' is no server name")) }
}

fn checks(options: &ClusterOptions) -> Result<Checks, String> {
    let credentials = CredentialOptions {
        ca: options.ca.clone(),
        cert: options.cert.clone(),
        key: options.key.clone(),
    };
    Ok(Checks { names: options.verify_name.clone(), ..self::credentials(&credentials)? })
}

/// Certificates from files.
pub(super) fn credentials(options: &CredentialOptions) -> Result<Checks, String> {
    let trust = match &options.ca {
        Some(path) => Some(Trust::from_pem(&read(path)?).map_err(|error| in_file(path, &error))?),
        None => None,
    };
    let identity = match (&options.cert, &options.key) {
        (Some(cert), Some(key)) => {
            let identity = Identity::from_pem(&read(cert)?, &read(key)?);
            Some(identity.map_err(|error| {
                format!("cannot use {} with {}: {error}", cert.display(), key.display())
            })?)
        }
        _ => None,
    };
    Ok(Checks { trust, names: Vec::new(), identity })
}

/// What a Secret of Gloo's gives a cluster to verify and to show.
pub(super) fn secret_checks(material: &TlsMaterial, mode: Mode) -> Result<Checks, TrustError> {
    let trust = mode.verifies.then(|| Trust::from_pem(&material.authority)).transpose()?;
    let identity =
        mode.sends_certificate.then(|| Identity::from_pem(&material.chain, &material.key));
    Ok(Checks { trust, names: Vec::new(), identity: identity.transpose()? })
}

/// The largest file that is read; PEM bundles of all public CAs have a quarter of this.
const FILE_LIMIT: u64 = 1 << 20;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let cannot = |error: std::io::Error| {
        let text = error.to_string();
        let words = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
        format!("cannot read {}: {words}", path.display())
    };
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(cannot)?;
    // What is cut off may be the very CA that is needed.
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(format!("cannot use {}: it has more than {FILE_LIMIT} bytes", path.display()));
    }
    Ok(bytes)
}

fn in_file(path: &Path, error: &dyn std::error::Error) -> String {
    format!("cannot use {}: {error}", path.display())
}

/// More connections than a survey with complete handshakes opens; what a pace is allowed for.
const MOST_CONNECTIONS: u32 = 500;

fn limits(options: &ProbingOptions) -> Limits {
    let defaults = Limits::default();
    Limits {
        connections_per_host: options.connections.into(),
        budget: options.budget,
        connect_timeout: options.connect_timeout,
        answer_timeout: options.answer_timeout,
        deadline: options.deadline.unwrap_or(defaults.deadline + options.delay * MOST_CONNECTIONS),
        retries: options.retries,
        delay: options.delay,
        ..defaults
    }
}

fn names(
    cluster: &ClusterOptions,
    way: &WayOptions,
    options: &PatchOptions,
) -> Result<Names, String> {
    let product = options.fix.and_then(Fix::product);
    let (name, namespace) = match product.map(Product::default_names) {
        Some((name, namespace)) => (name.to_owned(), namespace.to_owned()),
        None => (Names::default().upstream, Names::default().namespace),
    };
    let name = options.upstream_name.as_ref().unwrap_or(&name);
    let namespace = options.namespace.as_ref().unwrap_or(&namespace);
    let namespace = object_name("--namespace", namespace)?;
    let secret = options.secret.as_deref().map(|secret| parse_secret(secret, Some(&namespace)));
    let secret = secret.transpose()?;
    Ok(Names {
        upstream: object_name("--upstream-name", name)?,
        namespace,
        secret,
        is_static: !cluster.no_sni,
        proxy_protocol: way.proxy_protocol.map(|version| match version {
            ProxyProtocol::V1 => "V1",
            ProxyProtocol::V2 => "V2",
        }),
    })
}

/// Reads `NAMESPACE/NAME`, or `NAME` where there is a default namespace.
pub(super) fn parse_secret(
    text: &str,
    namespace: Option<&str>,
) -> Result<(String, String), String> {
    let (namespace, name) = match (text.split_once('/'), namespace) {
        (Some((namespace, name)), _) => (namespace, name),
        (None, Some(namespace)) => (namespace, text),
        (None, None) => return Err(format!("--secret '{text}' is not NAMESPACE/NAME")),
    };
    Ok((object_name("--secret", namespace)?, object_name("--secret", name)?))
}

/// A name that Kubernetes takes.
pub(super) fn object_name(flag: &str, name: &str) -> Result<String, String> {
    match is_name(name) {
        true => Ok(name.to_owned()),
        false => Err(format!(
            "{flag} '{name}' is no Kubernetes name: lower-case letters, digits, - and ."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_refused_rather_than_cut() {
        let path = std::env::temp_dir().join(format!("cipher-test-{}.pem", std::process::id()));
        let limit = usize::try_from(FILE_LIMIT).unwrap();
        std::fs::write(&path, vec![b'\n'; limit]).unwrap();
        assert_eq!(read(&path).unwrap().len(), limit);
        std::fs::write(&path, vec![b'\n'; limit + 1]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.ends_with("it has more than 1048576 bytes"), "{error}");
        std::fs::remove_file(&path).unwrap();
    }
}
