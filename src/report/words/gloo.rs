//! What is known of Gloo's resources, in words.

use crate::gloo::{AppliedFrom, Endpoint, Note, PlainBecause, Reach};
use crate::remedy::RevisionNote;
use crate::report::upstreams::{NotTested, authority};

/// One sentence without a full stop.
pub(in crate::report) fn note(note: &Note) -> String {
    match note {
        Note::SniUnused(name) => format!(
            "sslConfig.sni {name} has no effect: each host of a static Upstream is sent its own \
             name, its sniAddr or else its addr, unless autoSniRewrite is false"
        ),
        Note::SniIsAddress(address) => {
            format!(
                "the address {address} is sent as server name; sniAddr of the host sets another"
            )
        }
        Note::NoSni => "no server name is sent: sslConfig.sni is not set".to_owned(),
        Note::ParametersIgnoredBySds => {
            "sslConfig.parameters have no effect beside sds: Envoy's defaults count".to_owned()
        }
        Note::SettingsIgnoredBySds => {
            "the Settings default has no effect beside sds: Envoy's defaults count".to_owned()
        }
        Note::SslConfigDiscarded(kind) => format!(
            "sslConfig has no effect on an Upstream of kind {kind}; the Settings default has"
        ),
        Note::SettingsReplaced => {
            "its own parameters take the place of the whole Settings default".to_owned()
        }
        Note::SecretMissing(name) => format!(
            "Secret {name} was not found, so that Gloo left the TLS settings out: create it as \
             kubernetes.io/tls in a namespace that Gloo watches"
        ),
        Note::SecretNamespaceMissing(name) => format!(
            "secretRef {name} names no namespace, and there is no default: Gloo does not find it"
        ),
        Note::SecretNotGiven(name) => format!(
            "Secret {name} is not among the input, so neither its client certificate nor its CA \
             was tried: give it too, as of kubectl get upstreams.gloo.solo.io,secrets -A -o yaml"
        ),
        Note::FilesNotGiven => {
            "sslFiles name files in the proxy's pod, so the CA was not tried; --ca takes a copy"
                .to_owned()
        }
        Note::SdsNotGiven => "what sds delivers is not known here and was not tried".to_owned(),
        Note::NothingVerified => {
            "nothing is verified: neither chain nor name of the server".to_owned()
        }
        Note::NameNotVerified => {
            "the chain is verified and the name is not: verifySubjectAltName is not set".to_owned()
        }
        Note::OneWayTlsDropsVerification(release) => format!(
            "with Gloo {release} oneWayTls turns verification off and still sends the client \
             certificate; 1.20 mends that"
        ),
        Note::OneWayTlsUnknown(release) => {
            format!(
                "Gloo {release} has no oneWayTls; 1.18 was the first, 1.20 the first to be right"
            )
        }
        Note::OneWayTlsIgnoredBySds => "oneWayTls has no effect beside sds".to_owned(),
        Note::UseTlsFalseOverruled => {
            "useTls: false does not turn TLS off where there is an sslConfig".to_owned()
        }
        Note::UseTlsFalseUnknown(release) => {
            format!(
                "useTls: false has no effect with Gloo {release}; 1.15 was the first to heed it"
            )
        }
        Note::AllHostsBecauseOf443(host) => {
            format!("TLS is used for all hosts, since {host} has port 443 and useTls is not set")
        }
        Note::AutoMtls => {
            "Istio auto mTLS takes the place of its TLS, and what is not in the mesh gets plain \
             text: set disableIstioAutoMtls: true or an sslConfig"
                .to_owned()
        }
        Note::ProxyProtocolHidesTls => {
            "with proxyProtocolVersion, useTls and port 443 do not turn TLS on: give it an \
             sslConfig, which may be empty"
                .to_owned()
        }
        Note::SeveralKinds(kinds) => format!(
            "{} are all set, and the last one counts: {}",
            kinds.join(", "),
            kinds.last().copied().unwrap_or_default()
        ),
        Note::SeveralCredentials => {
            "several of secretRef, sslFiles and sds are set: sds counts before sslFiles, and that \
             before secretRef"
                .to_owned()
        }
        Note::UnknownField(path) => {
            format!("{path} is no field of the resource: Kubernetes drops it{}", hint(path))
        }
        Note::FailoverIsEnterprise => {
            "failover works in the Enterprise edition only and was not looked at".to_owned()
        }
        Note::FollowsDownstreamProtocol => {
            "protocolSelection follows the client's protocol; HTTP/1 was judged".to_owned()
        }
        Note::Status { state, reason } => format!("Gloo says {state}: {}", one_line(reason)),
    }
}

