//! The flags, as clap reads them. Nothing past [`super::settings`] sees these types.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::envoy::Release;
use crate::gloo::{self, Platform, UnknownPlatform};
use crate::probe::{ProxyHeader, StartTls};
use crate::remedy::product::Product;
use crate::target::Shard;

/// Tells whether Envoy can reach a TLS server and writes the Gloo Upstream patch that makes it.
///
/// Exit codes: 0 Envoy connects to every target, 1 a change is needed, 2 no answer for some
/// target (bad input, unreachable, unclear).
#[derive(Debug, Parser)]
#[command(name = "cipher-test", version, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Servers to test: HOST:PORT, [IPV6]:PORT or an https URL
    #[arg(value_name = "HOST:PORT")]
    pub(super) targets: Vec<String>,
    #[command(flatten)]
    pub(super) fleet: FleetOptions,
    #[command(flatten)]
    pub(super) upgrade: UpgradeOptions,
    #[command(flatten)]
    pub(super) options: Options,
}

/// Many targets in one run.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct FleetOptions {
    /// File with targets, one a line, with comments behind #; - is stdin; may be repeated
    #[arg(long = "targets", value_name = "FILE", help_heading = "Many targets")]
    pub(super) lists: Vec<PathBuf>,
    /// Test every address of networks such as 10.0.0.0/24:443
    #[arg(long, help_heading = "Many targets")]
    pub(super) allow_cidr: bool,
    /// Targets at once
    #[arg(long, value_name = "N", default_value_t = 64, help_heading = "Many targets",
          value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(super) concurrency: u16,
    /// Go on with a run of --format ndjson: leave out the targets that this file has, and append
    /// the others to it
    #[arg(
        long,
        value_name = "FILE",
        help_heading = "Many targets",
        conflicts_with_all = ["fix", "from"]
    )]
    pub(super) resume: Option<PathBuf>,
    /// Test share K of N, counted from 1; a target is always in the same
    #[arg(long, value_name = "K/N", help_heading = "Many targets")]
    pub(super) shard: Option<Shard>,
    /// Test one share of N, by the JOB_COMPLETION_INDEX of a Kubernetes Indexed Job
    #[arg(long, value_name = "N", help_heading = "Many targets", conflicts_with = "shard",
          value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) shards: Option<u32>,
    /// Print no summary of many targets
    #[arg(short, long, help_heading = "Many targets")]
    pub(super) quiet: bool,
}

/// Two releases to compare.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct UpgradeOptions {
    /// Compare this release with the one of --to: an Envoy (1.36) or a Gloo (gloo-1.21)
    #[arg(long, value_name = "RELEASE", help_heading = "Upgrade", requires = "to")]
    pub(super) from: Option<Platform>,
    /// The release after the upgrade
    #[arg(
        long,
        value_name = "RELEASE",
        help_heading = "Upgrade",
        requires = "from",
        conflicts_with = "envoy"
    )]
    pub(super) to: Option<Platform>,
}

impl UpgradeOptions {
    pub(super) fn releases(&self) -> Option<(Platform, Platform)> {
        self.from.zip(self.to)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start an embedded server on loopback and test it
    Demo(Box<Demo>),
    /// Check Gloo Upstreams as Gloo and its Envoy would use them, and write what they need
    Upstreams(Box<Upstreams>),
    /// Check Kubernetes Secrets as Gloo would use them for TLS
    Secret(Box<SecretArgs>),
    /// Show the TLS settings of a running Envoy's clusters, and where they differ from Upstreams
    ConfigDump(Box<ConfigDump>),
    /// List the Envoy releases that are known, with what they offer upstreams
    Envoy,
    /// Show reports that were kept as JSON, or merge those of many runs into one
    Report(ReportArgs),
    /// Say what errors of Envoy and Gloo mean, from logs, 503 bodies, counters and statuses
    Explain(Explain),
    /// Print the JSON Schema of --format json
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t, value_name = "WHAT")]
        kind: SchemaKind,
    },
}

