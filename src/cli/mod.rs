//! Flags to settings, wiring, progress, exit code: everything that only the command needs.

/// Says something on stderr. That nobody reads it, as after `2>&1 | head -1`, is no failure of ours.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr().lock(), $($words)*);
    }};
}

mod args;
mod config_dump;
mod demo;
mod diagnose;
mod doors;
mod explain;
mod fleet;
mod input;
mod output;
mod progress;
mod releases;
mod report;
mod secret;
mod settings;
mod upgrade;
mod upstreams;
mod way;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use settings::Settings;

/// No answer: bad input, unreachable, unclear.
const NO_ANSWER: u8 = 2;
/// How many Upstreams or clusters are looked at side by side; connections in all are bounded apart.
const TARGETS_AT_ONCE: usize = 8;

/// Runs the command with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match run(args) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            tell!("cipher-test: {message}");
            ExitCode::from(NO_ANSWER)
        }
    }
}

/// Help and version as clap prints them; a mistake in one line.
fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // A closed pipe is no failure of ours.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let words = one_line(&error.render().to_string());
    tell!("cipher-test: {words}; see cipher-test {}--help", subcommand());
    ExitCode::from(NO_ANSWER)
}

/// The subcommand that was called and a space, or nothing.
fn subcommand() -> String {
    use clap::CommandFactory;
    let first = std::env::args_os().nth(1).and_then(|word| word.into_string().ok());
    let called = first.filter(|word| Args::command().find_subcommand(word).is_some());
    called.map(|word| word + " ").unwrap_or_default()
}

/// What clap says of a mistake, without the lines that it ends with and without the advice to
/// pass a flag as a value, which no argument of ours is.
fn one_line(text: &str) -> String {
    let ends = |line: &&str| !line.starts_with("Usage:") && !line.starts_with("For more info");
    let relevant = text.lines().take_while(ends).map(str::trim);
    let relevant = relevant.filter(|line| !line.is_empty() && !line.starts_with("tip: to pass"));
    let words: Vec<_> = relevant.map(|line| line.replacen("tip: ", "- ", 1)).collect();
    words.join(" ").trim_start_matches("error: ").to_owned()
}

fn run(args: Args) -> Result<u8, String> {
    // One thread: all futures are polled by `block_on` anyway, and with the sockets watched on a
    // thread of its own, each answer would cost two changes of thread.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let result = match args.command {
        Some(Command::Envoy) => releases::print(),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Explain(explain)) => explain::run(&explain),
        Some(Command::Schema { kind }) => output::print_schema(kind),
        Some(Command::Secret(args)) => runtime.block_on(secret::run(*args)),
        Some(Command::ConfigDump(args)) => runtime.block_on(config_dump::run(*args)),
        Some(Command::Upstreams(args)) => runtime.block_on(upstreams::run(*args)),
        Some(Command::Demo(demo)) => runtime.block_on(demo::run(*demo)),
        None => runtime.block_on(check(args)),
    };
    // A resolver that outlasts its timeout must not hold up the end.
    runtime.shutdown_background();
    result
}

/// The main job.
async fn check(args: Args) -> Result<u8, String> {
    let settings = Settings::from_args(&args.options)?;
    let plan = fleet::Plan::from_args(&args)?;
    match args.upgrade.releases() {
        None => fleet::run(&settings, plan).await,
        Some(releases) => {
            let (targets, mistakes) = fleet::gather(plan).await?;
            if targets.is_empty() {
                return Ok(NO_ANSWER);
            }
            upgrade::run(&settings, targets, mistakes, releases).await
        }
    }
}
