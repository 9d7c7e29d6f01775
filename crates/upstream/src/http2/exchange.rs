//! One request, as its caller and the session of its connection share it.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::time::Instant;

use crate::connection::Slot;
use crate::error::{Head, NoAnswerCause, NoReply, Unanswered, UnsentCause};
use crate::in_flight::{OrphanShare, Share};
use crate::request::{ExchangeLimits, Reply, Request};

/// One request, as its caller and the session of its connection share it.
///
/// ```text
/// (begin)
///    │ handed over
///    ▼     taken back by its caller ──────────────────────────────────────────► Over
/// Waits ── late, or the connection takes no more: provably unsent ──────┐         ▲
///    │ the session gives it to the engine                               ▼         │
///    ▼                                                                Ended ──────┤ its caller takes the end
/// Sent ──── answered, refused, reset, lost, or given up ────────────────▲         │
///    │ the caller's deadline comes                                      │         │
///    ▼                                                                  │         │
/// Late ──── the same, before its caller has looked ─────────────────────┘         │
///    │ its caller looks, or leaves; from Sent, its caller leaves                  │
///    ▼                                                                            │
/// Orphan ── the same, and nobody is told ─────────────────────────────────────────┘
/// ```
/// No stream is reset because a caller left: what was sent cannot be taken back, and its end proves the connection.
pub(super) struct Exchange {
    /// When the caller wants to know.
    pub(super) deadline: Instant,
    /// When a stream without an answer is reset.
    pub(super) give_up: Instant,
    /// The length of the body, in bytes.
    pub(super) body: usize,
    state: Mutex<State>,
}

enum State {
    /// The session has not given it to the engine. Its place on the connection is its own.
    Waits { request: Request, slot: Slot, waker: Option<Waker> },
    /// The engine has it.
    Sent { waker: Option<Waker> },
    /// The engine has it, its caller's deadline has come, and this much of the answer.
    Late { head: Option<Head> },
    /// The engine has it, and its caller has left.
    Orphan(OrphanShare),
    /// It has ended, and its caller has still to be told.
    Ended(Result<Reply, NoReply>),
    /// Nothing of it is left to do.
    Over,
}

/// What the session does with a request that it wants to send.
pub(super) enum Taken {
    /// It is the engine's from now on.
    Send(Request, Slot),
    /// There is nothing to send: its caller took it back, or its time is up.
    Nothing,
}

/// Who heard of the end of an exchange.
pub(super) enum Heard {
    /// Its caller did, or will.
    Caller,
    /// Nobody did, because the caller had left. This is how it was counted.
    Nobody(Result<Reply, NoReply>, OrphanShare),
}

impl Exchange {
    pub(super) fn new(request: Request, slot: Slot, limits: ExchangeLimits) -> Self {
        let ExchangeLimits { deadline, give_up, .. } = limits;
        let body = request.body().len();
        Self { deadline, give_up, body, state: Mutex::new(State::Waits { request, slot, waker: None }) }
    }

    /// When its caller is told at the latest.
    pub(super) fn until(&self) -> Instant {
        self.deadline.min(self.give_up)
    }

    // What the caller does.

    /// Waits for the end. It may be polled to its end once. A caller whose deadline has come leaves with this: `share`
    /// goes on counting for the request.
    pub(super) fn poll(&self, cx: &mut Context<'_>, share: &Share) -> Poll<(Result<Reply, NoReply>, bool)> {
        let mut state = self.lock();
        if let State::Waits { waker, .. } | State::Sent { waker } = &mut *state {
            match waker {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waker = Some(cx.waker().clone()),
            }
            return Poll::Pending;
        }
        match mem::replace(&mut *state, State::Over) {
            State::Ended(end) => Poll::Ready((end, false)),
            State::Late { head } => {
                *state = State::Orphan(share.orphan());
                let unanswered = Unanswered { head: head.map(Box::new), cause: NoAnswerCause::Deadline };
                Poll::Ready((Err(NoReply::Unanswered(unanswered)), true))
            }
            other @ (State::Waits { .. } | State::Sent { .. } | State::Orphan(_) | State::Over) => {
                debug_assert!(false, "polled after its end");
                *state = other;
                Poll::Pending
            }
        }
    }

    /// The caller leaves. If the engine does not have the request it never gets it, and else `share` goes on counting for
    /// it. Returns whether it became an orphan.
    pub(super) fn leave(&self, share: &Share) -> bool {
        let mut state = self.lock();
        let before = mem::replace(&mut *state, State::Over);
        let orphaned = matches!(before, State::Sent { .. } | State::Late { .. });
        if orphaned {
            *state = State::Orphan(share.orphan());
        }
        drop(state);
        // The slot of a request that was taken back returns here, outside of the lock.
        drop(before);
        orphaned
    }

    // What the session does.

    /// Takes the request to send it, unless its time is up.
    pub(super) fn take(&self, now: Instant) -> Taken {
        if self.until() <= now {
            self.refuse();
            return Taken::Nothing;
        }
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Over) {
            State::Waits { request, slot, waker } => {
                *state = State::Sent { waker };
                Taken::Send(request, slot)
            }
            other @ (State::Sent { .. }
            | State::Late { .. }
            | State::Orphan(_)
            | State::Ended(_)
            | State::Over) => {
                *state = other;
                Taken::Nothing
            }
        }
    }

    /// The request is not sent on this connection, because its time is up or the connection takes no more. Such a connection
    /// must be retired by now, because the place on it returns to the pool.
    pub(super) fn refuse(&self) {
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Over) {
            State::Waits { slot, waker, .. } => {
                *state = State::Ended(Err(NoReply::Unsent(UnsentCause::NotTaken)));
                drop(state);
                drop(slot);
                wake(waker);
            }
            other @ (State::Sent { .. }
            | State::Late { .. }
            | State::Orphan(_)
            | State::Ended(_)
            | State::Over) => *state = other,
        }
    }

    /// Whether its caller took it back.
    pub(super) fn is_gone(&self) -> bool {
        matches!(*self.lock(), State::Over)
    }

    /// The caller's deadline has come for a request that the engine has. `head` is what came of the answer.
    pub(super) fn late(&self, head: Option<&Head>) {
        let mut state = self.lock();
        if let State::Sent { waker } = &mut *state {
            let waker = waker.take();
            *state = State::Late { head: head.cloned() };
            drop(state);
            wake(waker);
        }
    }

    /// A request that the engine had has ended.
    pub(super) fn end(&self, end: Result<Reply, NoReply>) -> Heard {
        let mut state = self.lock();
        let waker = match mem::replace(&mut *state, State::Over) {
            State::Sent { waker } => waker,
            State::Late { .. } => None,
            State::Orphan(share) => return Heard::Nobody(end, share),
            other @ (State::Waits { .. } | State::Ended(_) | State::Over) => {
                debug_assert!(false, "an exchange ends once");
                *state = other;
                return Heard::Caller;
            }
        };
        *state = State::Ended(end);
        drop(state);
        wake(waker);
        Heard::Caller
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
