//! `cipher-test upstreams`: documents in, one verdict for each endpoint and one change for each
//! Upstream out.

pub(super) mod input;
mod output;
mod revision;
mod subject;
mod upgrade;
mod write;

use std::net::SocketAddr;

use futures::future::join_all;
use futures::stream::{self, StreamExt};

use super::args::{Format, PlatformOptions, ResourceFix, Upstreams};
use super::diagnose::diagnose;
use super::doors::Doors;
use super::input::STDIN;
use super::progress::Progress;
use super::settings::{Probing, choose_color, credentials, object_name, parse_secret};
use super::{NO_ANSWER, TARGETS_AT_ONCE};
use crate::envoy::Build;
use crate::gloo::{Context, ObjectName, Platform, Release, Secrets, Settings, translate};
use crate::report::upstreams::{EndpointDiagnosis, UpstreamDiagnosis};
use crate::trial::{Checks, printable};
use input::{Input, UpstreamDocument};
use subject::Way;

/// What a run is told.
struct Run {
    platform: Platform,
    build: Build,
    probing: Probing,
    /// What stands in for certificates that the input does not hold.
    credentials: Checks,
    /// What the input holds of certificates.
    secrets: Secrets,
    server_names: Vec<String>,
    secret: Option<ObjectName>,
    probes: bool,
    fix: Option<ResourceFix>,
    write: bool,
    format: Format,
    verbose: bool,
    show_progress: bool,
    doors: Doors,
}

pub(super) async fn run(args: Upstreams) -> Result<u8, String> {
    choose_color(args.report.color);
    let mut run = Run::from_args(&args)?;
    if args.write && args.files.iter().any(|file| file.as_os_str() == STDIN) {
        return Err("--write needs files: stdin cannot be written to".to_owned());
    }
    let namespace = object_name("--namespace", &args.namespace)?;
    let mut input = input::read_all(&args.files, &namespace);
    run.secrets = std::mem::take(&mut input.secrets);
    if input.upstreams.is_empty() {
        return nothing(&input);
    }
    let code = match args.upgrade.releases() {
        Some(releases) => run.upgrade(&input, releases).await?,
        None => run.finish(&input, &run.diagnose_all(&input).await?)?,
    };
    Ok(if input.mistakes > 0 { NO_ANSWER } else { code })
}

fn nothing(input: &Input) -> Result<u8, String> {
    if input.mistakes > 0 {
        return Ok(NO_ANSWER);
    }
    Err(match input.others + input.settings.len() + input.services.len() {
        0 => "there is no document in the input".to_owned(),
        1 => "the one document in the input is no Upstream".to_owned(),
        count => format!("none of the {count} documents in the input is an Upstream"),
    })
}

fn platform(options: &PlatformOptions) -> Platform {
    let envoy = options.envoy.unwrap_or(options.gloo.envoy());
    Platform { gloo: Some(options.gloo), envoy }
}

impl Run {
    fn from_args(args: &Upstreams) -> Result<Self, String> {
        args.report.format.not_for_servers_alone()?;
        // The text has no room for handshakes unless it is to be verbose.
        let wants_handshakes = args.fix.is_none()
            && !args.write
            && (args.report.verbose || matches!(args.report.format, Format::Json));
        let probing = Probing::from_args(&args.probing, &args.report, wants_handshakes)?;
        let secret = args.secret.as_deref().map(|secret| {
            let (namespace, name) = parse_secret(secret, None)?;
            Ok::<_, String>(ObjectName { namespace, name })
        });
        Ok(Self {
            platform: platform(&args.platform),
            build: if args.platform.fips { Build::Fips } else { Build::Standard },
            doors: Doors::new(&probing.limits),
            show_progress: probing.show_progress,
            probing,
            credentials: credentials(&args.credentials)?,
            secrets: Secrets::default(),
            server_names: args.try_sni.clone(),
            secret: secret.transpose()?,
            probes: !args.no_probe,
            fix: args.fix,
            write: args.write,
            format: args.report.format,
            verbose: args.report.verbose,
        })
    }

    async fn diagnose_all(&self, input: &Input) -> Result<Vec<UpstreamDiagnosis>, String> {
        let settings = input.settings()?;
        let context = self.context(self.platform, settings.map(|found| &found.settings));
        let progress = Progress::new(self.show_progress && self.probes);
        let mut results: Vec<UpstreamDiagnosis> = stream::iter(&input.upstreams)
            .map(|document| self.diagnose(document, &context, &progress, &[]))
            .buffered(TARGETS_AT_ONCE)
            .collect()
            .await;
        self.join_revisions(input, &context, &mut results).await;
        progress.finish();
        Ok(results)
    }

    fn context<'a>(&'a self, platform: Platform, settings: Option<&'a Settings>) -> Context<'a> {
        Context {
            gloo: platform.gloo.unwrap_or(Release::STABLE),
            envoy: platform.envoy,
            build: self.build,
            settings,
            secrets: &self.secrets,
        }
    }

    /// `known` has the addresses of endpoints that were resolved before.
    async fn diagnose(
        &self,
        document: &UpstreamDocument,
        context: &Context<'_>,
        progress: &Progress,
        known: &[Option<Vec<SocketAddr>>],
    ) -> UpstreamDiagnosis {
        let cluster = translate(&document.upstream, context);
        let endpoints = cluster.endpoints.iter().enumerate();
        let endpoints = join_all(endpoints.map(|(index, endpoint)| async move {
            match self.subject(endpoint) {
                Way::Nowhere(reason) => EndpointDiagnosis::NotTested(reason),
                Way::To(mut subject) => {
                    if let Some(Some(addresses)) = known.get(index) {
                        subject.addresses = Some(addresses.clone());
                    }
                    let mut found = diagnose(&self.probing, *subject, &self.doors, progress).await;
                    self.forget_details(&mut found);
                    EndpointDiagnosis::Tested(Box::new(found))
                }
            }
        }))
        .await;
        let mut diagnosis = UpstreamDiagnosis {
            place: document.place.clone(),
            applied_from: document.upstream.applied_from(),
            cluster,
            endpoints,
            revision: None,
            no_revision: None,
            unserved: Vec::new(),
            document_after: None,
        };
        self.add_revision(document, context, &mut diagnosis).await;
        diagnosis
    }

    /// A survey takes 100 kB an endpoint, and only JSON shows all of it.
    fn forget_details(&self, diagnosis: &mut crate::report::Diagnosis) {
        if !matches!(self.format, Format::Json) {
            diagnosis.endpoints.iter_mut().for_each(|endpoint| endpoint.survey = None);
        }
    }

    fn finish(&self, input: &Input, results: &[UpstreamDiagnosis]) -> Result<u8, String> {
        let codes = results.iter().map(UpstreamDiagnosis::exit_code);
        let code = codes.max().unwrap_or(NO_ANSWER);
        if self.write {
            return Ok(write::write(input, results));
        }
        match self.print(results, input.mistakes) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(format!("cannot write the result: {error}"))
            }
            _ => Ok(code),
        }
    }
}

/// A word about an Upstream on stderr.
fn tell(name: &ObjectName, words: &str) {
    tell!("cipher-test: Upstream {name}: {}", printable(words));
}

/// On which endpoints a change was not proven.
fn tell_unproven(result: &UpstreamDiagnosis) {
    for unknown in result.unproven() {
        let words = format!("the change is not proven on {unknown}, of which nothing is known");
        tell(&result.cluster.upstream, &words);
    }
}
