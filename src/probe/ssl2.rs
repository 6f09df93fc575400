//! One hello of SSL 2.0, one answer.

use std::io;

use rand::RngCore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::prober::{Ending, ProbeError, Prober};
use super::way::Connection;
use crate::wire::{Ssl2Answer, ssl2_client_hello};

/// What came of a hello of SSL 2.0.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ssl2Outcome {
    /// The server answered.
    Answered(Ssl2Answer),
    /// The connection ended without an answer.
    Ended(Ending),
    /// Nothing was learned.
    Failed(ProbeError),
}

impl Prober {
    /// Sends a hello of SSL 2.0 over a connection of its own and reads the answer.
    pub async fn ask_ssl2(&self) -> Ssl2Outcome {
        let mut challenge = [0; 16];
        rand::rng().fill_bytes(&mut challenge);
        let hello = match ssl2_client_hello(&challenge) {
            Ok(hello) => hello,
            Err(error) => return Ssl2Outcome::Failed(error.into()),
        };
        match self.connect().await {
            Ok((_place, stream)) => self.exchange_ssl2(stream, &hello).await,
            Err(ProbeError::Io(io::ErrorKind::ConnectionReset)) => {
                Ssl2Outcome::Ended(Ending::Reset)
            }
            Err(error) => Ssl2Outcome::Failed(error),
        }
    }

    async fn exchange_ssl2(&self, mut stream: Connection, hello: &[u8]) -> Ssl2Outcome {
        let after = self.limits().answer_timeout;
        let deadline = Instant::now() + after;
        // What the server said before it hung up is read even if the hello was not written.
        let _ = timeout_at(deadline, stream.write_all(hello)).await;
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 4096];
        loop {
            match timeout_at(deadline, stream.read(&mut buffer)).await {
                Err(_) => {
                    let bytes = bytes.len();
                    return Ssl2Outcome::Failed(ProbeError::Silence { after, bytes });
                }
                Ok(Ok(0)) => return Ssl2Outcome::Ended(Ending::Closed),
                Ok(Ok(count)) => bytes.extend_from_slice(&buffer[..count]),
                Ok(Err(error)) => return after_error(&error),
            }
            // One record at the most, so that what is kept stays bounded.
            match Ssl2Answer::read(&bytes) {
                Ok(None) => {}
                Ok(Some(answer)) => return Ssl2Outcome::Answered(answer),
                Err(error) => return Ssl2Outcome::Failed(error.into()),
            }
        }
    }
}

fn after_error(error: &io::Error) -> Ssl2Outcome {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Ssl2Outcome::Ended(Ending::Reset)
        }
        kind => Ssl2Outcome::Failed(ProbeError::Io(kind)),
    }
}
