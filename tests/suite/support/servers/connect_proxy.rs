//! A forward proxy: HTTP CONNECT, in plain text or inside TLS, for clients that know the password.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use openssl::ssl::{NameType, Ssl, SslAcceptor, SslContext, SslFiletype, SslMethod};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_openssl::SslStream;

use crate::support::embedded::runtime;
use crate::support::keys::{self, Leaf};

/// One request for a tunnel.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Request {
    /// `HOST:PORT`, as the client wrote it.
    pub(crate) authority: String,
    /// The whole head.
    pub(crate) head: String,
    /// The server name in the TLS to the proxy itself.
    pub(crate) server_name: Option<String>,
    pub(crate) is_tls: bool,
}

/// What the proxy does with requests.
#[derive(Clone)]
struct Rules {
    credentials: String,
    /// Where each authority leads; others are refused.
    ways: BTreeMap<String, SocketAddr>,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// A proxy that runs until this is dropped.
pub(crate) struct ConnectProxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

impl ConnectProxy {
    /// One at `address` that wants `credentials` as `Proxy-Authorization` and leads each
    /// authority to its address.
    pub(crate) fn plain(
        address: SocketAddr,
        credentials: &str,
        ways: &[(&str, SocketAddr)],
    ) -> Self {
        Self::start(address, credentials, ways, None)
    }

    /// As [`Self::plain`], and clients have to speak TLS to it.
    pub(crate) fn tls(address: SocketAddr, credentials: &str, ways: &[(&str, SocketAddr)]) -> Self {
        let leaf = keys::leaf(Leaf::Rsa);
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        acceptor.set_certificate_chain_file(&leaf.certificate).unwrap();
        acceptor.set_private_key_file(&leaf.key, SslFiletype::PEM).unwrap();
        Self::start(address, credentials, ways, Some(acceptor.build().into_context()))
    }

    fn start(
        address: SocketAddr,
        credentials: &str,
        ways: &[(&str, SocketAddr)],
        tls: Option<SslContext>,
    ) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let rules = Rules {
            credentials: format!("proxy-authorization: {credentials}\r\n"),
            ways: ways.iter().map(|(name, to)| ((*name).to_owned(), *to)).collect(),
            requests: Arc::clone(&requests),
        };
        let listener = runtime().block_on(TcpListener::bind(address)).expect("the proxy's address");
        let address = listener.local_addr().expect("an address");
        let task = runtime().spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, rules.clone(), tls.clone()));
            }
        });
        Self { address, requests, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What asks for every request so far, also those that were refused.
    pub(crate) fn requests_so_far(&self) -> impl Fn() -> Vec<Request> + 'static {
        let requests = Arc::clone(&self.requests);
        move || requests.lock().expect("no panic in the proxy").clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, rules: Rules, tls: Option<SslContext>) {
    let Some(context) = tls else {
        return tunnel(stream, rules, Request::default()).await;
    };
    let ssl = Ssl::new(&context).expect("a session");
    let mut stream = SslStream::new(ssl, stream).expect("a stream");
    if Pin::new(&mut stream).accept().await.is_ok() {
        let name = stream.ssl().servername(NameType::HOST_NAME).map(str::to_owned);
        let request = Request { server_name: name, is_tls: true, ..Request::default() };
        tunnel(stream, rules, request).await;
    }
}

async fn tunnel<S>(mut client: S, rules: Rules, mut request: Request)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(head) = read_head(&mut client).await else { return };
    let first = head.lines().next().unwrap_or_default().to_owned();
    let mut words = first.split(' ');
    let is_connect = words.next() == Some("CONNECT");
    words.next().unwrap_or_default().clone_into(&mut request.authority);
    request.head.clone_from(&head);
    let to = rules.ways.get(&request.authority).copied();
    rules.requests.lock().expect("no panic in the proxy").push(request);

    let knows = head.to_ascii_lowercase().contains(&rules.credentials.to_ascii_lowercase());
    let answer = match (is_connect, knows, to) {
        (false, ..) => "405 Method Not Allowed",
        (_, false, _) => "407 Proxy Authentication Required",
        (_, _, None) => "403 Forbidden",
        (.., Some(to)) => {
            let Ok(mut server) = TcpStream::connect(to).await else { return };
            if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_ok() {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
            return;
        }
    };
    let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = client.write_all(answer.as_bytes()).await;
    let _ = client.shutdown().await;
}

/// Reads up to the empty line and not a byte more, since what follows is the server's.
async fn read_head(client: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8192 {
        head.push(client.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}
