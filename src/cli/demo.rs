//! `cipher-test demo`: the real main job against an embedded server.

use std::fmt::Write;

use super::args::{Demo, Options};
use super::output::print_all;
use super::settings::Settings;
use super::{NO_ANSWER, fleet};
use crate::lab::{Scenario, Server};
use crate::target::{Host, Target};

pub(super) async fn run(demo: Demo) -> Result<u8, String> {
    if demo.list {
        return print_all(&list());
    }
    let scenario = Scenario::from_name(&demo.scenario).ok_or_else(|| {
        format!("there is no scenario '{}': see cipher-test demo --list", demo.scenario)
    })?;
    let server = Server::start(scenario, demo.port).await.map_err(|error| error.to_string())?;
    let address = server.address();
    announce(scenario, &address.to_string());
    if demo.serve {
        return serve(server).await;
    }
    let settings = Settings::from_args(&options(scenario, demo.options))?;
    let target = Target { host: Host::Address(address.ip()), port: address.port() };
    let code = fleet::run(&settings, fleet::Plan::of_one(&target)).await?;
    // The demo has shown what it promised, whatever the verdict on its server.
    Ok(if code == NO_ANSWER { NO_ANSWER } else { 0 })
}

fn announce(scenario: Scenario, address: &str) {
    tell!("demo '{}' on {address}: {}", scenario.name(), scenario.shows());
}

async fn serve(server: Server) -> Result<u8, String> {
    let end = tokio::signal::ctrl_c().await;
    drop(server);
    end.map(|()| 0).map_err(|error| format!("cannot wait for Ctrl-C: {error}"))
}

/// A scenario that insists on a name is met as an Upstream without one would meet it.
fn options(scenario: Scenario, mut options: Options) -> Options {
    if let Some(name) = scenario.server_name()
        && options.cluster.sni.is_none()
    {
        options.cluster.no_sni = true;
        options.cluster.try_sni.push(name.to_owned());
    }
    options
}

fn list() -> String {
    let mut text = String::new();
    for scenario in Scenario::ALL {
        let _ = writeln!(text, "{:<13} {}", scenario.name(), scenario.shows());
    }
    text
}
