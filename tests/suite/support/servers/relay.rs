//! Relays that stand before a working server and meddle, as middleboxes and bad load balancers do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::embedded;

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
