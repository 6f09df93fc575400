//! Ways through: the flags and variables of a proxy, and where it leads.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::sync::OnceCell;

use super::args::{ProbingOptions, WayOptions};
use super::settings::read;
use crate::probe::{Opening, Proxy, ProxyCredentials, ProxyHeader, StartTls, Way};
use crate::target::{Choice, Family, Host, Target};

/// What holds the credentials of the proxy.
const USER: &str = "CIPHER_TEST_PROXY_USER";
const PASSWORD: &str = "CIPHER_TEST_PROXY_PASSWORD";

/// What `--proxy env` reads, the most particular first, as curl does for https.
const ENVIRONMENT: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXEMPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy of a run.
#[derive(Clone)]
pub(super) struct Gateway {
    proxy: Proxy,
    exempt: Exempt,
    addresses: OnceCell<Result<Vec<SocketAddr>, String>>,
}

impl Gateway {
    /// The proxy that the flags ask for. None of the environment is used unless asked for.
    pub(super) fn from_args(options: &ProbingOptions) -> Result<Option<Self>, String> {
        let Some(given) = options.proxy.as_deref() else { return Ok(None) };
        let (proxy, exempt) = match given {
            "env" => (from_environment()?, Exempt::new(&variable(&EXEMPT).unwrap_or_default())),
            url => (url.parse().map_err(|error| format!("--proxy: {error}"))?, Exempt::default()),
        };
        if given != "env" && proxy.has_credentials() {
            tell!(
                "cipher-test: --proxy: others can read credentials on a command line: set {USER} \
                 and {PASSWORD} instead"
            );
        }
        let mut proxy = match own_credentials() {
            Some(credentials) => proxy.with_credentials(credentials),
            None => proxy,
        };
        if let Some(path) = &options.proxy_ca {
            proxy = with_authorities(proxy, path)?;
        }
        let choice = choice(options);
        if proxy.resolves_names() && choice != Choice::default() {
            return Err(format!(
                "-4, -6 and --first-address choose from addresses, and {proxy} resolves names \
                 itself: use socks5://, which leaves that to us"
            ));
        }
        Ok(Some(Self { proxy, exempt, addresses: OnceCell::new() }))
    }

    /// The proxy for a target, without its addresses; `None` if the target is to be reached
    /// without.
    pub(super) fn proxy_named_for(&self, target: &Target) -> Option<&Proxy> {
        (!self.exempt.includes(target)).then_some(&self.proxy)
    }

    /// The proxy for a target, with its addresses; `None` if the target is to be reached without.
    pub(super) async fn proxy_for(
        &self,
        target: &Target,
        limit: Duration,
    ) -> Result<Option<Proxy>, String> {
        let Some(proxy) = self.proxy_named_for(target) else { return Ok(None) };
        let addresses = self.addresses.get_or_init(|| self.resolve(limit)).await;
        let addresses = addresses.clone()?;
        Ok(Some(proxy.clone().reached_at(addresses)))
    }

    async fn resolve(&self, limit: Duration) -> Result<Vec<SocketAddr>, String> {
        let found = self.proxy.at().resolve(Choice::default(), limit).await;
        let found = found.map_err(|error| format!("the proxy {}: {error}", self.proxy))?;
        Ok([found.endpoints, found.ignored].concat())
    }
}

fn from_environment() -> Result<Proxy, String> {
    let url = variable(&ENVIRONMENT)
        .ok_or_else(|| format!("--proxy env: none of {} is set", ENVIRONMENT.join(", ")))?;
    // As curl has it, a proxy without a scheme speaks HTTP.
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    url.parse().map_err(|error| format!("--proxy env: {error}"))
}

/// The first of these variables that is set to something.
fn variable(names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty())
}

fn own_credentials() -> Option<ProxyCredentials> {
    let (user, password) = (variable(&[USER]), variable(&[PASSWORD]));
    (user.is_some() || password.is_some())
        .then(|| ProxyCredentials::new(user.unwrap_or_default(), password.unwrap_or_default()))
}

fn with_authorities(proxy: Proxy, path: &Path) -> Result<Proxy, String> {
    let pem = read(path)?;
    proxy.with_authorities(&pem).map_err(|error| format!("cannot use {}: {error}", path.display()))
}

/// The hosts that `NO_PROXY` exempts: names with all below them, addresses, or `*`.
#[derive(Default, Clone)]
struct Exempt(Vec<String>);

impl Exempt {
    fn new(list: &str) -> Self {
        let entries = list.split([',', ' ']).map(|entry| entry.trim().trim_start_matches("*."));
        let entries = entries.map(|entry| entry.trim_start_matches('.').to_ascii_lowercase());
        Self(entries.filter(|entry| !entry.is_empty()).collect())
    }

    fn includes(&self, target: &Target) -> bool {
        let host = target.host.to_string().to_ascii_lowercase();
        self.0.iter().any(|entry| {
            let is_below =
                host.strip_suffix(entry.as_str()).is_some_and(|rest| rest.ends_with('.'));
            let is_name = matches!(target.host, Host::Name(_));
            entry == "*" || *entry == host || (is_name && is_below)
        })
    }
}

/// Which addresses count.
pub(super) fn choice(options: &ProbingOptions) -> Choice {
    let family = match (options.ipv4, options.ipv6) {
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        _ => None,
    };
    Choice { family, first_only: options.first_address }
}

/// What a survey by these flags does that its user may not expect.
pub(super) fn warn(options: &WayOptions) {
    if options.starttls == Some(StartTls::Mysql) {
        tell!(
            "cipher-test: --starttls mysql: a server blocks hosts whose connections end without a \
             login, after max_connect_errors (100) of them in a row: run this where Envoy does \
             not run, or FLUSH HOSTS after it"
        );
    }
}

/// What lies between the server and its TLS; `name` is what the server is called.
pub(super) fn way(options: &WayOptions, name: &str) -> Way {
    Way {
        proxy_header: options.proxy_protocol.map(ProxyHeader::from),
        starttls: options.starttls.map(|protocol| Opening { protocol, name: name.to_owned() }),
        ..Way::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exemptions_are_names_with_all_below_them_and_addresses() {
        let exempt = Exempt::new("localhost,.svc, *.Example.com 10.0.0.1,,");
        #[rustfmt::skip]
        let table = [
            ("localhost:1",            true),
            ("orders.shop.svc:1",      true),
            ("example.com:1",          true),
            ("a.EXAMPLE.com:1",        true),
            ("notexample.com:1",       false),
            ("10.0.0.1:1",             true),
            ("110.0.0.1:1",            false),
            ("example.org:1",          false),
        ];
        for (target, expected) in table {
            assert_eq!(exempt.includes(&target.parse().unwrap()), expected, "{target}");
        }
        assert!(Exempt::new("*").includes(&"a:1".parse().unwrap()));
        assert!(!Exempt::default().includes(&"a:1".parse().unwrap()));
    }
}
