//! Accepts connections, and applies the faults that strike before the first frame.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::HandshakeKind;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::certificate::ALPN_H2;
use super::error::SimulatorError;
use super::fault::OpeningFault;
use super::service::Service;
use super::shared::Shared;
use super::socket::{Socket, swallow};
use super::{connection, http1};

/// How long it pauses after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Which service listens at an address, and whether it does so with TLS.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListenerSpec {
    pub(super) service: Service,
    pub(super) secure: bool,
}

/// A listener that can stop and start again on the same port.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    spec: ListenerSpec,
    /// It is `Some` while the listener listens.
    accept_loop: tokio::sync::Mutex<Option<AcceptLoop>>,
}

struct AcceptLoop {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Listener {
    pub(super) async fn start(
        shared: &Arc<Shared>,
        spec: ListenerSpec,
        address: SocketAddr,
    ) -> Result<Self, SimulatorError> {
        let (address, accept_loop) = Self::listen(shared, spec, address).await?;
        Ok(Self { address, spec, accept_loop: tokio::sync::Mutex::new(Some(accept_loop)) })
    }

    /// Closes the port. Once this returns, the kernel refuses new connections; open ones stay.
    pub(super) async fn stop(&self) {
        if let Some(accept_loop) = self.accept_loop.lock().await.take() {
            accept_loop.stop.cancel();
            // A listener that panicked has closed its port as well.
            let _ = accept_loop.task.await;
        }
    }

    pub(super) async fn resume(&self, shared: &Arc<Shared>) -> Result<(), SimulatorError> {
        let mut accept_loop = self.accept_loop.lock().await;
        if accept_loop.is_none() {
            *accept_loop = Some(Self::listen(shared, self.spec, self.address).await?.1);
        }
        Ok(())
    }

    async fn listen(
        shared: &Arc<Shared>,
        spec: ListenerSpec,
        address: SocketAddr,
    ) -> Result<(SocketAddr, AcceptLoop), SimulatorError> {
        let failed = |source| SimulatorError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = shared.stop.child_token();
        let accepting = accept(Arc::clone(shared), spec, listener);
        let stopping = stop.clone();
        let task = shared.tasks.spawn(async move {
            // Dropping the loop closes the port.
            stopping.run_until_cancelled_owned(accepting).await;
        });
        Ok((address, AcceptLoop { stop, task }))
    }
}

async fn accept(shared: Arc<Shared>, spec: ListenerSpec, listener: TcpListener) {
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            // There are no file descriptors left, or the client has left: neither ends the listener.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let number = shared.connections.next_number();
        shared.counters.add(&shared.counters.connections_opened);
        let owner = Arc::clone(&shared);
        let connection = Box::pin(open(Arc::clone(&shared), spec, tcp, number));
        shared.tasks.spawn(async move {
            owner.stop.run_until_cancelled(connection).await;
            owner.counters.add(&owner.counters.connections_closed);
        });
    }
}

async fn open(shared: Arc<Shared>, spec: ListenerSpec, tcp: TcpStream, number: u64) {
    // Answers are small, so without this each would wait for the delayed ACK of the client.
    let _ = tcp.set_nodelay(true);
    let opening = shared.rules.at_opening(number, spec.service);
    if opening == Some(OpeningFault::RefuseTcp) {
        let _ = tcp.set_zero_linger();
    } else if spec.secure {
        open_tls(shared, spec.service, tcp, number, opening).await;
    } else if matches!(opening, Some(OpeningFault::SilentTls | OpeningFault::NoSettings)) {
        swallow(tcp).await;
    } else {
        http1::serve(shared, spec.service, tcp, number).await;
    }
}

async fn open_tls(
    shared: Arc<Shared>,
    service: Service,
    tcp: TcpStream,
    number: u64,
    opening: Option<OpeningFault>,
) {
    let configs = shared.server_configs(service);
    let (config, speaks) = match opening {
        Some(OpeningFault::SilentTls) => return swallow(tcp).await,
        Some(OpeningFault::RefuseTls) => (&configs.refusing, true),
        Some(OpeningFault::WrongName) => (&configs.wrong_name, true),
        Some(OpeningFault::ExpiredCertificate) => (&configs.expired, true),
        Some(OpeningFault::NoSettings) => (&configs.good, false),
        Some(OpeningFault::RefuseTcp) | None => (&configs.good, true),
    };
    let handshake = TlsAcceptor::from(Arc::clone(config)).accept(Socket::new(tcp)).await;
    let Ok(tls) = handshake else {
        shared.counters.add(&shared.counters.tls_handshakes_failed);
        return;
    };
    shared.counters.add(&shared.counters.tls_handshakes_done);
    if tls.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
        shared.counters.add(&shared.counters.tls_sessions_resumed);
    }
    if tls.get_ref().1.peer_certificates().is_some() {
        shared.counters.add(&shared.counters.client_certificates_shown);
    }
    // Apple serves clients that start HTTP/2 without ALPN; the other services want to be asked for it.
    let http2 = match service {
        Service::Apns(_) => true,
        Service::Fcm | Service::WebPush => tls.get_ref().1.alpn_protocol() == Some(ALPN_H2),
        Service::GoogleMetadata | Service::Mattermost => false,
    };
    if !speaks {
        swallow::<TlsStream<Socket>>(tls).await;
    } else if http2 {
        connection::serve(shared, service, tls, number).await;
    } else {
        http1::serve(shared, service, tls, number).await;
    }
}
