//! Free ports, and who listens on them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports below Linux's range for outgoing connections, which would take them away again between
/// our look and the server's bind.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// Returns a loopback address on which nothing listens, another one each time.
pub(super) fn free() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side begin far from each other.
    let start = std::process::id().wrapping_mul(7_919) % u32::from(COUNT);
    for _ in 0..COUNT {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        let offset = (start + step) % u32::from(COUNT);
        let port = FIRST + u16::try_from(offset).expect("less than COUNT");
        // The wildcard address, since some servers bind it.
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        }
    }
    panic!("no free port");
}

/// Whether the process `id` itself listens on `port`.
///
/// Asks the kernel, because a connection made to find out would be the server's first client.
pub(super) fn listener_of(id: u32, port: u16) -> bool {
    let process = Path::new("/proc").join(id.to_string());
    let sockets = sockets_of(&process);
    // The tables are slow to read, and most looks come before there is any socket.
    !sockets.is_empty()
        && ["tcp", "tcp6"].iter().any(|table| {
            let table = std::fs::read_to_string(process.join("net").join(table));
            let table = table.unwrap_or_default();
            table.lines().filter_map(|row| inode(row, port)).any(|inode| sockets.contains(inode))
        })
}

/// The inode in a row of `/proc/net/tcp` if it is about a listener (state 0A) on `port`.
fn inode(row: &str, port: u16) -> Option<&str> {
    let fields: Vec<&str> = row.split_whitespace().collect();
    let (_, hex) = fields.get(1)?.rsplit_once(':')?;
    let listens = *fields.get(3)? == "0A" && u16::from_str_radix(hex, 16) == Ok(port);
    listens.then(|| fields.get(9).copied())?
}

fn sockets_of(process: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files
        .filter_map(|file| std::fs::read_link(file.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect()
}