/// Exit codes: 0 something is explained, 2 nothing is known of it, or it cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct Explain {
    /// Texts to explain; - is stdin, which is also read where nothing is given
    #[arg(value_name = "TEXT")]
    pub(super) texts: Vec<String>,
    /// File to read; may be repeated
    #[arg(long = "file", value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ExplainFormat,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

/// Of several answers to the same question, the later counts, unless an earlier one is more
/// complete.
///
/// Exit codes: 0 Envoy connects to every target, 1 a change is needed, 2 no answer for some
/// target, or some of the input cannot be read.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Files that --format json or ndjson wrote; - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: StoredFormat,
    /// Print only the changes for Gloo
    #[arg(long, value_enum, value_name = "FORM", conflicts_with = "format")]
    pub(super) fix: Option<StoredFix>,
    /// Say how each answer is known
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,
}

/// The forms that a stored report can be shown in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum StoredFormat {
    /// As the run printed it, and numbers if there are several targets
    #[default]
    Text,
    /// One line for each target, and numbers
    Table,
    /// The lines of the script in Gloo's guide
    Classic,
    /// One document
    Json,
    /// One document for each target, each on a line
    Ndjson,
}

/// The forms of a change that a stored report holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum StoredFix {
    /// A whole static Upstream
    Upstream,
    /// A merge patch for kubectl patch
    Patch,
    /// The finished kubectl command
    Kubectl,
}

#[derive(Debug, clap::Args)]
pub(super) struct ConfigDump {
    /// What the admin interface of the Envoy answers to /config_dump, whole or in part; - for
    /// stdin. With ?include_eds it has the endpoints of EDS clusters too
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Show only clusters with this in their name; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) cluster: Vec<String>,
    /// Compare with the Upstreams in these files or directories; may be repeated
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(super) upstreams: Vec<PathBuf>,
    /// Test each endpoint that is spoken to in TLS, with the very settings of its cluster
    #[arg(long)]
    pub(super) probe: bool,
    /// Compare with this release, an Envoy (1.40) or a Gloo (gloo-1.22): what each would negotiate
    /// with every endpoint
    #[arg(long, value_name = "RELEASE", help_heading = "Upgrade", conflicts_with = "upstreams")]
    pub(super) to: Option<Platform>,
    /// The release before the upgrade [default: the one that the dump names]
    #[arg(
        long,
        value_name = "RELEASE",
        help_heading = "Upgrade",
        requires = "to",
        conflicts_with = "envoy"
    )]
    pub(super) from: Option<Platform>,
    /// Gloo release whose rules count for the Upstreams
    #[arg(long, value_name = "RELEASE", default_value_t = gloo::Release::STABLE, help_heading = "Gloo")]
    pub(super) gloo: gloo::Release,
    /// Namespace of Upstreams that name none
    #[arg(long, value_name = "NAME", default_value = "default", help_heading = "Gloo")]
    pub(super) namespace: String,
    /// Envoy release to judge for [default: the one that the dump names, or else Gloo's]
    #[arg(long, value_name = "RELEASE", help_heading = "Envoy")]
    pub(super) envoy: Option<Release>,
    /// Judge for a FIPS build [default: what the dump names]
    #[arg(long, help_heading = "Envoy")]
    pub(super) fips: bool,
    /// Server name to try if a server refuses Envoy's; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Envoy")]
    pub(super) try_sni: Vec<String>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    pub(super) format: StreamFormat,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Report")]
    pub(super) color: Color,
    /// Show no progress bar
    #[arg(long, help_heading = "Report")]
    pub(super) no_progress: bool,
    #[command(flatten)]
    pub(super) probing: ProbingOptions,
}

/// The forms in which results are written while they are found.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum StreamFormat {
    #[default]
    Text,
    Json,
}

#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// What to show; see --list
    #[arg(default_value = "legacy")]
    pub(super) scenario: String,
    /// Say what each scenario shows
    #[arg(long)]
    pub(super) list: bool,
    /// Keep the server listening for use from another terminal
    #[arg(long)]
    pub(super) serve: bool,
    /// Listen on this port instead of any free one
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    #[command(flatten)]
    pub(super) options: Options,
}

