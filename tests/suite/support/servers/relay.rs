//! Relays that stand before a working server and meddle, as middleboxes and bad load balancers do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{Scripted, Server};
use crate::support::embedded;

/// How a connection is hung up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hangup {
    /// FIN: a plain close, with all that came read.
    Close,
    /// RST: a close with `SO_LINGER` 0.
    Reset,
    /// Neither: the connection stays open and nothing comes any more.
    Silence,
}

impl Hangup {
    fn apply(self, stream: TcpStream) {
        match self {
            Self::Close => drop(stream),
            Self::Reset => reset(stream),
            Self::Silence => swallow(stream),
        }
    }
}

/// Resets a connection, whatever was read of it.
pub(crate) fn reset(stream: TcpStream) {
    let _entered = embedded::runtime().enter();
    if stream.set_nonblocking(true).is_ok()
        && let Ok(stream) = tokio::net::TcpStream::from_std(stream)
    {
        let _ = stream.set_zero_linger();
    }
}

/// Reads until the client leaves.
pub(crate) fn swallow(mut stream: TcpStream) {
    while stream.read(&mut [0; 4096]).is_ok_and(|count| count > 0) {}
}

/// Hangs up on each connection beyond `most` a second, before it has said anything.
pub(crate) fn limited(to: SocketAddr, most: usize) -> Server {
    let recent = Arc::new(Mutex::new(Vec::<Instant>::new()));
    Scripted::start(move |stream| {
        let now = Instant::now();
        let too_many = {
            let mut recent = recent.lock().expect("no panic in a relay");
            recent.retain(|then| now.duration_since(*then) < Duration::from_secs(1));
            let too_many = recent.len() >= most;
            if !too_many {
                recent.push(now);
            }
            too_many
        };
        if too_many { reset(stream) } else { carry(stream, to) }
    })
}

/// Relays `count` connections and hangs up on all that follow.
pub(crate) fn bans_after(to: SocketAddr, count: usize, how: Hangup) -> Server {
    let left = Arc::new(Mutex::new(count));
    Scripted::start(move |mut stream| {
        let bans = {
            let mut left = left.lock().expect("no panic in a relay");
            let bans = *left == 0;
            *left = left.saturating_sub(1);
            bans
        };
        if bans {
            let _ = first_record(&mut stream);
            how.apply(stream);
        } else {
            carry(stream, to);
        }
    })
}

/// Hangs up on the first `count` connections, and on none after them.
pub(crate) fn fails_at_first(to: SocketAddr, count: usize, how: Hangup) -> Server {
    let left = Arc::new(Mutex::new(count));
    Scripted::start(move |stream| {
        let fails = {
            let mut left = left.lock().expect("no panic in a relay");
            let fails = *left > 0;
            *left = left.saturating_sub(1);
            fails
        };
        if fails { how.apply(stream) } else { carry(stream, to) }
    })
}

/// Answers hellos of more than `most` bytes, records' headers included, with a hangup.
pub(crate) fn drops_long_hellos(to: SocketAddr, most: usize, how: Hangup) -> Server {
    Scripted::start(move |mut stream| {
        let Some(hello) = first_record(&mut stream) else { return };
        if hello.len() > most {
            return how.apply(stream);
        }
        carry_on(stream, to, &hello);
    })
}

/// As [`drops_long_hellos`], before a server that lives as long.
pub(crate) fn drops_long_hellos_to(server: Server, most: usize, how: Hangup) -> Server {
    let server = Arc::new(server);
    Scripted::start(move |mut stream| {
        let Some(hello) = first_record(&mut stream) else { return };
        if hello.len() > most {
            return how.apply(stream);
        }
        carry_on(stream, server.address(), &hello);
    })
}

/// Says something first, then relays.
pub(crate) fn says_first(to: SocketAddr, what: &'static [u8]) -> Server {
    Scripted::start(move |stream| {
        pass(stream, to, |stream| drop(stream.write_all(what)), whole);
    })
}

/// Lets each answer wait, as on a long way.
pub(crate) fn delays(to: SocketAddr, by: Duration) -> Server {
    Scripted::start(move |stream| {
        pass(
            stream,
            to,
            |_| {},
            move |client, bytes| {
                std::thread::sleep(by);
                whole(client, bytes)
            },
        );
    })
}

/// Gives the server's answer one byte at a time, each in a segment of its own.
pub(crate) fn crumbles(to: SocketAddr) -> Server {
    Scripted::start(move |stream| {
        let _ = stream.set_nodelay(true);
        pass(
            stream,
            to,
            |_| {},
            |client, bytes| bytes.iter().all(|byte| client.write_all(&[*byte]).is_ok()),
        );
    })
}

/// Hangs up where the server answers with a fatal alert instead of a ServerHello.
pub(crate) fn hides_alerts(to: SocketAddr, how: Hangup) -> Server {
    Scripted::start(move |mut client| {
        let Ok(mut server) = TcpStream::connect(to) else { return };
        let Some(hello) = first_record(&mut client) else { return };
        if server.write_all(&hello).is_err() {
            return;
        }
        let Some(answer) = first_record(&mut server) else { return how.apply(client) };
        if answer[0] == 21 && answer.get(5) == Some(&2) {
            return how.apply(client);
        }
        if client.write_all(&answer).is_ok() {
            pump(client, server, whole);
        }
    })
}

/// Reads one TLS record, header included; what is no record comes as it is.
pub(crate) fn first_record(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut record = vec![0; 5];
    stream.read_exact(&mut record).ok()?;
    if record[1] == 3 {
        let mut rest = vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))];
        stream.read_exact(&mut rest).ok()?;
        record.extend(rest);
    } else if record[0] & 0x80 != 0 {
        // A hello of SSL 2.0, with a header of two bytes.
        let length = usize::from(u16::from_be_bytes([record[0] & 0x7f, record[1]]));
        let mut rest = vec![0; length.saturating_sub(3)];
        stream.read_exact(&mut rest).ok()?;
        record.extend(rest);
    }
    Some(record)
}

/// Only relays.
pub(crate) fn carry(client: TcpStream, to: SocketAddr) {
    pass(client, to, |_| {}, whole);
}

/// Relays, after what has been read of the client already.
pub(crate) fn carry_on(client: TcpStream, to: SocketAddr, read: &[u8]) {
    let Ok(mut server) = TcpStream::connect(to) else { return };
    if server.write_all(read).is_ok() {
        pump(client, server, whole);
    }
}

fn whole(client: &mut TcpStream, bytes: &[u8]) -> bool {
    client.write_all(bytes).is_ok()
}

fn pass(
    mut client: TcpStream,
    to: SocketAddr,
    greet: impl FnOnce(&mut TcpStream),
    forward: impl FnMut(&mut TcpStream, &[u8]) -> bool,
) {
    let Ok(server) = TcpStream::connect(to) else { return };
    greet(&mut client);
    pump(client, server, forward);
}

/// Carries both ways until either side is done; `forward` carries to the client.
fn pump(
    mut client: TcpStream,
    mut server: TcpStream,
    mut forward: impl FnMut(&mut TcpStream, &[u8]) -> bool,
) {
    let _ = server.set_read_timeout(Some(Duration::from_secs(10)));
    let (Ok(mut from), Ok(mut to)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = server.read(&mut buffer) {
        if !forward(&mut client, &buffer[..count]) {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}
