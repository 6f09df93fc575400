//! `cipher-test secret`: Secrets judged, alone or against a server.
#![expect(clippy::print_stderr, reason = "the command's own words go to stderr")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use tokio::sync::Semaphore;

use super::NO_ANSWER;
use super::args::{Format, SecretArgs};
use super::diagnose::{Depth, Subject, diagnose};
use super::input::{self, STDIN};
use super::output::print_text;
use super::progress::Progress;
use super::settings::{Probing, choose_color, secret_checks, server_name};
use crate::envoy::{Build, ClientConfig};
use crate::gloo::{Document, DocumentError, Mode, Place, Secret};
use crate::probe::Way;
use crate::report::json;
use crate::report::secrets::{SecretDiagnosis, ServerAnswer, render};
use crate::target::Target;
use crate::trial::{Candidates, printable};

/// What was read.
#[derive(Default)]
struct Found {
    secrets: Vec<(Place, Secret)>,
    others: usize,
    mistakes: usize,
}

pub(super) async fn run(args: SecretArgs) -> Result<u8, String> {
    choose_color(args.report.color);
    if matches!(args.report.format, Format::Classic) {
        return Err("--format classic is for single servers".to_owned());
    }
    let server: Option<Target> = match &args.server {
        Some(text) => Some(text.parse().map_err(|error| format!("--for: {error}"))?),
        None => None,
    };
    let sni = args.sni.as_deref().map(server_name).transpose()?;
    let found = read(&args.files);
    if found.secrets.is_empty() {
        return nothing(&found);
    }
    let probing = Probing::from_args(&args.probing, &args.report, false)?;
    let doors = Arc::new(Semaphore::new(probing.limits.connections));
    let progress = Progress::new(probing.show_progress && server.is_some(), found.secrets.len());
    let mut results = Vec::new();
    for (place, secret) in &found.secrets {
        let verdict = secret.judge(args.gloo, args.one_way_tls, SystemTime::now());
        let answer = match (&server, verdict.mode) {
            (Some(target), Some(mode)) => {
                let subject = subject(&args, &probing, target, sni.clone(), secret, mode)?;
                let diagnosis = diagnose(&probing, subject, &doors, &progress).await;
                Some(ServerAnswer::new(diagnosis, mode))
            }
            _ => None,
        };
        let name = secret.name.clone();
        results.push(SecretDiagnosis { place: place.clone(), name, verdict, server: answer });
    }
    progress.finish();
    print(&args, &results)?;
    let code = results.iter().map(SecretDiagnosis::exit_code).max().unwrap_or(NO_ANSWER);
    Ok(if found.mistakes > 0 { NO_ANSWER } else { code })
}

fn print(args: &SecretArgs, results: &[SecretDiagnosis]) -> Result<(), String> {
    let text = match args.report.format {
        Format::Json => json::render_secrets(results, args.gloo),
        _ => {
            let texts: Vec<_> =
                results.iter().map(|result| render(result, args.report.verbose)).collect();
            texts.join("\n")
        }
    };
    match print_text(&text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the result: {error}"))
        }
        _ => Ok(()),
    }
}

fn read(files: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in files {
        let result = match path.as_os_str() == STDIN {
            true => {
                input::read_stdin(|document| found.take(document));
                Ok(())
            }
            false => input::read_path(path, |document| found.take(document)),
        };
        if let Err(message) = result {
            found.complain(&message);
        }
    }
    found
}

impl Found {
    fn take(&mut self, document: Result<Document, DocumentError>) {
        let Document { place, mut object } = match document {
            Ok(document) => document,
            Err(error) => return self.complain(&error.to_string()),
        };
        if object.get("kind").and_then(Value::as_str) != Some("Secret") {
            self.others += 1;
            return;
        }
        match Secret::take(&mut object) {
            Ok(secret) => self.secrets.push((place, secret)),
            Err(fault) => self.complain(&format!("{place}: {fault}")),
        }
    }

    fn complain(&mut self, message: &str) {
        self.mistakes += 1;
        eprintln!("cipher-test: {}", printable(message));
    }
}

fn nothing(found: &Found) -> Result<u8, String> {
    if found.mistakes > 0 {
        return Ok(NO_ANSWER);
    }
    Err(match found.others {
        0 => "there is no document in the input".to_owned(),
        1 => "the one document in the input is no Secret".to_owned(),
        count => format!("none of the {count} documents in the input is a Secret"),
    })
}

fn subject(
    args: &SecretArgs,
    probing: &Probing,
    target: &Target,
    sni: Option<String>,
    secret: &Secret,
    mode: Mode,
) -> Result<Subject, String> {
    let host = target.host.to_string();
    let sni = if args.no_sni { None } else { Some(sni.unwrap_or(host)) };
    let release = args.envoy.unwrap_or(args.gloo.envoy());
    let checks = match secret.material() {
        Some(material) => secret_checks(material, mode)
            .map_err(|error| format!("Secret {}: {error}", secret.name))?,
        None => crate::trial::Checks::default(),
    };
    Ok(Subject {
        dial: None,
        way: Way::default(),
        config: ClientConfig { sni, ..ClientConfig::new(release, Build::Standard) },
        checks,
        candidates: Candidates::default(),
        addresses: probing.addresses_for(target),
        brings_certificate: false,
        sets_signature_algorithms: false,
        depth: Depth::OwnHello,
        target: target.clone(),
    })
}