#[derive(Debug, clap::Args)]
pub(super) struct Upstreams {
    /// Files or directories with Upstreams, Settings and Secrets, YAML or JSON; - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Test no server, only say what Gloo makes of each Upstream
    #[arg(long)]
    pub(super) no_probe: bool,
    #[command(flatten)]
    pub(super) platform: PlatformOptions,
    #[command(flatten)]
    pub(super) upgrade: UpgradeOptions,
    /// Namespace of objects that name none
    #[arg(long, value_name = "NAME", default_value = "default", help_heading = "Gloo")]
    pub(super) namespace: String,
    /// Server name to try if the server refuses Envoy's; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Envoy")]
    pub(super) try_sni: Vec<String>,
    #[command(flatten)]
    pub(super) credentials: CredentialOptions,
    /// Print only the changes: merge patches, kubectl commands, whole Upstreams, or one patch of
    /// the Settings default
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        help_heading = "Patch",
        conflicts_with = "format"
    )]
    pub(super) fix: Option<ResourceFix>,
    /// Make the changes in the files, and leave every other byte as it is
    #[arg(long, help_heading = "Patch", conflicts_with = "fix")]
    pub(super) write: bool,
    /// TLS secret to refer to where a server insists on a client certificate: NAMESPACE/NAME
    #[arg(long, value_name = "SECRET", help_heading = "Patch")]
    pub(super) secret: Option<String>,
    #[command(flatten)]
    pub(super) report: ReportOptions,
    #[command(flatten)]
    pub(super) probing: ProbingOptions,
}

#[derive(Debug, clap::Args)]
pub(super) struct SecretArgs {
    /// Files or directories with Secrets, YAML or JSON; - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Server to show the client certificate to, and to verify with the CA
    #[arg(long = "for", value_name = "HOST:PORT")]
    pub(super) server: Option<String>,
    /// Judge for an Upstream with oneWayTls: true
    #[arg(long, help_heading = "Gloo")]
    pub(super) one_way_tls: bool,
    /// Gloo release whose rules count
    #[arg(long, value_name = "RELEASE", default_value_t = gloo::Release::STABLE, help_heading = "Gloo")]
    pub(super) gloo: gloo::Release,
    /// Envoy release to judge for [default: the one of the Gloo release]
    #[arg(long, value_name = "RELEASE", help_heading = "Gloo")]
    pub(super) envoy: Option<Release>,
    /// Server name that Envoy sends [default: the host]
    #[arg(long, value_name = "NAME", help_heading = "Envoy", conflicts_with = "no_sni")]
    pub(super) sni: Option<String>,
    /// Send no server name
    #[arg(long, help_heading = "Envoy")]
    pub(super) no_sni: bool,
    #[command(flatten)]
    pub(super) way: WayOptions,
    #[command(flatten)]
    pub(super) report: ReportOptions,
    #[command(flatten)]
    pub(super) probing: ProbingOptions,
}

/// Gloo and its Envoy.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PlatformOptions {
    /// Gloo release whose rules count
    #[arg(long, value_name = "RELEASE", default_value_t = gloo::Release::STABLE, help_heading = "Gloo",
          conflicts_with = "to")]
    pub(super) gloo: gloo::Release,
    /// Envoy release to judge for [default: the one of the Gloo release]
    #[arg(long, value_name = "RELEASE", help_heading = "Gloo")]
    pub(super) envoy: Option<Release>,
    /// Judge for a FIPS build
    #[arg(long, help_heading = "Gloo")]
    pub(super) fips: bool,
}

