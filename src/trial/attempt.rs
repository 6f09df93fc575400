//! One configuration tried on one endpoint.

use std::time::Duration;

use super::obstacle::{Obstacle, Passage, judge};
use crate::envoy::ClientConfig;
use crate::probe::{Outcome, ProbeError, Prober};

/// How long to wait before a hello that taught nothing is sent again.
pub(super) const PAUSE: Duration = Duration::from_millis(150);

/// How often a hello that is hung up on is sent in all, to a server that answers others.
pub(super) const ENDED_TRIES: u32 = 3;

/// What came of the hello that a configuration makes.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The configuration.
    pub config: ClientConfig,
    /// Through, or what is in the way.
    pub result: Result<Passage, Obstacle>,
    /// How many bytes the hello had; 0 if none was sent.
    pub hello_bytes: usize,
    /// The warnings that the server sent before its answer.
    pub warnings: Vec<String>,
    /// The server's certificate chain, where it came in clear.
    pub chain: Vec<Vec<u8>>,
    /// Whether the server was seen to ask for a client certificate, which is in clear up to
    /// TLS 1.2.
    pub certificate_requested: bool,
}

impl Attempt {
    /// An attempt that no answer came of.
    pub(super) fn blocked(config: ClientConfig, obstacle: Obstacle) -> Self {
        let result = Err(obstacle);
        Self {
            config,
            result,
            hello_bytes: 0,
            warnings: Vec::new(),
            chain: Vec::new(),
            certificate_requested: false,
        }
    }

    /// Whether the hello got through.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.result.is_ok()
    }
}

/// Sends the hello that `config` makes, again while nothing is learned from it.
pub(super) async fn attempt(prober: &Prober, config: ClientConfig) -> Attempt {
    let mut tries = 0;
    loop {
        let attempt = attempt_once(prober, config.clone()).await;
        tries += 1;
        // A server that has answered nothing yet is not asked the same thing for ever.
        let is_first = prober.gate().connections_opened() <= u64::from(tries);
        let most = match &attempt.result {
            Err(Obstacle::Ended(_)) if prober.has_answered() || is_first => ENDED_TRIES - 1,
            Err(Obstacle::Ended(_)) => 1,
            Err(Obstacle::Unclear(ProbeError::Silence { .. })) => u32::from(prober.has_answered()),
            Err(Obstacle::Unclear(ProbeError::ConnectTimeout(_))) => 1,
            Err(Obstacle::Unclear(ProbeError::StartTls(error))) if error.may_pass() => 1,
            // Something on the way may have changed the answer, this once.
            Err(
                Obstacle::SuiteNotOffered(_)
                | Obstacle::VersionNotOffered(_)
                | Obstacle::VersionTooLow(_),
            ) => 1,
            _ => 0,
        };
        if tries > prober.limits().retries.min(most) {
            return attempt;
        }
        let is_trouble = matches!(attempt.result, Err(Obstacle::Ended(_) | Obstacle::Unclear(_)));
        let is_quick = !is_trouble || (most == 1 && !prober.has_answered());
        let pause = if is_quick { PAUSE / 8 } else { PAUSE };
        tokio::time::sleep(pause * tries * tries).await;
    }
}

pub(super) async fn attempt_once(prober: &Prober, config: ClientConfig) -> Attempt {
    let made = config.offer().and_then(|offer| Ok((offer, config.client_hello(&mut rand::rng())?)));
    let (offer, hello) = match made {
        Ok(made) => made,
        Err(fault) => return Attempt::blocked(config, Obstacle::Config(fault)),
    };
    let outcome = prober.ask(&hello).await;
    let result = judge(config.release, &offer, &hello, &outcome);
    let (warnings, chain, certificate_requested) = match outcome {
        Outcome::Selected(flight) => {
            let warnings = flight.warnings.iter().map(ToString::to_string).collect();
            (warnings, flight.certificates, flight.certificate_request.is_some())
        }
        _ => (Vec::new(), Vec::new(), false),
    };
    let hello_bytes = hello.encode().map_or(0, |bytes| bytes.len());
    Attempt { config, result, hello_bytes, warnings, chain, certificate_requested }
}
