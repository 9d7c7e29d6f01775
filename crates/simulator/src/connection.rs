//! Serves one HTTP/2 connection: one task drives h2 and the requests on it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, Stream as _};
use http::Request;
use tokio_rustls::server::TlsStream;

use super::apns::Session;
use super::exchange::{self, Connection};
use super::filter::{AdvertisedSettings, Filter, FilterHandle, OverLimit, Recorders};
use super::service::Service;
use super::shared::Shared;
use super::socket::Socket;

/// The streams that a connection to APNs has before its first good provider token. Source: Apple, "Sending
/// notification requests to APNs".
const UNTRUSTED_STREAMS: u32 = 1;

/// The other SETTINGS that APNs was seen to send. Source: jchambers/pushy#476.
const HEADER_TABLE_SIZE: u32 = 4096;
const MAX_FRAME_SIZE: u32 = 16_384;
const MAX_HEADER_LIST_SIZE: u32 = 8000;

/// How many reset streams h2 remembers. It is enough that frames which are still under way for them are never held
/// against the client.
const REMEMBERED_RESETS: usize = 65_536;

/// How many bytes of small DATA frames h2 accepts before it calls them an attack. A client behind a tiny window sends
/// nothing but small frames.
const SMALL_DATA_BUDGET: usize = 1 << 30;

/// Serves a connection until it ends.
pub(super) async fn serve(shared: Arc<Shared>, service: Service, tls: TlsStream<Socket>, number: u64) {
    let certificate = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let session = matches!(service, Service::Apns(_)).then(|| match certificate {
        None => Session::with_token(),
        Some(certificate) => Session::with_certificate(shared.authority.topics(certificate)),
    });
    let trusted = shared.apns.settings.max_concurrent_streams;
    let (max_concurrent_streams, over_limit) = match &session {
        None => (shared.max_concurrent_streams(service), OverLimit::EndsConnection),
        Some(session) if session.is_certificate() => (trusted, OverLimit::Refused),
        Some(_) => (UNTRUSTED_STREAMS, OverLimit::Refused),
    };
    let advertised = AdvertisedSettings {
        max_concurrent_streams,
        initial_window_size: shared.stream_window,
        header_table_size: HEADER_TABLE_SIZE,
        max_frame_size: MAX_FRAME_SIZE,
        max_header_list_size: MAX_HEADER_LIST_SIZE,
        over_limit,
        // npm firebase-admin sends the colon over HTTP/2, which is its default, and FCM accepts it.
        scheme_with_colon: service == Service::Fcm,
    };
    let recorders =
        Recorders { journal: Arc::clone(&shared.journal), counters: Arc::clone(&shared.counters) };
    let filter =
        Arc::new(FilterHandle::new(number, service, tls.get_ref().0.remote(), advertised, recorders));
    let connection = Arc::new(Connection {
        shared: Arc::clone(&shared),
        filter: Arc::clone(&filter),
        session,
        requests: AtomicU64::new(0),
        bad_tokens: AtomicU32::new(0),
    });
    let registration = Registration { shared: &shared, filter: &filter };
    shared.connections.open_http2(&filter);
    // The filter enforces the limit of streams, so h2 has none.
    let handshake = h2::server::Builder::new()
        .initial_window_size(shared.stream_window)
        .max_frame_size(MAX_FRAME_SIZE)
        .max_header_list_size(MAX_HEADER_LIST_SIZE)
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .max_pending_accept_reset_streams(REMEMBERED_RESETS)
        .max_local_error_reset_streams(None)
        .data_frame_budget(SMALL_DATA_BUDGET)
        .handshake(Filter::new(tls, Arc::clone(&filter)))
        .await;
    if let Ok(h2) = handshake {
        Driver { h2, work: FuturesUnordered::new(), connection }.await;
    }
    drop(registration);
}

/// Removes the connection from the open ones when it ends, also when its task is cancelled.
struct Registration<'a> {
    shared: &'a Shared,
    filter: &'a FilterHandle,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.shared.connections.close_http2(self.filter);
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls h2 and the requests in turn, in one task. Answers that are ready together leave in one write, and everything
/// that belongs to a connection ends with it.
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