/// What Envoy verifies and shows.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct CredentialOptions {
    /// CA that stands in for those that the input does not hold (PEM)
    #[arg(long, value_name = "FILE", help_heading = "Envoy")]
    pub(super) ca: Option<PathBuf>,
    /// Client certificate chain that stands in for those that the input does not hold (PEM)
    #[arg(long, value_name = "FILE", help_heading = "Envoy", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// Key of that client certificate (PEM, without passphrase)
    #[arg(long, value_name = "FILE", help_heading = "Envoy", requires = "cert")]
    pub(super) key: Option<PathBuf>,
}

/// What the main job can be told.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) cluster: ClusterOptions,
    #[command(flatten)]
    pub(super) way: WayOptions,
    #[command(flatten)]
    pub(super) patch: PatchOptions,
    #[command(flatten)]
    pub(super) report: ReportOptions,
    #[command(flatten)]
    pub(super) probing: ProbingOptions,
}

/// The cluster of the Envoy that is judged.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ClusterOptions {
    /// Envoy release to judge for, such as 1.36, or the one of a Gloo release, such as gloo-1.21
    #[arg(long, value_name = "RELEASE", default_value_t = Release::NEWEST, value_parser = envoy_release,
          help_heading = "Envoy")]
    pub(super) envoy: Release,
    /// Judge for a FIPS build
    #[arg(long, help_heading = "Envoy")]
    pub(super) fips: bool,
    /// Server name that Envoy sends [default: the host, as Gloo does for static Upstreams]
    #[arg(long, value_name = "NAME", help_heading = "Envoy", conflicts_with = "no_sni")]
    pub(super) sni: Option<String>,
    /// Send no server name, as Gloo does for other Upstreams without sslConfig.sni
    #[arg(long, help_heading = "Envoy")]
    pub(super) no_sni: bool,
    /// Server name to try if the server refuses Envoy's; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Envoy")]
    pub(super) try_sni: Vec<String>,
    /// Protocol of the cluster, which decides its ALPN
    #[arg(long, value_enum, default_value_t, help_heading = "Envoy")]
    pub(super) protocol: UpstreamProtocol,
    /// alpnProtocols of the Upstream, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Envoy")]
    pub(super) alpn: Vec<String>,
    /// minimumProtocolVersion of the Upstream, for example TLSv1_2
    #[arg(long, value_name = "VERSION", help_heading = "Envoy")]
    pub(super) minimum_protocol_version: Option<String>,
    /// maximumProtocolVersion of the Upstream, for example TLSv1_3
    #[arg(long, value_name = "VERSION", help_heading = "Envoy")]
    pub(super) maximum_protocol_version: Option<String>,
    /// cipherSuites of the Upstream, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Envoy")]
    pub(super) cipher_suites: Vec<String>,
    /// ecdhCurves of the Upstream, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Envoy")]
    pub(super) ecdh_curves: Vec<String>,
    /// CA that the server's certificate must lead to (PEM); nothing is verified without one
    #[arg(long, value_name = "FILE", help_heading = "Envoy")]
    pub(super) ca: Option<PathBuf>,
    /// Name that the certificate must have, as in verifySubjectAltName; may be repeated
    #[arg(long, value_name = "NAME", help_heading = "Envoy", requires = "ca")]
    pub(super) verify_name: Vec<String>,
    /// Client certificate chain that Envoy would send (PEM)
    #[arg(long, value_name = "FILE", help_heading = "Envoy", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// Key of the client certificate (PEM, without passphrase)
    #[arg(long, value_name = "FILE", help_heading = "Envoy", requires = "cert")]
    pub(super) key: Option<PathBuf>,
}

/// The change, and the names in it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PatchOptions {
    /// Print only the change, for Gloo or for another product that runs Envoy
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        help_heading = "Patch",
        conflicts_with = "format"
    )]
    pub(super) fix: Option<Fix>,
    /// Name of the Upstream in the patch [default: my-upstream]
    #[arg(long, value_name = "NAME", help_heading = "Patch")]
    pub(super) upstream_name: Option<String>,
    /// Namespace of the Upstream in the patch [default: gloo-system, or that of the product]
    #[arg(long, value_name = "NAME", help_heading = "Patch")]
    pub(super) namespace: Option<String>,
    /// TLS secret to refer to in the patch: NAME or NAMESPACE/NAME
    #[arg(long, value_name = "SECRET", help_heading = "Patch")]
    pub(super) secret: Option<String>,
}

