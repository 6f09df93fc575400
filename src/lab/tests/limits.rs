//! Starting, stopping, and what many or rude clients can't do.

use super::*;

#[tokio::test]
async fn refusals_end_with_a_close_although_bytes_are_left_unread() {
    // The client sends its certificate and all that follows at once, and the server stops at the
    // certificate. Closing there and then would be a reset.
    let server = start(Scenario::Mtls).await;
    for _ in 0..20 {
        let tcp = TcpStream::connect(server.address()).await.unwrap();
        let mut stream = SslStream::new(Client::default().ssl(), tcp).unwrap();
        let refused = Pin::new(&mut stream).connect().await.unwrap_err();
        assert_eq!(alert(&refused), HANDSHAKE_FAILURE);
        assert_eq!(rest(stream.get_mut()).await, b"");
    }
    assert_eq!(server.connections(), 20);

    let plain = start(Scenario::PlainHttp).await;
    let mut stream = TcpStream::connect(plain.address()).await.unwrap();
    stream.write_all(&[0x16; 16 * 1024]).await.unwrap();
    assert!(rest(&mut stream).await.starts_with(b"HTTP/1.1 400 "));
}

/// What comes until the server closes; a reset instead of a close fails the test.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap().unwrap();
    bytes
}

#[tokio::test]
async fn a_request_without_end_is_cut_off() {
    let server = start(Scenario::PlainHttp).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&[b'A'; 4096]).await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_their_turn() {
    let server = start(Scenario::Modern).await;
    let mut idle = Vec::new();
    for _ in 0..256 {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let client = Client::default();
    let late = client.request(server.address());
    tokio::pin!(late);
    let short = Duration::from_millis(300);
    assert!(tokio::time::timeout(short, &mut late).await.is_err(), "served beyond the bound");
    assert_eq!(server.connections(), 256);
    idle.clear();
    assert!(late.await.is_ok());
}

#[tokio::test]
async fn a_dropped_server_frees_its_port_and_ends_its_connections() {
    let server = start(Scenario::Modern).await;
    let at = server.address();
    let mut open = TcpStream::connect(at).await.unwrap();
    while server.connections() == 0 {
        tokio::task::yield_now().await;
    }
    drop(server);
    assert_eq!(rest(&mut open).await, b"");
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let server = start(Scenario::PlainHttp).await;
    let port = server.address().port();
    let error = Server::start(Scenario::Modern, port).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on loopback port {port}"));
}
