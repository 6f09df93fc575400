//! `cipher-test secret`: Secrets judged, alone or against a server.

use std::path::PathBuf;
use std::time::SystemTime;

use super::NO_ANSWER;
use super::args::{Format, SecretArgs};
use super::diagnose::{Depth, Subject, diagnose};
use super::doors::Doors;
use super::input::{self, STDIN};
use super::output::print_text;
use super::progress::Progress;
use super::settings::{Probing, choose_color, secret_checks, server_name};
use super::way;
use crate::envoy::{Build, ClientConfig};
use crate::gloo::{Document, DocumentError, Mode, Place, Secret, Terms, TlsMaterial};
use crate::probe::{Trust, Way};
use crate::report::secrets::{SecretDiagnosis, ServerAnswer, render};
use crate::report::{Diagnosis, json};
use crate::target::Target;
use crate::trial::{Candidates, Checks, printable};

/// What was read.
#[derive(Default)]
struct Found {
    secrets: Vec<(Place, Secret)>,
    others: usize,
    mistakes: usize,
}

pub(super) async fn run(args: SecretArgs) -> Result<u8, String> {
    choose_color(args.report.color);
    args.report.format.not_for_servers_alone()?;
    let terms = Terms {
        gloo: args.gloo,
        envoy: args.envoy.unwrap_or(args.gloo.envoy()),
        one_way_tls: args.one_way_tls,
        now: SystemTime::now(),
    };
    let server = Server::from_args(&args, &terms)?;
    let mut found = read(&args.files);
    if found.secrets.is_empty() {
        return nothing(&found);
    }
    found.tell_others();
    let progress =
        Progress::new(server.as_ref().is_some_and(|server| server.probing.show_progress));
    let mut results = Vec::new();
    for (place, secret) in std::mem::take(&mut found.secrets) {
        let verdict = secret.judge(&terms);
        let mut answer = None;
        if let (Some(server), Some(mode), Some(material)) =
            (&server, verdict.mode, secret.material())
        {
            match server.ask(material, mode, &progress).await {
                Ok(answered) => answer = Some(answered),
                Err(error) => found.complain(&format!("{place}: {error}")),
            }
        }
        // The key is wiped here, before the next one is used.
        results.push(SecretDiagnosis { place, name: secret.name, verdict, server: answer });
    }
    progress.finish();
    print(&args, &terms, &results, found.mistakes)?;
    let code = results.iter().map(SecretDiagnosis::exit_code).max().unwrap_or(NO_ANSWER);
    Ok(if found.mistakes > 0 { NO_ANSWER } else { code })
}

fn print(
    args: &SecretArgs,
    terms: &Terms,
    results: &[SecretDiagnosis],
    unreadable: usize,
) -> Result<(), String> {
    let text = match args.report.format {
        Format::Json => json::render_secrets(results, terms, unreadable),
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
            true => input::read_stdin(|document| found.take(document)),
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
        if !Secret::is_one(&object) {
            self.others += 1;
            return;
        }
        match Secret::take(&mut object) {
            Ok(secret) => self.secrets.push((place, secret)),
            Err(fault) => self.complain(&format!("{place}: {fault}")),
        }
    }

    fn tell_others(&self) {
        match self.others {
            0 => {}
            1 => tell!("cipher-test: 1 document is no Secret and was passed over"),
            count => {
                tell!("cipher-test: {count} documents are no Secrets and were passed over")
            }
        }
    }

    fn complain(&mut self, message: &str) {
        self.mistakes += 1;
        tell!("cipher-test: {}", printable(message));
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

/// The server of `--for`.
struct Server {
    target: Target,
    way: Way,
    config: ClientConfig,
    probing: Probing,
    doors: Doors,
}

impl Server {
    fn from_args(args: &SecretArgs, terms: &Terms) -> Result<Option<Self>, String> {
        let sni = args.sni.as_deref().map(server_name).transpose()?;
        let probing = Probing::from_args(&args.probing, &args.report, false)?;
        let Some(text) = &args.server else { return Ok(None) };
        let target: Target = text.parse().map_err(|error| format!("--for: {error}"))?;
        let sni = match args.no_sni {
            true => None,
            false => Some(sni.unwrap_or(target.host.to_string())),
        };
        let name = sni.clone().unwrap_or_else(|| target.host.to_string());
        way::warn(&args.way);
        let way = way::way(&args.way, &name);
        let config = ClientConfig { sni, ..ClientConfig::new(terms.envoy, Build::Standard) };
        let doors = Doors::new(&probing.limits);
        Ok(Some(Self { target, way, config, probing, doors }))
    }

    /// Shows it the Secret's certificate, and verifies it with the Secret's CA.
    async fn ask(
        &self,
        material: &TlsMaterial,
        mode: Mode,
        progress: &Progress,
    ) -> Result<ServerAnswer, String> {
        let checks = secret_checks(material, mode)
            .map_err(|error| format!("the server was not asked: {error}"))?;
        let diagnosis = self.diagnose(checks.clone(), progress).await;
        let verified = checks.trust.as_ref().and_then(|trust| verify(trust, &diagnosis));
        let asks = match &verified {
            // A server that is refused for its chain has not been heard on the certificate.
            Some(Some(_)) => Some(self.diagnose(Checks { trust: None, ..checks }, progress).await),
            _ => None,
        };
        Ok(ServerAnswer::new(diagnosis, asks.as_ref(), verified, mode))
    }

    async fn diagnose(&self, checks: Checks, progress: &Progress) -> Diagnosis {
        let subject = Subject {
            dial: None,
            way: self.way.clone(),
            config: self.config.clone(),
            checks,
            candidates: Candidates::default(),
            addresses: self.probing.addresses_for(&self.target),
            brings_certificate: false,
            sets_signature_algorithms: false,
            looks_up_ipv4: false,
            depth: Depth::OwnHello,
            target: self.target.clone(),
        };
        diagnose(&self.probing, subject, &self.doors, progress).await
    }
}

/// What the CA makes of the chains that the addresses of a server show: nothing against them, or
/// the first error. `None` where no chain was seen, or not all were.
fn verify(trust: &Trust, diagnosis: &Diagnosis) -> Option<Option<String>> {
    use crate::trial::Obstacle;
    let mut all = (!diagnosis.endpoints.is_empty()).then_some(None);
    for endpoint in &diagnosis.endpoints {
        let own = &endpoint.trial.own;
        // In TLS 1.3 the chain is not kept where the trial itself has refused it.
        if let Err(Obstacle::Untrusted(_, words)) = &own.result {
            return Some(Some(words.clone()));
        }
        match trust.verify(&own.chain) {
            Ok(None) => {}
            Ok(Some((_, words))) => return Some(Some(words)),
            Err(_) => all = None,
        }
    }
    all
}
