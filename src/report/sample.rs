//! Diagnoses of the lab's servers, for the tests of every format.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Diagnosis, Endpoint};
use crate::envoy::{Build, ClientConfig, Release};
use crate::lab::{Scenario, Server};
use crate::probe::{Gate, Limits, Prober, Way};
use crate::remedy::Change;
use crate::survey::{Clearance, Options, Subject, survey};
use crate::target::{Host, Target};
use crate::trial::{Candidates, Checks, Obstacle, settle, try_own, widen};
use crate::verdict::judge;

/// A scenario's server seen by the newest Envoy with its defaults.
pub(super) async fn diagnose(scenario: Scenario) -> Diagnosis {
    diagnose_with(scenario, false).await
}

/// The same, with a complete handshake for every cipher of OpenSSL.
pub(super) async fn diagnose_exhaustively(scenario: Scenario) -> Diagnosis {
    diagnose_with(scenario, true).await
}

async fn diagnose_with(scenario: Scenario, exhaustive: bool) -> Diagnosis {
    let server = Server::start(scenario, 0).await.unwrap();
    let limits = Arc::new(Limits::default());
    let gate = Arc::new(Gate::new(5, limits.delay, Arc::new(Semaphore::new(64))));
    let prober = Prober::new(server.address(), gate, limits);
    let config = ClientConfig::new(Release::NEWEST, Build::Standard);
    let checks = Checks::default();
    let mut trial = try_own(&prober, &config, &checks).await;
    widen(&prober, &mut trial, &Candidates::default(), &checks).await;
    let speaks_tls = !matches!(trial.own.result, Err(Obstacle::NotTls { .. }));
    let survey = if speaks_tls {
        let deadline = Instant::now() + Duration::from_secs(60);
        let options =
            Options { handshakes: true, exhaustive, clearance: Clearance::given(None), deadline };
        let subject = Subject { sni: trial.working_server_name(), ..Subject::default() };
        let survey = survey(&prober, &subject, &options, &|_| ()).await;
        settle(&prober, &mut trial, &survey, &checks).await;
        Some(survey)
    } else {
        None
    };
    let verdict = judge(&trial, survey.as_ref(), &checks);
    let change = trial.remedy.as_ref().map(|remedy| Change::between(&config, &remedy.config));
    let connections = prober.gate().connections_opened();
    let elapsed = Duration::from_millis(12);
    let address = server.address();
    let endpoint = Endpoint {
        address: address.into(),
        trial,
        survey,
        verdict,
        connections,
        round_trips: prober.gate().round_trips(),
        verdict_round_trips: 2,
        elapsed,
    };
    Diagnosis {
        target: Target { host: Host::Address(address.ip()), port: address.port() },
        config,
        way: Way::default(),
        unresolved: None,
        ignored: Vec::new(),
        endpoints: vec![endpoint],
        change,
        no_change: None,
    }
}
