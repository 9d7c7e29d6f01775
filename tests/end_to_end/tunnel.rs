//! A CONNECT proxy that opens tunnels on loopback, or misbehaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fanfare_upstream::{Proxies, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What a proxy does with a CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Tunnel,
    /// Answers with this status and a page.
    Refuse(u16),
    /// Answers 200, and closes the connection.
    Drop,
    /// Closes the connection without an answer.
    HangUp,
    /// Never answers.
    Stall,
    /// Answers 200, and then carries nothing.
    StallTunnel,
    Garbage,
}

/// What the proxy saw.
#[derive(Default)]
pub(crate) struct Sight {
    /// The heads of all requests.
    pub(crate) heads: Mutex<Vec<String>>,
    /// The bytes that clients sent through tunnels.
    pub(crate) passed: Mutex<Vec<u8>>,
    /// How many connections of clients have not ended.
    pub(crate) open: AtomicUsize,
}

pub(crate) struct Tunnel {
    pub(crate) address: SocketAddr,
    pub(crate) sight: Arc<Sight>,
    mode: Arc<Mutex<Mode>>,
    cut: Arc<Mutex<CancellationToken>>,
    task: JoinHandle<()>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

impl Tunnel {
    pub(crate) async fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sight, mode) = (Arc::<Sight>::default(), Arc::new(Mutex::new(mode)));
        let cut = Arc::<Mutex<CancellationToken>>::default();
        let (seen, now, cuts) = (Arc::clone(&sight), Arc::clone(&mode), Arc::clone(&cut));
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (seen, mode) = (Arc::clone(&seen), now.lock().unwrap().clone());
                let cut = cuts.lock().unwrap().clone();
                seen.open.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    tokio::select! {
                        () = serve(socket, &mode, &seen) => {}
                        () = cut.cancelled() => {}
                    }
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, sight, mode, cut, task }
    }

    /// Sets what the proxy does with connections from now on.
    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Ends all connections, whatever is under way on them.
    pub(crate) fn cut(&self) {
        std::mem::take(&mut *self.cut.lock().unwrap()).cancel();
    }

    pub(crate) fn proxies(&self, credentials: Option<&str>, no_proxy: &[&str]) -> Proxies {
        let credentials = credentials.map(|it| it.to_owned().into());
        let proxy = Proxy::new(format!("http://{}", self.address).parse().unwrap(), credentials.as_ref());
        Proxies::new(proxy, &no_proxy.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.sight.heads.lock().unwrap().clone()
    }
}

async fn serve(mut client: TcpStream, mode: &Mode, sight: &Sight) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match client.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    sight.heads.lock().unwrap().push(head.clone());
    let to = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    let port = to.and_then(|to| to.rsplit(':').next()?.parse::<u16>().ok()).unwrap();
    let established = b"HTTP/1.1 200 Connection established\r\n\r\n";
    match mode {
        Mode::Tunnel => {
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else { return };
            if client.write_all(established).await.is_ok() {
                pass(client, server, sight).await;
            }
        }
        Mode::Refuse(status) => {
            let page = format!("HTTP/1.1 {status} No\r\ncontent-length: 9\r\n\r\nno tunnel");
            let _ = client.write_all(page.as_bytes()).await;
            let _ = client.read_u8().await;
        }
        Mode::Drop => {
            let _ = client.write_all(established).await;
        }
        Mode::HangUp => {}
        // The connection is held until the client gives it up.
        Mode::Stall => while client.read_u8().await.is_ok() {},
        Mode::StallTunnel => {
            let _ = client.write_all(established).await;
            while client.read_u8().await.is_ok() {}
        }
        Mode::Garbage => {
            let _ = client.write_all(b"220 mail.example ESMTP\r\n").await;
            let _ = client.read_u8().await;
        }
    }
}

/// Carries bytes both ways until either side ends.
async fn pass(client: TcpStream, server: TcpStream, sight: &Sight) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut piece).await {
            sight.passed.lock().unwrap().extend_from_slice(&piece[..count]);
            if to_server.write_all(&piece[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}
