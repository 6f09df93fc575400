#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]
use cipher_test::{probe::*, survey::*};
use std::sync::Arc;
#[tokio::main]
async fn main() {
    let addr: std::net::SocketAddr = std::env::args().nth(1).unwrap().parse().unwrap();
    let hs = std::env::args().nth(2).is_some();
    let limits = Arc::new(Limits::default());
    let gate = Arc::new(Gate::new(5, limits.delay, Arc::new(tokio::sync::Semaphore::new(64))));
    let prober = Prober::new(addr, gate, limits);
    let t = std::time::Instant::now();
    let o = Options {
        handshakes: hs,
        exhaustive: false,
        control: None,
        deadline: tokio::time::Instant::now() + std::time::Duration::from_secs(60),
    };
    let s = survey(&prober, &Subject { sni: Some("localhost".into()) }, &o, &|_| ()).await;
    let e = t.elapsed();
    for v in &s.versions {
        println!(
            "{} accepted {} {:?} proven {} unclear {}",
            v.version,
            v.accepted.len(),
            v.preference,
            v.order_proven,
            v.unclear()
        );
        for c in &v.accepted {
            println!("   {:?} {} {}", c.openssl_name(), c, v.answers[c]);
        }
    }
    println!(
        "{:?} chains {} {:?} alpn {:?} odd {:?}",
        s.groups,
        s.chains.len(),
        s.client_certificate,
        s.alpn,
        s.oddities
    );
    for h in &s.handshakes {
        if !matches!(h.result, HandshakeResult::Completed(_)) {
            println!("{:?}", h);
        }
    }
    println!(
        "{:?} connections {} pairs {} handshakes {}",
        e,
        prober.gate().connections_opened(),
        s.accepted().count(),
        s.handshakes.len()
    );
}
