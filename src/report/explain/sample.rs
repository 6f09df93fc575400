//! Something to render, shared by the tests of all formats.

use crate::gloo::symptom::{Explained, Explainer};

/// Lines of several kinds, with one that says nothing.
pub(super) const LINES: &str = r#"{"code":503,"flags":"UF","start_time":"2026-11-23T02:28:10.295Z","upstream_cluster":"orders_shop","upstream_host":"10.0.0.7:443","upstream_transport_failure_reason":"TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL_routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end"}
{"code":503,"flags":"UF","start_time":"2026-11-23T02:29:10.295Z","upstream_cluster":"orders_shop","upstream_host":"10.0.0.8:443","upstream_transport_failure_reason":"TLS_error:|268436496:SSL_routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE|268435610:SSL_routines:OPENSSL_internal:HANDSHAKE_FAILURE_ON_CLIENT_HELLO:TLS_error_end"}
TLS error: 268436547:SSL routines:OPENSSL_internal:unknown_error
SSL secret not found: list did not find secret shop.orders-tls
cluster.orders_shop.ssl.connection_error: 12
nothing to see here
"#;

/// What they show.
pub(super) fn explained() -> Explained {
    let mut explainer = Explainer::new().unwrap();
    LINES.lines().for_each(|line| explainer.line(line.as_bytes()));
    explainer.finish()
}
