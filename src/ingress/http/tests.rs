//! What a connection keeps for a call, and how a body is read, without sockets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fanfare_upstream::{SystemResolver, TcpDialer, Upstream, UpstreamSettings};
use http::Request;
use http_body::{Body, Frame};
use http_body_util::Full;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;

use super::body::whole;
use super::{Http, HttpParts, HttpSettings, Refused, of_connection};
use crate::caller::Callers;
use crate::desk::{Admission, BatchSettings, Desk, DeskSettings, OnceSettings};
use crate::dispatch::{DispatchSettings, Dispatcher, Routes};
use crate::held_bytes::BytesBudget;
use crate::ingress::matrix::MatrixSettings;
use crate::listener::Connection;
use crate::metrics::Metrics;

/// A body that comes in these chunks, and then not at all, or ends.
struct Chunks {
    chunks: VecDeque<&'static [u8]>,
    ends: bool,
}

fn chunks(chunks: &[&'static [u8]], ends: bool) -> Chunks {
    Chunks { chunks: chunks.iter().copied().collect(), ends }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = self.get_mut();
        match this.chunks.pop_front() {
            Some(b"broken") => Poll::Ready(Some(Err(std::io::ErrorKind::ConnectionReset.into()))),
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(chunk))))),
            None if this.ends => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_body_is_read_whole_or_refused() {
    let share = BytesBudget::new(1000).share();
    let read = async |mut body, most| whole(&mut body, most, PATIENCE, &share).await;
    assert_eq!(read(chunks(&[], true), 10).await, Ok(Bytes::new()));
    assert_eq!(read(chunks(&[b"", b"a", b"", b"bc"], true), 3).await, Ok(Bytes::from_static(b"abc")));
    assert_eq!(read(chunks(&[b"ab", b"cd"], true), 3).await, Err(Refused::TooLarge(3)));
    assert_eq!(read(chunks(&[b"abcd"], true), 3).await, Err(Refused::TooLarge(3)));
    assert_eq!(read(chunks(&[b"a"], false), 3).await, Err(Refused::TooSlow(PATIENCE)));
    assert_eq!(read(chunks(&[], false), 3).await, Err(Refused::TooSlow(PATIENCE)));
    assert_eq!(read(chunks(&[b"a", b"broken"], true), 3).await, Err(Refused::Broken));
    let said = whole(&mut Full::new(Bytes::from_static(b"abcd")), 3, PATIENCE, &share).await;
    assert_eq!(said, Err(Refused::TooLarge(3)), "a length that is said is believed where it is too large");
}

#[tokio::test]
async fn what_arrives_bit_by_bit_is_counted_until_it_is_used_up() {
    static LARGE: [u8; 3000] = [b'x'; 3000];
    let budget = BytesBudget::new(20_000);
    let share = budget.share();
    let bytes = whole(&mut chunks(&[&LARGE, &LARGE], true), usize::MAX, PATIENCE, &share).await.unwrap();
    assert_eq!((bytes.len(), budget.held()), (6000, 6000));
    let (part, rest) = (bytes.slice(..10), bytes.slice(10..));
    drop((bytes, rest));
    assert_eq!(budget.held(), 6000, "a part keeps all of it");
    drop(part);
    assert_eq!(budget.held(), 0);
    let small = whole(&mut chunks(&[b"a", b"b"], true), usize::MAX, PATIENCE, &share).await.unwrap();
    assert_eq!((small.len(), budget.held()), (2, 0));
    let four = chunks(&[&LARGE, &LARGE, &LARGE, &LARGE], true);
    assert_eq!(whole(&mut { four }, usize::MAX, PATIENCE, &share).await, Err(Refused::NoRoom));
    assert_eq!(budget.held(), 0);
}

fn http() -> Arc<Http> {
    let metrics = Metrics::default();
    let desk = Desk::new(
        DeskSettings {
            max_wait: Duration::from_secs(1),
            deadline_margin: Duration::ZERO,
            batch: BatchSettings::default(),
            once: OnceSettings::default(),
        },
        Routes::default(),
        Arc::new(Admission::new(1, Arc::default())),
        Dispatcher::new(DispatchSettings::default(), CancellationToken::new()),
        metrics.pushes.clone(),
    );
    let budget = BytesBudget::new(1000);
    let callers = Callers::new(Vec::new(), Arc::default(), Arc::clone(&budget), metrics.callers.clone());
    let settings = UpstreamSettings::default();
    let upstream =
        Upstream::new(settings, Arc::new(SystemResolver), Arc::new(TcpDialer), metrics.upstream.clone());
    let parts = HttpParts {
        desk: Arc::new(desk),
        callers: Arc::new(callers),
        budget,
        batches: TaskTracker::new(),
        upstream: Arc::new(upstream),
        mattermost: metrics.mattermost.clone(),
        matrix: metrics.matrix.clone(),
    };
    let mut settings = HttpSettings::on(SocketAddr::from(([127, 0, 0, 1], 0)));
    settings.matrix = Some(MatrixSettings::default());
    Arc::new(Http::new(settings, "test", parts, &metrics.http))
}

/// hyper moves the future of a call twice, and keeps it for as long as a connection over HTTP/1.1 lasts. So whatever few calls need is boxed.
#[tokio::test]
async fn the_future_of_a_call_is_small() {
    let connection = Arc::new(Connection::new(SocketAddr::from(([127, 0, 0, 1], 9)), Vec::new()));
    let mut service = of_connection(&http(), &connection);
    let request = Request::post("/_matrix/push/v1/notify").header("host", "gateway");
    let call = service.call(request.body(Full::new(Bytes::from_static(b"{}"))).unwrap());
    let size = size_of_val(&call);
    assert!(size <= 1200, "{size} bytes");
    assert_eq!(call.await.unwrap().status(), 400);
}
