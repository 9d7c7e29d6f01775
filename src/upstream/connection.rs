//! One HTTP/2 connection: the handle that its streams share, and the task that drives it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use tokio::sync::SetOnce;
use tokio::time::{Instant, Sleep};

use super::exchange::Orphan;
use super::pool::Pool;
use crate::transport::{Transport, Wire};

/// A connection's number in its process, from 1.
pub(super) type ConnectionId = u64;

/// What the streams of a connection share.
pub(super) struct Connection {
    id: ConnectionId,
    wire: Arc<Wire>,
    /// Set once h2's connection has been dropped: from then on [`Wire::progress`] is final.
    closed: SetOnce<()>,
    /// A good answer came.
    proven: AtomicBool,
    /// The driver is to end now, for this cause.
    aborted: SetOnce<&'static str>,
    /// Streams whose callers have left, on their way to the driver. As many as there are permits at most.
    orphans: Mutex<Vec<Orphan>>,
    driver: AtomicWaker,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, wire: Arc<Wire>) -> Self {
        Self {
            id,
            wire,
            closed: SetOnce::new(),
            proven: AtomicBool::new(false),
            aborted: SetOnce::new(),
            orphans: Mutex::new(Vec::new()),
            driver: AtomicWaker::new(),
        }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.id
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Waits until what was written is final.
    pub(super) async fn closed(&self) {
        self.closed.wait().await;
    }

    /// An answer came. The first good one proves the connection: the credential is good where the peer has
    /// anything else to say, and the peer is well where it does not fail.
    pub(super) fn answered(&self, pool: &Arc<Pool>, status: http::StatusCode) {
        let good = !matches!(status.as_u16(), 401 | 403 | 500..);
        if good && !self.is_proven() && !self.proven.swap(true, Ordering::Relaxed) {
            pool.proven(self.id);
        }
    }

    /// Whether a good answer came.
    pub(super) fn is_proven(&self) -> bool {
        self.proven.load(Ordering::Relaxed)
    }

    /// Ends the connection, with whatever is in flight.
    pub(super) fn abort(&self, cause: &'static str) {
        // The first cause stands.
        let _ = self.aborted.set(cause);
        self.driver.wake();
    }

    /// Takes an exchange whose caller has left.
    pub(super) fn adopt(&self, orphan: Orphan) {
        self.orphans().push(orphan);
        self.driver.wake();
        // The driver may have looked for the last time.
        if self.closed.get().is_some() {
            let left = std::mem::take(&mut *self.orphans());
            drop(left);
        }
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<Orphan>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A permit's place on a connection: one stream. Returned when dropped.
pub(super) struct Slot {
    connection: Arc<Connection>,
    sender: SendRequest<Bytes>,
    pool: Arc<Pool>,
}

impl Slot {
    pub(super) fn new(connection: Arc<Connection>, sender: SendRequest<Bytes>, pool: Arc<Pool>) -> Self {
        Self { connection, sender, pool }
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    pub(super) fn sender(&mut self) -> &mut SendRequest<Bytes> {
        &mut self.sender
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// The connection takes no new streams.
    pub(super) fn retire(&self, cause: &'static str) {
        self.pool.drain(self.connection.id, cause);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.release(self.connection.id);
    }
}

/// When a connection is given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the handshake to the peer's first SETTINGS.
    pub(super) settings: Duration,
    /// Silence, with answers outstanding, after which a PING is sent.
    pub(super) ping_after: Duration,
    /// From a PING to its answer.
    pub(super) ping: Duration,
    /// Without streams.
    pub(super) idle: Duration,
}

impl Patience {
    /// How often the driver looks at the clock.
    fn tick(&self) -> Duration {
        let shortest = self.settings.min(self.ping_after).min(self.ping).min(self.idle);
        (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
    }
}

/// From a write error to the end of reading: what the peer said before may still arrive.
const READ_ON: Duration = Duration::from_secs(1);

/// The task of one connection. Only it polls h2's connection, writes to the socket, and looks at the clock.
pub(super) struct Driver {
    shared: Arc<Connection>,
    pool: Arc<Pool>,
    connection: Option<h2::client::Connection<Transport, Bytes>>,
    ping_pong: Option<PingPong>,
    orphans: FuturesUnordered<Orphan>,
    patience: Patience,
    limit: usize,
    settings_came: bool,
    goaway_came: bool,
    /// Output waits one turn, so that what other tasks have to say leaves in the same write.
    output_waited: bool,
    /// The socket was full: there is output, ours or inside TLS, until a write says otherwise.
    unflushed: bool,
    tick: Pin<Box<Sleep>>,
    opened: Instant,
    reads: u64,
    last_read: Instant,
    last_busy: Instant,
    pinged: Option<Instant>,
    broken: Option<Instant>,
    cause: &'static str,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Connection>,
        pool: Arc<Pool>,
        mut connection: h2::client::Connection<Transport, Bytes>,
        patience: Patience,
    ) -> Self {
        let now = Instant::now();
        Self {
            shared,
            pool,
            ping_pong: connection.ping_pong(),
            limit: connection.max_concurrent_send_streams(),
            connection: Some(connection),
            orphans: FuturesUnordered::new(),
            patience,
            settings_came: false,
            goaway_came: false,
            output_waited: false,
            unflushed: false,
            tick: Box::pin(tokio::time::sleep(patience.tick())),
            opened: now,
            reads: 0,
            last_read: now,
            last_busy: now,
            pinged: None,
            broken: None,
            cause: "aborted",
        }
    }

    /// What h2 learned: the peer's limit, its first SETTINGS, its GOAWAY.
    fn follow(&mut self) {
        let id = self.shared.id;
        if let Some(connection) = &self.connection {
            let limit = connection.max_concurrent_send_streams();
            if limit != self.limit || (!self.settings_came && self.shared.wire.settings_seen()) {
                self.limit = limit;
                self.settings_came = self.shared.wire.settings_seen();
                self.pool.limit_changed(id, limit, self.settings_came);
            }
        }
        if !self.goaway_came
            && let Some(goaway) = self.shared.wire.goaway()
        {
            self.goaway_came = true;
            self.pool.goaway(id, &goaway);
        }
    }

    fn poll_orphans(&mut self, cx: &mut Context<'_>) {
        let adopted = std::mem::take(&mut *self.shared.orphans());
        self.pool.metrics.orphans.inc_by(i64::try_from(adopted.len()).unwrap_or(i64::MAX));
        self.orphans.extend(adopted);
        while let Poll::Ready(Some(end)) = self.orphans.poll_next_unpin(cx) {
            self.pool.metrics.orphans.dec();
            self.pool.metrics.orphan_ended(end);
        }
    }

    /// h2 has no timer of its own: silence, PING and idleness are judged here.
    fn look_at_the_clock(&mut self, cx: &mut Context<'_>) -> Option<&'static str> {
        if let Some(ping_pong) = &mut self.ping_pong
            && self.pinged.is_some()
            && let Poll::Ready(Ok(_)) = ping_pong.poll_pong(cx)
        {
            self.pinged = None;
        }
        while self.tick.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            self.tick.as_mut().reset(now + self.patience.tick());
            if let Some(cause) = self.overdue(now) {
                return Some(cause);
            }
        }
        None
    }

    fn overdue(&mut self, now: Instant) -> Option<&'static str> {
        let reads = self.shared.wire.reads();
        let busy = self.pool.used(self.shared.id) > 0;
        let read = reads != self.reads;
        if read || !busy {
            self.last_read = now;
        }
        self.reads = reads;
        if busy || read {
            self.last_busy = now;
        }
        if !self.settings_came && now - self.opened >= self.patience.settings {
            return Some("no_settings");
        }
        if self.shared.wire.broken().is_some() && now - *self.broken.get_or_insert(now) >= READ_ON {
            return Some("write_failed");
        }
        if self.pinged.is_some_and(|pinged| now - pinged >= self.patience.ping) {
            return Some("ping_lost");
        }
        if self.pinged.is_none() && now - self.last_read >= self.patience.ping_after {
            let sent = self.ping_pong.as_mut().map(|ping_pong| ping_pong.send_ping(Ping::opaque()));
            self.pinged = matches!(sent, Some(Ok(()))).then_some(now);
        }
        if now - self.last_busy >= self.patience.idle {
            self.pool.drain(self.shared.id, "idle");
        }
        None
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        if self.unflushed || (self.output_waited && self.shared.wire.has_output()) {
            self.unflushed = self.shared.wire.write_out(cx).is_pending();
            self.output_waited = false;
        } else if !self.shared.wire.has_output() {
            self.output_waited = false;
        } else {
            self.output_waited = true;
            cx.waker().wake_by_ref();
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = &mut *self;
        driver.shared.driver.register(cx.waker());
        if let Some(cause) = driver.shared.aborted.get() {
            driver.cause = cause;
            return Poll::Ready(());
        }
        let ended = match &mut driver.connection {
            Some(connection) => Pin::new(connection).poll(cx),
            None => Poll::Ready(Ok(())),
        };
        driver.follow();
        driver.poll_orphans(cx);
        if let Poll::Ready(ended) = ended {
            driver.cause = match (driver.goaway_came, &ended) {
                (true, _) => "goaway",
                (false, Ok(())) => "closed",
                (false, Err(error)) if error.is_io() => "io",
                (false, Err(_)) => "protocol",
            };
            return Poll::Ready(());
        }
        if let Some(cause) = driver.look_at_the_clock(cx) {
            driver.cause = cause;
            return Poll::Ready(());
        }
        driver.write(cx);
        Poll::Pending
    }
}

/// However the task ends, by itself, by a panic or with the runtime, in this order: h2's connection goes
/// first, so that nothing more is written; then what was written is final; then those who wait for it are
/// told.
impl Drop for Driver {
    fn drop(&mut self) {
        self.connection = None;
        self.shared.wire.close();
        // Set once, here.
        let _ = self.shared.closed.set(());
        let left = std::mem::take(&mut *self.shared.orphans());
        self.pool.metrics.orphans.dec_by(i64::try_from(self.orphans.len()).unwrap_or(i64::MAX));
        drop(left);
        self.orphans.clear();
        self.pool.closed(self.shared.id, self.cause);
    }
}
