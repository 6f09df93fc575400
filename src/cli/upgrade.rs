//! `--from` and `--to`: the same targets with two releases.

use std::net::SocketAddr;

use futures::stream::{self, StreamExt};

use super::TARGETS_AT_ONCE;
use super::args::{Fix, Format};
use super::diagnose::{Depth, Subject, confirm, diagnose};
use super::doors::Doors;
use super::output::{fix_text, print_text};
use super::progress::Progress;
use super::settings::{Probing, Settings};
use crate::gloo::Platform;
use crate::report::upgrade::{UpgradeDiagnosis, exit_code, headline, render};
use crate::report::{Diagnosis, json};
use crate::target::Target;
use crate::verdict::Differences;

/// The releases before and after.
type Releases = (Platform, Platform);

pub(super) async fn run(
    settings: &Settings,
    targets: Vec<Target>,
    mistakes: usize,
    releases: Releases,
) -> Result<u8, String> {
    match settings.format {
        Format::Classic => return Err("--format classic knows one release only".to_owned()),
        Format::Ndjson => return Err("--format ndjson knows one release only".to_owned()),
        Format::Text | Format::Json => {}
    }
    let progress = Progress::new(settings.probing.show_progress);
    let doors = Doors::new(&settings.probing.limits);
    let results: Vec<UpgradeDiagnosis> = stream::iter(targets)
        .map(|target| compare(settings, target, releases, &doors, &progress))
        .buffered(TARGETS_AT_ONCE)
        .collect()
        .await;
    progress.finish();
    let code = results.iter().map(|result| exit_code(result.effect())).max();
    let code = code.filter(|_| mistakes == 0).unwrap_or(super::NO_ANSWER);
    match print_text(&text(settings, &results, releases, code)) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the result: {error}"))
        }
        _ => Ok(code),
    }
}

async fn compare(
    settings: &Settings,
    target: Target,
    (from, to): Releases,
    doors: &Doors,
    progress: &Progress,
) -> UpgradeDiagnosis {
    let probing = &settings.probing;
    let older = settings.subject_as(target.clone(), from.envoy);
    let newer = settings.subject_as(target, to.envoy);
    compare_subjects(probing, older, newer, doors, progress).await
}

/// One server with the settings of two releases.
pub(super) async fn compare_subjects(
    probing: &Probing,
    older: Subject,
    newer: Subject,
    doors: &Doors,
    progress: &Progress,
) -> UpgradeDiagnosis {
    let older = Subject { depth: Depth::OwnHello, ..older };
    let newer = Subject { depth: Depth::All, ..newer };
    let differences = Differences::between(&older.config, &newer.config);
    let before = diagnose(probing, older.clone(), doors, progress).await;
    // Resolved once: both are to see the same endpoints.
    let newer =
        Subject { addresses: known_addresses(&before).or(newer.addresses.clone()), ..newer };
    let after = diagnose(probing, newer, doors, progress).await;
    let works_before = match &after.change {
        Some(change) => {
            let changed = Subject { config: change.apply(&older.config), ..older };
            Some(confirm(probing, &changed, &before, doors).await)
        }
        None => None,
    };
    UpgradeDiagnosis { cluster: None, differences, before, after, works_before }
}

/// The addresses that a diagnosis was about.
pub(super) fn known_addresses(diagnosis: &Diagnosis) -> Option<Vec<SocketAddr>> {
    let endpoints = diagnosis.endpoints.iter();
    let addresses: Vec<_> = endpoints.filter_map(|endpoint| endpoint.address.address()).collect();
    (!addresses.is_empty()).then_some(addresses)
}

fn text(
    settings: &Settings,
    results: &[UpgradeDiagnosis],
    releases: Releases,
    exit_code: u8,
) -> String {
    if let Some(fix) = settings.fix {
        return fixes(settings, fix, results, releases);
    }
    if matches!(settings.format, Format::Json) {
        return json::render_upgrade(results, releases, &settings.names, exit_code);
    }
    let texts: Vec<_> = results
        .iter()
        .map(|result| render(result, releases, &settings.names, settings.verbose))
        .collect();
    texts.join("\n")
}

/// The changes for the newer release; what they are for goes to stderr.
fn fixes(
    settings: &Settings,
    fix: Fix,
    results: &[UpgradeDiagnosis],
    releases: Releases,
) -> String {
    let mut text = String::new();
    for result in results {
        let target = &result.after.target;
        tell!("cipher-test: {target}: {}", headline(result.effect(), releases));
        if let Some(Err(reason)) = &result.works_before {
            tell!(
                "cipher-test: {target}: make the change with the upgrade, not before: with the \
                 older release, {reason}"
            );
        }
        let piece = fix_text(&settings.names, fix, &result.after);
        if !text.is_empty() && !piece.is_empty() && !matches!(fix, Fix::Kubectl) {
            text += "---\n";
        }
        text += &piece;
    }
    text
}
