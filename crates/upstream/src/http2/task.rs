//! The task of one HTTP/2 connection.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::clock::{Clock, READ_ON, Seen};
use super::exchange::Exchange;
use super::inbox::Inbox;
use super::link::{Link, ReadEnd};
use crate::budget::ConnectionPlace;
use crate::cause::EndCause;
use crate::connection::{Connection, Slot};
use crate::core::ConnectionEvent;
use crate::error::NoReply;
use crate::error_code::ErrorCode;
use crate::failure::Symptom;
use crate::http2::engine::Ended;
use crate::patience::Patience;
use crate::request::Reply;
use crate::sleep::SleepWatch;

/// A request that the engine has.
pub(crate) struct OnStream {
    pub(super) exchange: Arc<Exchange>,
    pub(super) slot: Slot,
    /// The caller was told that its deadline has come.
    pub(super) late: bool,
}

/// The task of one HTTP/2 connection. Only it gives the engine requests, reads and writes the socket, and judges
/// silence, idleness and deadlines.
pub(crate) struct Session {
    pub(super) inbox: Arc<Inbox>,
    pub(super) connection: Arc<Connection>,
    pub(super) link: Link<OnStream>,
    /// Requests that the engine does not have yet. They can be taken back.
    pub(super) queue: VecDeque<Arc<Exchange>>,
    /// These are empty between two turns, and kept so that they are not allocated anew.
    pub(super) fresh: Vec<Arc<Exchange>>,
    pub(super) ends: Vec<Ended<OnStream>>,
    pub(super) outcomes: Vec<(Arc<Exchange>, Result<Reply, NoReply>)>,
    pub(super) clock: Clock,
    /// The pool may believe that the connection is quiet, and is told when something is read.
    pub(super) quiet: bool,
    /// The peer was asked whether the connection lives, and no request has followed.
    pub(super) asked: bool,
    /// How many streams the peer allows, as the pool was last told.
    limit: usize,
    /// The pool was told that the peer said GOAWAY.
    goaway_told: bool,
    /// The pool was told to grant no more, because nothing more can be written or the ids are used up.
    pub(super) retired: bool,
    /// What is to be sent waits for one turn, so that what other tasks have to send leaves in the same write.
    pub(super) waited: bool,
    /// The socket was full. There is output, here or inside TLS, until a write has sent it all.
    pub(super) full: bool,
    /// Since when nothing is left to do but to write the last bytes.
    leaving: Option<Instant>,
    /// Why the connection ends. It is `Aborted` until something else ends it.
    pub(super) cause: EndCause,
    /// The place of this connection among all connections.
    place: ConnectionPlace,
}

impl Session {
    pub(crate) fn new(
        inbox: Arc<Inbox>,
        link: Link<OnStream>,
        patience: Patience,
        sleep_watch: SleepWatch,
        place: ConnectionPlace,
    ) -> Self {
        Self {
            connection: Arc::clone(inbox.connection()),
            inbox,
            limit: link.engine.max_streams(),
            link,
            queue: VecDeque::new(),
            fresh: Vec::new(),
            ends: Vec::new(),
            outcomes: Vec::new(),
            clock: Clock::new(patience, sleep_watch),
            quiet: false,
            asked: false,
            goaway_told: false,
            retired: false,
            waited: false,
            full: false,
            leaving: None,
            cause: EndCause::Aborted,
            place,
        }
    }

    /// Does what there is to do. Returns the cause if the connection has ended.
    fn turn(&mut self, cx: &mut Context<'_>) -> Option<EndCause> {
        if let Some(cause) = self.connection.aborted() {
            return Some(cause);
        }
        let now = Instant::now();
        let reads = self.link.reads();
        let read = if self.leaving.is_some() { ReadEnd::Empty } else { self.link.read(cx, &mut self.ends) };
        let stopped = !self.link.engine.may_read();
        self.tell_what_came();
        if self.link.reads() != reads {
            self.hear(now);
        }
        self.deliver();
        match read {
            ReadEnd::Empty => {}
            ReadEnd::More => cx.waker().wake_by_ref(),
            ReadEnd::Closed => return Some(self.ended(EndCause::Closed)),
            ReadEnd::Failed(_) => return Some(self.ended(EndCause::Io)),
            ReadEnd::Refused(error) => {
                tracing::debug!(connection = self.connection.id(), %error, "the peer broke HTTP/2");
                self.connection.failed(Symptom::Violation { code: error.code.0, what: error.what });
                // The peer is told, if the socket takes it.
                let _ = self.link.write_out(cx);
                return Some(self.ended(EndCause::Protocol));
            }
        }
        if self.connection.take_probe() {
            self.probe(now);
        }
        let ticks = self.clock.ticks(now);
        // This is looked at before requests end by their time, because the peer owed answers to them.
        let busy = ticks && self.connection.in_use() > 0;
        if self.clock.deadline_came(now) {
            self.end_late(now);
        }
        if ticks && let Some(cause) = self.tick(now, busy) {
            return Some(cause);
        }
        if self.leaving.is_none() {
            self.send(cx, now);
        }
        if stopped && self.link.engine.may_read() {
            // What stopped the reads was written, and nothing else wakes this task when there is something to read.
            cx.waker().wake_by_ref();
        }
        if self.link.is_broken() || self.link.engine.is_used_up() {
            self.retire(if self.link.is_broken() { EndCause::WriteFailed } else { EndCause::Age });
        }
        if self.leave(cx, now) {
            return Some(self.ended(EndCause::Closed));
        }
        self.clock.arm(cx);
        None
    }

