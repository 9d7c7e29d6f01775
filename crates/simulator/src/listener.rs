//! Accepting connections, and everything that can go wrong before the first frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::certificate::ALPN_H2;
use super::connection;
use super::fault::Opening;
use super::socket::Socket;
use super::world::World;
use super::{Service, SimulatorError, http1};

/// The pause after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The origin of an address that speaks TLS. Its default port is left out, as browsers and senders do. Source: RFC
/// 6454, 6.2.
pub(super) fn origin(address: SocketAddr) -> String {
    match address.port() {
        443 => "https://localhost".to_owned(),
        port => format!("https://localhost:{port}"),
    }
}

/// What listens at an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stand {
    pub(super) service: Service,
    pub(super) secure: bool,
}

/// One of the addresses; it can stop listening and start again on the same port.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    stand: Stand,
    /// Present while it listens.
    running: tokio::sync::Mutex<Option<Running>>,
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    pub(super) async fn start(
        world: &Arc<World>,
        stand: Stand,
        address: SocketAddr,
    ) -> Result<Self, SimulatorError> {
        let (address, running) = Self::listen(world, stand, address).await?;
        Ok(Self { address, stand, running: tokio::sync::Mutex::new(Some(running)) })
    }

    /// Closes the port. Once this returns, connections are refused by the kernel; those
    /// that are open stay.
    pub(super) async fn stop(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.stop.cancel();
            // A listener that panicked has closed its port as well.
            let _ = running.task.await;
        }
    }

    pub(super) async fn resume(&self, world: &Arc<World>) -> Result<(), SimulatorError> {
        let mut running = self.running.lock().await;
        if running.is_none() {
            *running = Some(Self::listen(world, self.stand, self.address).await?.1);
        }
        Ok(())
    }

    async fn listen(
        world: &Arc<World>,
        stand: Stand,
        address: SocketAddr,
    ) -> Result<(SocketAddr, Running), SimulatorError> {
        let failed = |source| SimulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = world.stop.child_token();
        let accepting = accept(Arc::clone(world), stand, listener);
        let stopping = stop.clone();
        let task = world.tasks.spawn(async move {
            // Dropping the loop closes the port.
            stopping.run_until_cancelled_owned(accepting).await;
        });
        Ok((address, Running { stop, task }))
    }
}

async fn accept(world: Arc<World>, stand: Stand, listener: TcpListener) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // Out of file descriptors, or the client is gone: neither ends the listener.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let number = world.next_connection();
        world.tally.add(&world.tally.connections_opened);
        let owner = Arc::clone(&world);
        let connection = Box::pin(open(Arc::clone(&world), stand, tcp, number));
        world.tasks.spawn(async move {
            owner.stop.run_until_cancelled(connection).await;
            owner.tally.add(&owner.tally.connections_closed);
        });
    }
}

async fn open(world: Arc<World>, stand: Stand, tcp: TcpStream, number: u64) {
    // Answers are small: without this each would wait for the client's delayed ACK.
    let _ = tcp.set_nodelay(true);
    let opening = world.rules.at_opening(number, stand.service);
    if opening == Some(Opening::RefuseTcp) {
        let _ = tcp.set_zero_linger();
    } else if stand.secure {
        open_tls(world, stand.service, tcp, number, opening).await;
    } else if matches!(opening, Some(Opening::SilentTls | Opening::NoSettings)) {
        swallow(tcp).await;
    } else {
        http1::serve(world, stand.service, tcp, number).await;
    }
}

async fn open_tls(
    world: Arc<World>,
    service: Service,
    tcp: TcpStream,
    number: u64,
    opening: Option<Opening>,
) {
    let configs = world.server_configs(service);
    let (config, speaks) = match opening {
        Some(Opening::SilentTls) => return swallow(tcp).await,
        Some(Opening::RefuseTls) => (&configs.refusing, true),
        Some(Opening::WrongName) => (&configs.wrong_name, true),
        Some(Opening::ExpiredCertificate) => (&configs.expired, true),
        Some(Opening::NoSettings) => (&configs.good, false),
        Some(Opening::RefuseTcp) | None => (&configs.good, true),
    };
    let handshake = TlsAcceptor::from(Arc::clone(config)).accept(Socket::new(tcp)).await;
    let Ok(tls) = handshake else {
        world.tally.add(&world.tally.tls_handshakes_failed);
        return;
    };
    world.tally.add(&world.tally.tls_handshakes_done);
    if tls.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        world.tally.add(&world.tally.tls_sessions_resumed);
    }
    if tls.get_ref().1.peer_certificates().is_some() {
        world.tally.add(&world.tally.client_certificates_shown);
    }
    // Apple serves clients that start HTTP/2 without ALPN; elsewhere it must be asked for.
    let http2 = match service {
        Service::Apns(_) => true,
        Service::Fcm | Service::WebPush => tls.get_ref().1.alpn_protocol() == Some(ALPN_H2),
        Service::GoogleMetadata | Service::Mattermost => false,
    };
    if !speaks {
        swallow::<TlsStream<Socket>>(tls).await;
    } else if http2 {
        connection::serve(world, service, tls, number).await;
    } else {
        http1::serve(world, service, tls, number).await;
    }
}

/// Reads and forgets until the client ends the connection.
pub(super) async fn swallow<T: AsyncRead + Unpin>(mut io: T) {
    let mut chunk = [0; 1024];
    while io.read(&mut chunk).await.is_ok_and(|n| n > 0) {}
}
