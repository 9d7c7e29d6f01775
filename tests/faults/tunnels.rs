//! A CONNECT proxy on loopback between gateway and simulator, which refuses, drops and stalls. It counts every byte that it
//! swallowed. Source: RFC 9110, 9.3.6.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fanfare_simulator::HangUp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::{self, error::RecvError};

use crate::network::{Moved, NAME};
use crate::records::Records;

/// The proxy's own name. `.test` never resolves. Source: RFC 6761, 6.2.
pub(crate) const PROXY: &str = "proxy.test";

const OPENED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// What the proxy gives a CONNECT instead of a tunnel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Status(u16),
    /// It gives no answer.
    Silence,
    /// It answers 200, and nothing after that.
    SilentTunnel,
}

/// What the proxy does to tunnels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// So many of the next CONNECT requests meet this.
    Next(u32, Refusal),
    /// Every open tunnel ends on the gateway's side.
    Cut(HangUp),
    /// Every open tunnel stays open, and moves no byte any more.
    Stall,
}

#[derive(Clone, Copy)]
enum Strike {
    Cut(HangUp),
    Stall,
    Heal,
}

/// The bytes that one side's kernel took and of which the other side never had a whole record of TLS.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lost {
    pub(crate) up: u64,
    pub(crate) down: u64,
    /// Whether the proxy did it.
    pub(crate) struck: bool,
}

/// The proxy, and what it knows of its tunnels.
pub(crate) struct Tunnels {
    address: SocketAddr,
    simulator: Mutex<Option<SocketAddr>>,
    refuse: Mutex<(u32, Refusal)>,
    strikes: broadcast::Sender<Strike>,
    /// The tunnels, by the port that the simulator sees.
    opened: Mutex<HashMap<u16, Arc<Tunnel>>>,
}

/// How many bytes passed through one tunnel.
#[derive(Default)]
struct Tunnel {
    /// The gateway's port.
    gateway: u16,
    /// The length of the CONNECT request.
    asked: u64,
    struck: AtomicBool,
    down: Mutex<Records>,
}

