//! Carries bytes both ways once a connection is let through.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::answer::Answer;
use super::hello::ClientHello;
use super::{Connection, Fault};

impl Connection<'_> {
    /// Carries until the server is done. `first` has been read of the client already.
    pub(super) async fn carry(
        self,
        mut client: TcpStream,
        first: &[u8],
        hello: Option<ClientHello>,
    ) {
        let delay = self.delay();
        // The connection takes a round trip, and so does the answer.
        tokio::time::sleep(delay * 2).await;
        let Ok(mut server) = TcpStream::connect(self.shared.to).await else { return };
        // Fails only on a connection that is gone already.
        let _ = server.set_nodelay(true);
        if server.write_all(first).await.is_err() {
            return;
        }
        let hangup = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            tokio::select! {
                hangup = Answer::new(self, hello, from_server, to_client).carry() => hangup,
                () = self.to_server(from_client, to_server, delay) => None,
            }
        };
        match hangup {
            Some(how) => how.apply(client).await,
            None => drop(client.shutdown().await),
        }
    }

    fn delay(self) -> Duration {
        let delays = self.shared.faults.iter().filter_map(|fault| match fault {
            Fault::Delay(time) => Some(*time),
            _ => None,
        });
        delays.sum()
    }

    /// Carries what the client says, each part so much later. Ends only if the server is gone: a
    /// client that has said all may still listen.
    async fn to_server(self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, delay: Duration) {
        let (queue, mut queued) = mpsc::unbounded_channel();
        let read = async {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = from.read(&mut buffer).await {
                self.count_in(count);
                if queue.send((Instant::now() + delay, buffer[..count].to_vec())).is_err() {
                    break;
                }
            }
            drop(queue);
        };
        let write = async {
            while let Some((due, bytes)) = queued.recv().await {
                sleep_until(due).await;
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            // Fails only on a connection that is gone already.
            let _ = to.shutdown().await;
            std::future::pending::<()>().await;
        };
        tokio::join!(read, write);
    }
}
