//! The task of one connection, from its socket to its end.

use std::error::Error;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use fanfare_upstream::transport::Gathered;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::age::{Age, Due};
use super::called::Calls;
use super::calls;
use super::connection::Connection;
use super::draining::{Draining, LAST_CALL};
use super::events::{Event, Events};
use super::joined::Joined;
use super::linger::{self, Lent};
use super::opening::{Entrance, Opened, Refused};
use super::patience::{Patience, Step};
use super::preface::Prefaced;
use super::protocol::{self, Agreed, Protocol};
use super::reading::Quiet;
use super::settings::ListenerSettings;
use super::woken::Woken;
use crate::metrics::{ConnectionRefusal, ListenerMetrics};

/// What all connections of a listener share.
pub(super) struct Serving<M> {
    pub(super) name: Arc<str>,
    pub(super) settings: ListenerSettings,
    pub(super) protocol: Protocol,
    pub(super) entrance: Entrance,
    pub(super) draining: Draining,
    pub(super) metrics: ListenerMetrics,
    pub(super) make_service: M,
}

impl<M, S, B> Serving<M>
where
    M: Fn(&Arc<Connection>) -> S,
    S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>> + Send,
    B: Body<Data = Bytes> + Unpin + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    /// Serves one connection until it ends, or until it has no calls once `stop` was cancelled. One that is just opening then is
    /// served, since a call may be on its way behind its TLS.
    pub(super) async fn serve(&self, socket: TcpStream, from: SocketAddr, stop: CancellationToken) {
        let _open = self.metrics.open();
        let deadline = Instant::now() + self.settings.handshake_timeout;
        let opening = timeout_at(deadline, self.entrance.open(socket, from, &self.protocol));
        let Opened { stream, address, certificates, agreed, entered: _entered } = match opening.await {
            Ok(Ok(opened)) => opened,
            Ok(Err(refused)) => {
                self.refuse(from, &refused);
                if let Some((stream, _entered)) = refused.told {
                    linger::close(stream).await;
                }
                return;
            }
            Err(_) => return self.refuse(from, &LATE),
        };
        let (stream, returned) = linger::lend(stream);
        self.speak(agreed, stream, Connection::new(address, certificates), deadline, stop).await;
        returned.close().await;
    }

    /// Speaks HTTP until it ends.
    async fn speak(
        &self,
        agreed: Agreed,
        stream: Lent,
        connection: Connection,
        deadline: Instant,
        stop: CancellationToken,
    ) {
        let connection = Arc::new(match agreed {
            Agreed::Http2 => connection,
            Agreed::Http1 => connection.ends_by_an_answer(&self.draining),
        });
        let service = Calls::new((self.make_service)(&connection), &connection);
        match &self.protocol {
            Protocol::Http2(settings) | Protocol::Either(settings) if agreed == Agreed::Http2 => {
                let io = TokioIo::new(Gathered::new(Prefaced::new(stream, &connection)));
                let http = protocol::http2(settings, self.protocol.max_head()).serve_connection(io, service);
                self.watch(http, |http, cx| http.poll(cx), &connection, deadline, &stop).await;
            }
            Protocol::Http1 | Protocol::Http2(_) | Protocol::Either(_) => {
                let io = TokioIo::new(Joined::new(stream));
                let http = protocol::http1().serve_connection(io, service);
                let mut quiet = Quiet::default();
                self.watch(http, |http, cx| quiet.poll(http, cx), &connection, deadline, &stop).await;
            }
        }
    }

    /// Drives a connection by polling it so, and looks at its counters now and then.
    async fn watch<H: GracefulConnection<Error = hyper::Error>>(
        &self,
        http: H,
        mut poll: impl FnMut(Pin<&mut H>, &mut Context<'_>) -> Poll<H::Output>,
        connection: &Connection,
        deadline: Instant,
        stop: &CancellationToken,
    ) {
        let (listener, address) = (&*self.name, connection.address());
        let mut patience = Patience::new(&self.settings, connection.counts(), Instant::now());
        let pause = patience.pause();
        let age = Age::new(self.settings.age, Instant::now(), fastrand::f64());
        let mut events = Events::new(stop, age, deadline.min(Instant::now() + pause));
        let (mut http, mut given_up) = (pin!(http), calls::GivenUp::default());
        loop {
            let event = {
                let mut next = pin!(Woken::new(events.next()));
                tokio::select! {
                    biased;
                    ended = poll_fn(|cx| poll(http.as_mut(), cx)) => {
                        calls::is_over();
                        if let Err(error) = ended {
                            // hyper answers such a head by itself, and no service hears of it.
                            if error.is_parse() {
                                self.metrics.refused(ConnectionRefusal::Head);
                            }
                            tracing::debug!(listener, %address, %error, "a caller's connection has broken");
                        }
                        return;
                    }
                    () = &mut given_up => return self.close(connection),
                    event = next.as_mut() => event,
                }
            };
            match event {
                // GOAWAY leaves before anything that the calls say because of it, so that nobody calls here again.
                Event::Stop | Event::Age(Due::TellToGo) => {
                    if connection.ends_with_this_answer() {
                        // Where there is no GOAWAY, closing it would lose the call that is on its way.
                        events.leave_at(Instant::now() + LAST_CALL);
                    } else {
                        http.as_mut().graceful_shutdown();
                    }
                    connection.leaving().told_to_go().cancel();
                }
                Event::Leave => http.as_mut().graceful_shutdown(),
                Event::Age(Due::EndCalls) => connection.leaving().over().cancel(),
                Event::Age(Due::Close) => {
                    let calls = connection.counts().calls;
                    tracing::info!(listener, %address, calls, "a connection is closed that has reached its age");
                    return;
                }
                Event::Look => {
                    let now = Instant::now();
                    let mut next = now + pause;
                    if connection.has_begun() {
                        match patience.look(connection.counts(), now) {
                            Step::GoOn => {}
                            Step::TellToGo => http.as_mut().graceful_shutdown(),
                            Step::Close => return self.close(connection),
                        }
                    } else if now >= deadline {
                        return self.refuse(address, &LATE);
                    } else {
                        next = next.min(deadline);
                    }
                    events.look_at(next);
                }
            }
        }
    }

    fn close(&self, connection: &Connection) {
        let (listener, address) = (&*self.name, connection.address());
        match connection.counts().waiting + connection.counts().watched_by_themselves {
            0 => tracing::debug!(listener, %address, "an idle connection is closed, which was told to go"),
            answers => tracing::warn!(
                listener, %address, answers,
                "a caller takes none of its answers; its connection is closed"
            ),
        }
    }

    fn refuse(&self, address: SocketAddr, refused: &Refused) {
        let (listener, reason) = (&*self.name, refused.reason.name());
        self.metrics.refused(refused.reason);
        match &refused.error {
            Some(error) => {
                tracing::warn!(listener, %address, cause = reason, %error, "a connection is refused")
            }
            None => tracing::debug!(listener, %address, cause = reason, "a connection is refused"),
        }
    }
}

/// A connection that has not begun in time.
const LATE: Refused = Refused { reason: ConnectionRefusal::HandshakeTimeout, error: None, told: None };
