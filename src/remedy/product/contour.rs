//! Contour: `ContourConfiguration`, for all upstreams at once.

use serde_json::json;

use super::{Fields, Limit, Note, Product, Unsettable, Wanted, Written, number};
use crate::envoy::Protocol;
use crate::tls::TlsVersion;

/// The suites that Contour takes, alone or in brackets
/// (`apis/projectcontour/v1alpha1/ciphersuites.go`).
const SUITES: [&str; 14] = [
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA",
];

/// The curves that Contour takes (`apis/projectcontour/v1alpha1/ecdhcurves.go`).
const CURVES: [&str; 6] = ["X25519", "P-256", "P-384", "P-521", "X25519MLKEM768", "MLKEM1024"];

/// The part of a `ContourConfiguration` that is about upstreams.
///
/// Contour `apis/projectcontour/v1alpha1/{contourconfig,contourconfig_helpers}.go`,
/// `internal/dag/httpproxy_processor.go` (`determineSNI`) and `internal/envoy/v3/cluster.go`.
pub(super) fn documents(wanted: &Wanted<'_>) -> Written {
    Unsettable::check(limits(wanted))?;
    let elsewhere = elsewhere(wanted);
    let upstream_tls = Fields::default()
        .text("minimumProtocolVersion", wanted.minimum().and_then(number))
        .text("maximumProtocolVersion", wanted.maximum().and_then(number))
        .list("cipherSuites", &wanted.after.cipher_suites)
        .list("ecdhCurves", &wanted.after.ecdh_curves);
    let cluster = Fields::default().object("upstreamTLS", upstream_tls);
    let mut envoy = Fields::default().object("cluster", cluster);
    if let Some((namespace, name)) = &wanted.names.secret {
        let secret = json!({ "name": name, "namespace": namespace });
        envoy = envoy.value("clientCertificate", secret);
    }
    if envoy.is_empty() {
        let limits = elsewhere.into_iter().map(Limit::Elsewhere).collect();
        return Err(Unsettable { limits });
    }
    let mut notes = vec![Note::ContourScope, Note::OwnVersions(Product::Contour)];
    notes.push(Note::Verification(Product::Contour));
    if !wanted.after.ecdh_curves.is_empty() {
        notes.push(Note::ContourCurves);
    }
    notes.extend(elsewhere);
    let spec = Fields::default().object("envoy", envoy);
    let configuration = wanted.object("projectcontour.io/v1alpha1", "ContourConfiguration", spec);
    Ok((vec![configuration], notes))
}

fn limits(wanted: &Wanted<'_>) -> Vec<Limit> {
    let after = wanted.after;
    let old = |field, version: Option<TlsVersion>| {
        let version = version.filter(|version| *version < TlsVersion::TLS12)?;
        Some(Limit::ContourVersion { field, version })
    };
    let suites = refused(&after.cipher_suites, &SUITES);
    let curves = refused(&after.ecdh_curves, &CURVES);
    let limits = [
        old("minimumProtocolVersion", after.minimum_protocol_version),
        old("maximumProtocolVersion", after.maximum_protocol_version),
        (!suites.is_empty()).then_some(Limit::ContourSuites(suites)),
        (!curves.is_empty()).then_some(Limit::ContourCurves(curves)),
        (!after.signature_algorithms.is_empty())
            .then_some(Limit::SignatureAlgorithms(Product::Contour)),
        (!after.alpn_protocols.is_empty()).then_some(Limit::ContourAlpn),
    ];
    limits.into_iter().flatten().collect()
}

/// The names that are not in `known`; one in brackets must be so in all its parts.
fn refused(list: &[String], known: &[&str]) -> Vec<String> {
    let is_known = |name: &str| {
        let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.unwrap_or(name).split('|').all(|part| known.contains(&part))
    };
    list.iter().filter(|name| !is_known(name)).cloned().collect()
}

/// What other resources of Contour have to say.
fn elsewhere(wanted: &Wanted<'_>) -> Vec<Note> {
    let name = wanted.change.sni.clone().map(Note::ContourServerName);
    let http2 = wanted.after.protocol == Protocol::Http2;
    let protocol =
        wanted.change.use_http2.is_some() || (http2 && wanted.own.protocol != Protocol::Http2);
    let protocol = protocol.then_some(Note::ContourProtocol { http2 });
    name.into_iter().chain(protocol).collect()
}
