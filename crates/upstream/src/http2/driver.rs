//! The task of one HTTP/2 connection.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use tokio::time::{Instant, Sleep};

use super::orphan::Orphan;
use super::outlet::Outlet;
use super::streams::Streams;
use crate::budget::ConnectionPlace;
use crate::cause::EndCause;
use crate::core::ConnectionEvent;
use crate::observe::Report;
use crate::patience::{Patience, UNPROVEN};
use crate::transport::Transport;

/// How long a connection is read after a write failed. What the peer said before may still arrive, such as a GOAWAY
/// that tells which requests it did not process.
const READ_ON: Duration = Duration::from_secs(1);

/// The task of one HTTP/2 connection. Only it gives h2 requests, polls h2's connection, writes to the socket, and
/// judges silence and idleness.
pub(crate) struct Driver {
    streams: Arc<Streams>,
    connection: Option<h2::client::Connection<Transport, Bytes>>,
    ping_pong: Option<PingPong>,
    outlet: Outlet,
    orphans: FuturesUnordered<Orphan>,
    patience: Patience,
    /// How many streams the peer allows, as the pool was last told.
    limit: usize,
    /// The pool was told that the peer said GOAWAY.
    goaway_came: bool,
    /// Output waits for one turn, so that what other tasks have to send leaves in the same write.
    output_waited: bool,
    /// The socket was full. There is output, here or inside TLS, until a write has sent it all.
    unflushed: bool,
    tick: Pin<Box<Sleep>>,
    opened: Instant,
    /// How many reads had brought bytes when the clock was last looked at.
    reads: u64,
    last_read: Instant,
    last_busy: Instant,
    /// When the PING was sent that has no answer yet.
    pinged: Option<Instant>,
    /// When a failed write was first seen.
    broken: Option<Instant>,
    /// Why the connection ends. It is `Aborted` until something else ends it.
    cause: EndCause,
    /// The place of this connection among all connections.
    place: ConnectionPlace,
}

impl Driver {
    pub(crate) fn new(
        streams: Arc<Streams>,
        sender: SendRequest<Bytes>,
        mut connection: h2::client::Connection<Transport, Bytes>,
        patience: Patience,
        place: ConnectionPlace,
    ) -> Self {
        let now = Instant::now();
        Self {
            streams,
            ping_pong: connection.ping_pong(),
            limit: connection.max_concurrent_send_streams(),
            connection: Some(connection),
            outlet: Outlet::new(sender),
            orphans: FuturesUnordered::new(),
            patience,
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
            cause: EndCause::Aborted,
            place,
        }
    }

    fn tell(&self, event: ConnectionEvent) {
        self.streams.connection.tell(event);
    }

    fn report_orphans(&self, count: usize, sign: i64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.streams.connection.report(Report::Orphans(sign * count));
    }

    /// Tells the pool what the peer said: its limit of streams, and its GOAWAY.
    fn tell_what_came(&mut self) {
        if let Some(connection) = &self.connection {
            let limit = connection.max_concurrent_send_streams();
            if limit != self.limit {
                let before = std::mem::replace(&mut self.limit, limit);
                self.tell(ConnectionEvent::Limit(limit));
                tracing::debug!(
                    connection = self.streams.connection.id(),
                    from = before,
                    to = limit,
                    "stream limit"
                );
            }
        }
        if !self.goaway_came
            && let Some(goaway) = self.streams.wire.goaway()
        {
            self.goaway_came = true;
            self.streams.connection.goaway(&goaway);
        }
    }

    fn poll_orphans(&mut self, cx: &mut Context<'_>) {
        let adopted = self.streams.take_orphans();
        self.report_orphans(adopted.len(), 1);
        self.orphans.extend(adopted);
        while let Poll::Ready(Some(end)) = self.orphans.poll_next_unpin(cx) {
            self.report_orphans(1, -1);
            self.streams.connection.report(Report::OrphanEnded(end));
        }
    }

    /// Judges silence, PINGs and idleness, since h2 has no timer of its own. Returns the cause if the connection has to
    /// end.
    fn look_at_the_clock(&mut self, cx: &mut Context<'_>) -> Option<EndCause> {
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

    fn overdue(&mut self, now: Instant) -> Option<EndCause> {
        let reads = self.streams.wire.reads();
        let busy = self.streams.connection.in_use() > 0;
        let read = reads != self.reads;
        if read || !busy {
            self.last_read = now;
        }
        self.reads = reads;
        if busy || read {
            self.last_busy = now;
        }
        if self.streams.wire.broken().is_some() && now - *self.broken.get_or_insert(now) >= READ_ON {
            return Some(EndCause::WriteFailed);
        }
        let part = if self.streams.connection.is_proven() { 1 } else { UNPROVEN };
        if self.pinged.is_some_and(|pinged| now - pinged >= self.patience.ping / part) {
            return Some(EndCause::PingLost);
        }
        if self.pinged.is_none() && now - self.last_read >= self.patience.ping_after / part {
            let sent = self.ping_pong.as_mut().map(|ping_pong| ping_pong.send_ping(Ping::opaque()));
            self.pinged = matches!(sent, Some(Ok(()))).then_some(now);
        }
        if now - self.last_busy >= self.patience.idle {
            self.tell(ConnectionEvent::Drains(EndCause::Idle));
        } else if !busy && self.place.gives_way() {
            self.tell(ConnectionEvent::Drains(EndCause::GaveWay));
        }
        if now - self.opened >= self.patience.age {
            self.tell(ConnectionEvent::Aged);
        }
        None
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        if self.unflushed || (self.output_waited && self.streams.wire.has_output()) {
            self.unflushed = self.streams.wire.write_out(cx).is_pending();
            self.output_waited = false;
        } else if !self.streams.wire.has_output() {
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
        driver.streams.connection.driven_by(cx.waker());
        if let Some(cause) = driver.streams.connection.aborted() {
            driver.cause = cause;
            return Poll::Ready(());
        }
        driver.outlet.send(&driver.streams, cx);
        let ended = match &mut driver.connection {
            Some(connection) => Pin::new(connection).poll(cx),
            None => Poll::Ready(Ok(())),
        };
        driver.tell_what_came();
        driver.poll_orphans(cx);
        if let Poll::Ready(ended) = ended {
            driver.cause = match (driver.goaway_came, &ended) {
                (true, _) => EndCause::GoAway,
                (false, Ok(())) => EndCause::Closed,
                (false, Err(error)) if error.is_io() => EndCause::Io,
                (false, Err(_)) => EndCause::Protocol,
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

/// The order is the same however the task ends: by itself, by a panic, or with the runtime. h2's connection is dropped
/// first, so that nothing more is written. Then what was written is final. Only then are those told who wait to know
/// it.
impl Drop for Driver {
    fn drop(&mut self) {
        self.connection = None;
        self.streams.wire.close();
        self.streams.has_closed();
        self.outlet.close();
        self.streams.refuse_handed_over();
        let left = self.streams.take_orphans();
        self.report_orphans(self.orphans.len(), -1);
        drop(left);
        self.orphans.clear();
        self.tell(ConnectionEvent::Closed(self.cause));
    }
}