impl Tunnels {
    pub(crate) async fn start() -> Arc<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            simulator: Mutex::default(),
            refuse: Mutex::new((0, Refusal::Silence)),
            strikes: broadcast::channel(16).0,
            opened: Mutex::default(),
        });
        let serving = Arc::clone(&proxy);
        tokio::spawn(async move {
            while let Ok((gateway, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(gateway));
            }
        });
        proxy
    }

    /// Starts the proxy, whose tunnels lead to the simulator.
    pub(crate) fn lead_to(&self, simulator: SocketAddr) -> SocketAddr {
        *self.simulator.lock().unwrap() = Some(simulator);
        self.address
    }

    pub(crate) fn make(&self, trouble: Trouble) {
        // If there is no tunnel, nothing is struck.
        let _ = match trouble {
            Trouble::Next(times, refusal) => {
                *self.refuse.lock().unwrap() = (times, refusal);
                return;
            }
            Trouble::Cut(how) => self.strikes.send(Strike::Cut(how)),
            Trouble::Stall => self.strikes.send(Strike::Stall),
        };
    }

    /// Mends the proxy: new tunnels open again, and those that were struck end.
    pub(crate) fn heal(&self) {
        self.refuse.lock().unwrap().0 = 0;
        let _ = self.strikes.send(Strike::Heal);
    }

    /// The bytes that were swallowed in the tunnel that reached the simulator from this port, which received so many.
    pub(crate) fn lost(&self, port: u16, received: u64, sockets: &HashMap<u16, Moved>) -> Lost {
        let opened = self.opened.lock().unwrap();
        let tunnel = opened.get(&port).expect("nothing reaches the simulator beside the proxy");
        let Moved { written, read } = sockets[&tunnel.gateway];
        let down = tunnel.down.lock().unwrap();
        let read = read.saturating_sub(OPENED.len() as u64);
        Lost {
            up: (written - tunnel.asked).saturating_sub(received),
            down: down.seen.saturating_sub(down.whole(read)),
            struck: tunnel.struck.load(Ordering::SeqCst),
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        let mut refuse = self.refuse.lock().unwrap();
        refuse.0 = refuse.0.checked_sub(1)?;
        Some(refuse.1)
    }

    async fn serve(self: Arc<Self>, mut gateway: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = gateway.read_u8().await else { return };
            head.push(byte);
        }
        if !head.starts_with(format!("CONNECT {NAME}:443 HTTP/1.1\r\n").as_bytes()) {
            return;
        }
        match self.refusal() {
            None => self.tunnel(gateway, head.len() as u64).await,
            Some(refusal) => {
                let answer = match refusal {
                    Refusal::Status(status) => format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n"),
                    Refusal::Silence => String::new(),
                    Refusal::SilentTunnel => String::from_utf8_lossy(OPENED).into_owned(),
                };
                let _ = gateway.write_all(answer.as_bytes()).await;
                discard(gateway).await;
            }
        }
    }

    async fn tunnel(&self, mut gateway: TcpStream, asked: u64) {
        let to = self.simulator.lock().unwrap().expect("it leads somewhere");
        let Ok(mut server) = TcpStream::connect(to).await else { return };
        let (Ok(from), Ok(of)) = (gateway.peer_addr(), server.local_addr()) else { return };
        let _ = (gateway.set_nodelay(true), server.set_nodelay(true));
        let tunnel = Arc::new(Tunnel { gateway: from.port(), asked, ..Tunnel::default() });
        self.opened.lock().unwrap().insert(of.port(), Arc::clone(&tunnel));
        let mut strikes = self.strikes.subscribe();
        if gateway.write_all(OPENED).await.is_err() {
            return;
        }
        let struck = tokio::select! {
            () = tunnel.pass(&mut gateway, &mut server) => return,
            struck = next(&mut strikes, |it| !matches!(it, Strike::Heal)) => struck,
        };
        tunnel.struck.store(true, Ordering::SeqCst);
        let healed = next(&mut strikes, |it| matches!(it, Strike::Heal));
        if let Strike::Cut(how) = struck {
            // The simulator's side goes on, so that everything that it answers is counted.
            let leaving = async {
                if how == HangUp::Reset {
                    let _ = gateway.set_zero_linger();
                    drop(gateway);
                } else if gateway.shutdown().await.is_ok() {
                    discard(gateway).await;
                }
                healed.await
            };
            tokio::select! {
                _ = leaving => {}
                () = copy(&mut server, None, Some(&tunnel.down)) => return,
            }
        } else {
            healed.await;
        }
        let _ = server.shutdown().await;
        copy(&mut server, None, Some(&tunnel.down)).await;
    }
}

impl Tunnel {
    /// Carries bytes both ways until both sides have ended.
    async fn pass(&self, gateway: &mut TcpStream, server: &mut TcpStream) {
        let ((mut from_gateway, mut to_gateway), (mut from_server, mut to_server)) =
            (gateway.split(), server.split());
        tokio::join!(
            copy(&mut from_gateway, Some(&mut to_server), None),
            copy(&mut from_server, Some(&mut to_gateway), Some(&self.down)),
        );
    }
}

/// Carries what one side sends until the other side has left, and counts it if it is asked to.
async fn copy(
    from: &mut (impl AsyncReadExt + Unpin),
    mut to: Option<&mut (dyn tokio::io::AsyncWrite + Send + Unpin)>,
    records: Option<&Mutex<Records>>,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        if let Some(records) = records {
            records.lock().unwrap().take(&piece[..count]);
        }
        if let Some(side) = &mut to
            && side.write_all(&piece[..count]).await.is_err()
        {
            to = None;
        }
    }
    if let Some(side) = to {
        let _ = side.shutdown().await;
    }
}

/// Holds the connection until the client gives it up.
async fn discard(mut client: TcpStream) {
    let _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
}

async fn next(strikes: &mut broadcast::Receiver<Strike>, wanted: impl Fn(&Strike) -> bool) -> Strike {
    loop {
        match strikes.recv().await {
            Ok(strike) if wanted(&strike) => return strike,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