/// How the result is shown.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReportOptions {
    /// Form of the report; ndjson is a line for each target as soon as it is done
    #[arg(long, value_enum, default_value_t, help_heading = "Report")]
    pub(super) format: Format,
    /// Say how each answer is known
    #[arg(short, long, help_heading = "Report")]
    pub(super) verbose: bool,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", help_heading = "Report")]
    pub(super) color: Color,
    /// Show no progress bar
    #[arg(long, help_heading = "Report")]
    pub(super) no_progress: bool,
}

/// What stands before the TLS of a server.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct WayOptions {
    /// Begin with this header of the PROXY protocol, as proxyProtocolVersion of the Upstream does
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "Way")]
    pub(super) proxy_protocol: Option<ProxyProtocol>,
    /// Ask for TLS in this protocol first, which Envoy would not: postgres, mysql, smtp, lmtp,
    /// imap, pop3, ldap, xmpp, xmpp-server or ftp
    #[arg(long, value_name = "PROTOCOL", help_heading = "Way")]
    pub(super) starttls: Option<StartTls>,
}

/// How servers are asked.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ProbingOptions {
    /// Go through this proxy: http://HOST:PORT, https://, socks5:// (names are resolved here) or
    /// socks5h:// (names are resolved there); env takes it from HTTPS_PROXY, ALL_PROXY and
    /// NO_PROXY. Credentials come from CIPHER_TEST_PROXY_USER and CIPHER_TEST_PROXY_PASSWORD
    #[arg(long, value_name = "URL", help_heading = "Way")]
    pub(super) proxy: Option<String>,
    /// CA that the certificate of an https:// proxy must lead to (PEM) [default: the system's]
    #[arg(long, value_name = "FILE", help_heading = "Way", requires = "proxy")]
    pub(super) proxy_ca: Option<PathBuf>,
    /// Test IPv4 addresses only
    #[arg(short = '4', long = "ipv4", help_heading = "Way", conflicts_with = "ipv6")]
    pub(super) ipv4: bool,
    /// Test IPv6 addresses only, which Gloo's Envoy does not look up
    #[arg(short = '6', long = "ipv6", help_heading = "Way")]
    pub(super) ipv6: bool,
    /// Test every address behind a name, the default: IPv4, or IPv6 where there is nothing else
    #[arg(long, help_heading = "Way", conflicts_with = "first_address")]
    pub(super) all_addresses: bool,
    /// Test only the address that the resolver names first
    #[arg(long, help_heading = "Way")]
    pub(super) first_address: bool,
    /// Use these addresses for a host and port instead of asking the resolver; may be repeated
    #[arg(long, value_name = "HOST:PORT:ADDR[,ADDR]", help_heading = "Survey")]
    pub(super) resolve: Vec<String>,
    /// Complete no OpenSSL handshakes with the accepted suites
    #[arg(long, help_heading = "Survey", conflicts_with = "exhaustive")]
    pub(super) no_handshakes: bool,
    /// Complete a handshake with every OpenSSL cipher, accepted or not
    #[arg(long, help_heading = "Survey")]
    pub(super) exhaustive: bool,
    /// Survey each server so many times, and report the answers that change
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Survey",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(super) repeat: u16,
    /// Most connections at once to one address, reached from 5 on as long as all goes well
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Survey",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) connections: u16,
    /// Open no more than N connections to one address in all; the verdict comes first
    #[arg(long, value_name = "N", help_heading = "Survey",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) budget: Option<u64>,
    /// Least time between two connections to one address, for example 1s
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, help_heading = "Survey")]
    pub(super) delay: Duration,
    /// How long a connection may take to open
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = timeout, help_heading = "Survey")]
    pub(super) connect_timeout: Duration,
    /// How long the server may take to answer a hello
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = timeout, help_heading = "Survey")]
    pub(super) answer_timeout: Duration,
    /// How long one address may take in all [default: 60s, longer with --delay]
    #[arg(long, value_name = "TIME", value_parser = timeout, help_heading = "Survey")]
    pub(super) deadline: Option<Duration>,
    /// How often to ask again what could not be learned
    #[arg(long, value_name = "N", default_value_t = 3, help_heading = "Survey",
          value_parser = clap::value_parser!(u32).range(0..=20))]
    pub(super) retries: u32,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum UpstreamProtocol {
    #[default]
    Http1,
    Http2,
    Auto,
    Tcp,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum ProxyProtocol {
    #[value(alias = "V1")]
    V1,
    #[value(alias = "V2")]
    V2,
}

impl From<ProxyProtocol> for ProxyHeader {
    fn from(version: ProxyProtocol) -> Self {
        match version {
            ProxyProtocol::V1 => Self::V1,
            ProxyProtocol::V2 => Self::V2,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Fix {
    /// Gloo: a whole static Upstream
    Upstream,
    /// Gloo: a merge patch for kubectl patch
    Patch,
    /// Gloo: the finished kubectl command
    Kubectl,
    /// Plain Envoy: transport_socket of the cluster
    Envoy,
    /// kgateway: a BackendConfigPolicy for the Service of that name
    Kgateway,
    /// Envoy Gateway: a Backend
    EnvoyGateway,
    /// Istio: a DestinationRule, and an EnvoyFilter for the parameters
    Istio,
    /// Contour: the ContourConfiguration, for all upstreams
    Contour,
    /// Emissary-ingress: a TLSContext and its Mapping
    Emissary,
}

impl Fix {
    /// The product that the form is for, unless it is Gloo.
    pub(super) fn product(self) -> Option<Product> {
        match self {
            Self::Upstream | Self::Patch | Self::Kubectl => None,
            Self::Envoy => Some(Product::Envoy),
            Self::Kgateway => Some(Product::Kgateway),
            Self::EnvoyGateway => Some(Product::EnvoyGateway),
            Self::Istio => Some(Product::Istio),
            Self::Contour => Some(Product::Contour),
            Self::Emissary => Some(Product::Emissary),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum ResourceFix {
    /// Merge patches, one document for each resource
    Patch,
    /// Finished kubectl commands
    Kubectl,
    /// The Upstreams as they should be
    Upstream,
    /// One merge patch of the Settings default
    Settings,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Format {
    #[default]
    Text,
    Json,
    // A JSON report for each target on a line of its own, as soon as it is done.
    Ndjson,
    Classic,
}

impl Format {
    /// What is wrong with this form for commands that test no list of targets with one release.
    pub(super) fn not_for_servers_alone(self) -> Result<(), String> {
        match self {
            Self::Text | Self::Json => Ok(()),
            Self::Ndjson => Err("--format ndjson is for single servers".to_owned()),
            Self::Classic => Err("--format classic is for single servers".to_owned()),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum ExplainFormat {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum SchemaKind {
    /// The report on servers
    #[default]
    Report,
    /// The report on Upstreams
    Upstreams,
    /// The comparison of two releases on servers
    Upgrade,
    /// The comparison of two releases on Upstreams
    UpstreamsUpgrade,
    /// The report on Secrets
    Secret,
    /// What explain says
    Explain,
    /// The report on a config dump
    ConfigDump,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

fn envoy_release(text: &str) -> Result<Release, UnknownPlatform> {
    text.parse::<Platform>().map(|platform| platform.envoy)
}

fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_secs(24 * 3600);
    match humantime::parse_duration(text) {
        Ok(time) if time <= LONGEST => Ok(time),
        Ok(_) => Err("must be at most 24h".to_owned()),
        Err(_) => Err("write a time such as 500ms or 2s".to_owned()),
    }
}

fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        time if time.is_zero() => Err("must be longer than 0".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn flags_are_consistent() {
        Args::command().debug_assert();
    }
}
