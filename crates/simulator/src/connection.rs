//! One HTTP/2 connection: the task that drives h2 and the requests on it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, Stream as _};
use http::Request;
use tokio_rustls::server::TlsStream;

use super::Service;
use super::apns::Session;
use super::exchange;
use super::fault::{Fault, GoAway, LastId, Then};
use super::filter::{Advertised, Books, Filter, MAX_STREAM_ID, Surplus, Wire, code};
use super::socket::Socket;
use super::world::World;

/// Streams before the first good provider token. Source: Apple, "Sending notification requests
/// to APNs".
const UNTRUSTED_STREAMS: u32 = 1;

/// The other SETTINGS of APNs. Source: jchambers/pushy#476.
const HEADER_TABLE_SIZE: u32 = 4096;
const MAX_FRAME_SIZE: u32 = 16_384;
const MAX_HEADER_LIST_SIZE: u32 = 8000;

/// Streams of which h2 remembers that they were reset: enough that frames still under way
/// for them are never held against the client.
const REMEMBERED_RESETS: usize = 65_536;

/// Bytes of small DATA frames h2 holds before it calls them an attack. A client behind a tiny
/// window sends nothing but small ones.
const SMALL_DATA_BUDGET: usize = 1 << 30;

/// A connection as its requests see it.
pub(super) struct Connection {
    pub(super) world: Arc<World>,
    pub(super) wire: Arc<Wire>,
    /// Of a connection to APNs.
    pub(super) session: Option<Session>,
    pub(super) requests: AtomicU64,
    pub(super) bad_tokens: AtomicU32,
}

/// Serves a connection until it ends.
pub(super) async fn serve(world: Arc<World>, service: Service, tls: TlsStream<Socket>, number: u64) {
    let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let session = matches!(service, Service::Apns(_)).then(|| match certificate {
        None => Session::with_token(),
        Some(certificate) => Session::with_certificate(world.authority.topics(certificate)),
    });
    let settings = &world.settings;
    let (max_concurrent_streams, surplus) = match &session {
        None => (world.max_concurrent_streams(service), Surplus::EndsConnection),
        Some(session) if session.is_certificate() => (settings.max_concurrent_streams, Surplus::Refused),
        Some(_) => (UNTRUSTED_STREAMS, Surplus::Refused),
    };
    let advertised = Advertised {
        max_concurrent_streams,
        initial_window_size: settings.initial_window_size,
        header_table_size: HEADER_TABLE_SIZE,
        max_frame_size: MAX_FRAME_SIZE,
        max_header_list_size: MAX_HEADER_LIST_SIZE,
        surplus,
        // npm firebase-admin sends it over HTTP/2, which is its default: FCM takes it.
        scheme_with_colon: service == Service::Fcm,
    };
    let books = Books { journal: Arc::clone(&world.journal), tally: Arc::clone(&world.tally) };
    let wire = Arc::new(Wire::new(number, service, tls.get_ref().0.remote(), advertised, books));
    let connection = Arc::new(Connection {
        world: Arc::clone(&world),
        wire: Arc::clone(&wire),
        session,
        requests: AtomicU64::new(0),
        bad_tokens: AtomicU32::new(0),
    });
    let present = Present { world: &world, wire: &wire };
    world.enter(&wire);
    // The limit is the filter's business, so h2 has none.
    let handshake = h2::server::Builder::new()
        .initial_window_size(settings.initial_window_size)
        .initial_connection_window_size(settings.connection_window_size)
        .max_frame_size(MAX_FRAME_SIZE)
        .max_header_list_size(MAX_HEADER_LIST_SIZE)
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .max_pending_accept_reset_streams(REMEMBERED_RESETS)
        .max_local_error_reset_streams(None)
        .data_frame_budget(SMALL_DATA_BUDGET)
        .handshake(Filter::new(tls, Arc::clone(&wire)))
        .await;
    if let Ok(h2) = handshake {
        Driver { h2, work: FuturesUnordered::new(), connection }.await;
    }
    drop(present);
}

/// Keeps the connection in the list of live ones, also when its task is cancelled.
struct Present<'a> {
    world: &'a World,
    wire: &'a Wire,
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.world.leave(self.wire);
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls h2 and the requests in turn, in one task: answers that are ready together leave in
/// one write, and all that belongs to a connection ends with it.
struct Driver {
    h2: h2::server::Connection<Filter, Bytes>,
    work: FuturesUnordered<Work>,
    connection: Arc<Connection>,
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        loop {
            while let Poll::Ready(accepted) = this.h2.poll_accept(cx) {
                let Some(Ok((request, respond))) = accepted else { return Poll::Ready(()) };
                this.work.push(request_work(&this.connection, request, respond));
            }
            let mut worked = false;
            while let Poll::Ready(Some(())) = Pin::new(&mut this.work).poll_next(cx) {
                worked = true;
            }
            if !worked {
                return Poll::Pending;
            }
        }
    }
}

fn request_work(
    connection: &Arc<Connection>,
    request: Request<h2::RecvStream>,
    respond: h2::server::SendResponse<Bytes>,
) -> Work {
    Box::pin(exchange::serve(Arc::clone(connection), request, respond))
}

/// Why a fault cannot strike a connection that is open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrikeError {
    /// No open connection has this number.
    #[error("connection {0} is not open")]
    NotOpen(u64),
    /// The fault needs a request, or a connection that is yet to open.
    #[error("the fault strikes requests or new connections, not open ones")]
    NotForConnections,
}

/// Does `fault` to a connection; `stream` is the one that set it off. False if the fault is
/// not about a connection.
pub(super) fn strike(world: &Arc<World>, wire: &Arc<Wire>, stream: Option<u32>, fault: &Fault) -> bool {
    match fault {
        Fault::GoAway(GoAway { last, code, reason, then }) => {
            let last = match last {
                LastId::This => stream.unwrap_or_else(|| wire.highest()),
                // Client streams are odd: the one before is two less.
                LastId::BeforeThis => stream.unwrap_or_else(|| wire.highest()).saturating_sub(2),
                LastId::Highest => wire.highest(),
                LastId::Exact(id) => *id,
            };
            wire.goaway(last, *code, reason.as_deref(), *then);
        }
        Fault::GracefulGoAway { pause, reason } => {
            wire.goaway(MAX_STREAM_ID, code::NO_ERROR, reason.as_deref(), Then::Serve);
            let (wire, reason, pause) = (Arc::clone(wire), reason.clone(), *pause);
            let stop = world.stop.clone();
            world.tasks.spawn(async move {
                if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
                    wire.goaway(wire.highest(), code::NO_ERROR, reason.as_deref(), Then::Drain);
                }
            });
        }
        Fault::SetMaxStreams(limit) => wire.set_limit(*limit),
        Fault::HangUp { how, .. } => wire.hang_up(*how),
        Fault::HalfOpen => wire.stall(),
        Fault::Throttle { bytes, every } => wire.throttle(*bytes, *every),
        Fault::Answer(_)
        | Fault::Refuse(_)
        | Fault::Front(_)
        | Fault::Delay(_)
        | Fault::Silence
        | Fault::HeadersWithoutBody
        | Fault::BodyWithoutEnd
        | Fault::HugeBody(_)
        | Fault::Trickle { .. }
        | Fault::ResetStream { .. }
        | Fault::RefuseThenClosed
        | Fault::RefuseTcp
        | Fault::RefuseTls
        | Fault::SilentTls
        | Fault::WrongName
        | Fault::ExpiredCertificate
        | Fault::NoSettings => return false,
    }
    true
}
