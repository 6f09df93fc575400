//! Stands in front of a TLS server and does what bad networks and odd servers do.
//!
//!     cargo run --example fault-relay -- --to 127.0.0.1:443 --fault reset-1-in=7 --seed 3
//!
//! Prints the port that it listens on. Each line on stdin is answered with the counts so far as
//! one line of JSON; the end of stdin, SIGTERM or Ctrl-C ends it, with the counts once more.

mod relay;

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use relay::{Counts, Fault, Relay};

/// Relays to a TLS server, with faults.
#[derive(Debug, Parser)]
struct Args {
    /// The server, as ADDRESS:PORT.
    #[arg(long)]
    to: SocketAddr,
    /// Where to listen; a free port of loopback by default.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A fault, as relay/fault.rs writes them, such as reset-1-in=7; may be given several times.
    #[arg(long)]
    fault: Vec<Fault>,
    /// Decides which connections the faults of 'one in N' strike.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody to tell it to is no reason for another failure.
            let _ = say(&format_args!("fault-relay: {error}"));
            ExitCode::from(2)
        }
    }
}

async fn run(args: Args) -> std::io::Result<()> {
    let relay = Relay::start(args.listen, args.to, args.fault, args.seed).await?;
    say(&relay.address().port())?;
    let mut lines = lines_of_stdin();
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(()) => say(&json(relay.counts()))?,
                None => break,
            },
            _ = terminated.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    // A reader that is gone has seen all that it wanted.
    let _ = say(&json(relay.counts()));
    Ok(())
}

/// Writes a line to stdout at once.
fn say(line: &dyn std::fmt::Display) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}

/// From a thread of its own, which may outlast the relay: a read of stdin cannot be given up.
fn lines_of_stdin() -> mpsc::UnboundedReceiver<()> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for _line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

fn json(counts: Counts) -> serde_json::Value {
    serde_json::json!({
        "connections": counts.connections,
        "hellos": counts.hellos,
        "most_at_once": counts.most_at_once,
        "bytes_in": counts.bytes_in,
        "bytes_out": counts.bytes_out,
    })
}
