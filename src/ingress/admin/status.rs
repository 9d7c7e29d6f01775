//! How everything is, as JSON: once, or again each second as server-sent events.
//!
//! Source: HTML Living Standard, section 9.2, "Server-sent events".

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::status::Status;

/// So many may listen to events at once. Each costs a look at everything a second.
const MAX_LISTENERS: usize = 16;

/// How often a listener is told how everything is.
const EVERY: Duration = Duration::from_secs(1);

/// Knows how everything is. Clones are the same one.
#[derive(Clone)]
pub(crate) struct StatusSource {
    look: Arc<dyn Fn() -> Status + Send + Sync>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

impl StatusSource {
    /// `look` finds how everything is, and `stop` ends all events.
    pub(crate) fn new(look: impl Fn() -> Status + Send + Sync + 'static, stop: CancellationToken) -> Self {
        Self { look: Arc::new(look), places: Arc::new(Semaphore::new(MAX_LISTENERS)), stop }
    }

    /// How everything is now.
    pub(super) fn look(&self) -> Status {
        (self.look)()
    }
}

/// Tells how everything is.
pub(super) async fn status(State(source): State<StatusSource>) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, json(&source.look())).into_response()
}

/// Tells how everything is, and again each second. A state is made when the connection has room for it, so a slow reader
/// skips states, and none waits in memory.
pub(super) async fn events(State(source): State<StatusSource>) -> Response {
    let Ok(place) = Arc::clone(&source.places).try_acquire_owned() else {
        let retry = [(header::RETRY_AFTER, "5")];
        let why = "as many listen to events as may; /status tells the same once\n";
        return (StatusCode::SERVICE_UNAVAILABLE, retry, why).into_response();
    };
    let listener = Listener { source, known: 0, next: Instant::now(), ended: false, _place: place };
    let events = stream::unfold(listener, async |mut listener| {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // nginx would hold events back. Source: nginx, "ngx_http_proxy_module", X-Accel-Buffering.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// Somebody who is told how everything is, again and again.
struct Listener {
    source: StatusSource,
    /// The newest sample of the series that it was told.
    known: u64,
    next: Instant,
    ended: bool,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next event. The last one, with which the gateway ends, says so.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        self.ended = self.source.stop.run_until_cancelled(sleep_until(self.next)).await.is_none();
        self.next = Instant::now() + EVERY;
        let mut status = self.source.look();
        let newest = status.series.newest();
        status.series.keep_after(self.known);
        self.known = newest;
        Some(format!("event: status\ndata: {}\n\n", json(&status)).into())
    }
}

/// The status in one line, as an event needs it.
fn json(status: &Status) -> String {
    // No member of it can fail to be written.
    serde_json::to_string(status).unwrap_or_default()
}