    fn ended(&self, otherwise: EndCause) -> EndCause {
        if self.goaway_told { EndCause::GoAway } else { otherwise }
    }

    /// Tells the pool what the peer said: its limit of streams, and its GOAWAY. It is told before the answers that came in
    /// the same read, because the first answer may let another connection open.
    fn tell_what_came(&mut self) {
        let limit = self.link.engine.max_streams();
        if limit != self.limit {
            let from = mem::replace(&mut self.limit, limit);
            self.connection.tell(ConnectionEvent::Limit(limit));
            tracing::debug!(connection = self.connection.id(), from, to = limit, "stream limit");
        }
        if !self.goaway_told
            && let Some(goaway) = self.link.engine.goaway()
        {
            self.goaway_told = true;
            self.connection.goaway(goaway);
        }
    }

    fn tick(&mut self, now: Instant, busy: bool) -> Option<EndCause> {
        self.link.engine.tick();
        let seen = Seen {
            reads: self.link.reads(),
            busy,
            broken: self.link.is_broken(),
            proven: self.connection.is_proven(),
            awaits_pong: self.link.engine.awaits_pong(),
        };
        let due = self.clock.tick(now, &seen);
        if !busy {
            self.rest();
        }
        if self.leaving.is_some_and(|since| now - since >= READ_ON) {
            return Some(self.ended(EndCause::Closed));
        }
        if due.write_failed {
            return Some(EndCause::WriteFailed);
        }
        if due.ping_lost {
            return Some(EndCause::PingLost);
        }
        if due.ping {
            self.link.engine.ping();
        }
        if due.slept {
            self.probe(now);
        }
        if due.quiet {
            self.fall_silent();
        }
        if due.idle {
            self.connection.tell(ConnectionEvent::Drains(EndCause::Idle));
        } else if !busy && self.place.gives_way() {
            self.connection.tell(ConnectionEvent::Drains(EndCause::GaveWay));
        }
        if due.aged {
            self.connection.tell(ConnectionEvent::Aged);
        }
        None
    }

    /// Gives memory back that a busier time needed.
    fn rest(&mut self) {
        self.queue.shrink_to_fit();
        self.fresh.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.outcomes.shrink_to_fit();
    }

    /// Whether the connection has ended because nobody uses it any more, or will.
    fn leave(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.leaving.is_none() {
            let (handed_over, sealed) = self.inbox.look();
            let over = self.goaway_told
                || self.link.is_broken()
                || (sealed && !handed_over && self.queue.is_empty());
            if !over || self.link.engine.open_streams() > 0 {
                return false;
            }
            self.leaving = Some(now);
            self.queue.extend(self.inbox.close());
            self.refuse_queue();
            self.link.engine.leave(ErrorCode::NO_ERROR);
        }
        self.link.write_out(cx).is_ready() && self.link.shut_down(cx).is_ready()
    }
}

impl Future for Session {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let session = &mut *self;
        session.connection.driven_by(cx.waker());
        match session.turn(cx) {
            Some(cause) => {
                session.cause = cause;
                Poll::Ready(())
            }
            None => Poll::Pending,
        }
    }
}

/// The order is the same however the task ends: by itself, by a panic, or with the runtime. The socket is closed first,
/// so that what it took is final. Then the pool is told, so that it grants no more places on this connection. Only then
/// are those told who wait.
impl Drop for Session {
    fn drop(&mut self) {
        self.link.close();
        self.connection.retire(self.cause);
        self.queue.extend(self.inbox.close());
        self.refuse_queue();
        self.link.engine.lose_all(&mut self.ends);
        self.deliver();
        self.connection.tell(ConnectionEvent::Closed(self.cause));
    }
}