fn hint(path: &str) -> &'static str {
    let name = path.rsplit('.').next().unwrap_or_default();
    if name.eq_ignore_ascii_case("sslConfig") {
        return "; sslConfig belongs into spec, and is spelt so";
    }
    match name {
        "cipherSuites" | "cipher_suites" | "sslParameters" => {
            "; suites belong into sslConfig.parameters.cipherSuites"
        }
        "ssl_config" | "tls" => "; it is called sslConfig",
        "useTls" | "use_tls" => "; useTls belongs into spec.static",
        "parameters" => "; it belongs into sslConfig",
        _ => "",
    }
}

/// A reason as a controller writes it, over several lines.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

pub(in crate::report) fn plain_because(because: &PlainBecause) -> String {
    match because {
        PlainBecause::UseTlsFalse => {
            "plain text because of useTls: false; any sslConfig would turn TLS on".to_owned()
        }
        PlainBecause::NoSslConfig => {
            "plain text: it has no sslConfig, and nothing else turns TLS on".to_owned()
        }
        PlainBecause::SecretMissing(name) => {
            format!("plain text now: Secret {name} is missing, and sslConfig is left out with it")
        }
        PlainBecause::ProxyProtocol => {
            "plain text: proxyProtocolVersion is set, and there is no sslConfig".to_owned()
        }
        PlainBecause::IstioAutoMtls => {
            "plain text outside of the mesh: Istio auto mTLS is on in Settings".to_owned()
        }
    }
}

pub(in crate::report) fn not_tested(endpoint: &Endpoint, reason: &NotTested) -> String {
    let reach = match reason {
        NotTested::NotAsked => return "nobody asked for it".to_owned(),
        NotTested::PlainText => return "it is spoken to in plain text".to_owned(),
        NotTested::BadAddress(why) => return why.clone(),
        NotTested::Http2Tunnel => {
            return "useHttp2 counts for the proxy, which is sent CONNECT over HTTP/2, and that \
                    cannot be tried here; few proxies know it: try useHttp2: false"
                .to_owned();
        }
        NotTested::NoAddress(reach) => reach,
    };
    match reach {
        Reach::ConsulCatalog => format!(
            "its addresses are in the Consul catalog: cipher-test ADDRESS:PORT{}",
            sni_flag(endpoint)
        ),
        Reach::Ec2 => format!(
            "its addresses are those of EC2 instances: cipher-test ADDRESS:{}{}",
            endpoint.port,
            sni_flag(endpoint)
        ),
        Reach::UnixSocket => "it is a Unix socket in the proxy's pod".to_owned(),
        Reach::PerRequest => "its host name is made anew for each request".to_owned(),
        Reach::Unknown => "what Gloo Enterprise makes of this kind is not public".to_owned(),
        Reach::Anywhere | Reach::WithinCluster => "its address is not known".to_owned(),
    }
}

/// Names that a shell would not take for one word, or the command for a flag, are left to people.
fn sni_flag(endpoint: &Endpoint) -> String {
    let is_word = |name: &str| {
        let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        name.bytes().all(sign) && !name.starts_with('-')
    };
    match endpoint.tls.as_ref().and_then(|tls| tls.config.sni.as_ref()) {
        Some(name) if is_word(name) => format!(" --sni {name}"),
        Some(_) => " --sni SERVER_NAME".to_owned(),
        None => " --no-sni".to_owned(),
    }
}

/// What to do about a name that resolves elsewhere.
pub(in crate::report) fn unresolved_advice(endpoint: &Endpoint) -> Option<String> {
    let name = authority(endpoint);
    (endpoint.reach == Reach::WithinCluster).then(|| {
        format!(
            "The name resolves within the cluster only: run cipher-test in a pod there, or name \
             an address: --resolve {name}:ADDRESS"
        )
    })
}

pub(in crate::report) fn revision_note(note: RevisionNote) -> String {
    match note {
        RevisionNote::ForAllUpstreams => {
            "It counts for every Upstream that has no parameters of its own.".to_owned()
        }
        RevisionNote::ForAllPorts => {
            "The annotation counts for every port of the Service, where the others may name one."
                .to_owned()
        }
        RevisionNote::RepeatsSettings => {
            "It repeats the Settings default, which counts only where an Upstream has no \
             parameters; later changes of the default do not reach this Upstream."
                .to_owned()
        }
        RevisionNote::SecretNotTried => {
            "The certificate in the Secret was not tried: give the Secret beside the Upstreams, or \
             --cert and --key."
                .to_owned()
        }
        RevisionNote::OwnedByDiscovery => {
            "Discovery writes this Upstream from the Service's annotations and would take a \
             change of the Upstream back; so the Service is patched."
                .to_owned()
        }
    }
}

pub(in crate::report) fn applied_from(sources: &[AppliedFrom]) -> Option<String> {
    let names: Vec<_> = sources.iter().map(|source| source.name()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "The Upstream seems to be applied by {}, which takes live changes back: change its \
             source too.",
            names.join(" and ")
        )
    })
}
