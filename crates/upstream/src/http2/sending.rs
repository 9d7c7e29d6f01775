//! The way of requests from the inbox to the engine, and of the engine's output to the socket.

use std::mem;
use std::task::Context;

use tokio::time::Instant;

use super::exchange::Taken;
use super::task::{OnStream, Session};
use crate::cause::EndCause;

impl Session {
    /// Gives the engine the requests that were handed over, as far as it takes them, and writes. What there is to send
    /// waits for one turn first, unless the socket is full and has to be waited for.
    pub(super) fn send(&mut self, cx: &mut Context<'_>, now: Instant) {
        if self.full {
            self.full = self.link.write_out(cx).is_pending();
        }
        let waiting = self.inbox.look().0 || !self.queue.is_empty();
        if !waiting && !self.link.has_output() {
            self.waited = false;
            return;
        }
        if !self.waited {
            self.waited = true;
            cx.waker().wake_by_ref();
            return;
        }
        self.inbox.take(&mut self.fresh);
        for exchange in self.fresh.drain(..) {
            self.clock.by(exchange.until());
            self.queue.push_back(exchange);
        }
        loop {
            self.begin(now);
            if self.full || !self.link.has_output() {
                break;
            }
            self.full = self.link.write_out(cx).is_pending();
        }
        self.waited = false;
        if !self.queue.is_empty() {
            if self.link.engine.takes_requests() {
                self.queue.retain(|exchange| !exchange.is_gone());
            } else {
                self.refuse_queue();
            }
        }
    }

    /// Gives the engine what it takes now of the queue.
    pub(super) fn begin(&mut self, now: Instant) {
        while let Some(exchange) = self.queue.front()
            && self.link.engine.may_begin(exchange.body)
            && let Some(exchange) = self.queue.pop_front()
        {
            if let Taken::Send(request, slot) = exchange.take(now) {
                self.asked = false;
                let (head, body) = request.complete();
                self.link.engine.begin(&head, body, OnStream { exchange, slot, late: false });
            }
        }
    }

    /// The connection takes no new requests.
    pub(super) fn retire(&mut self, why: EndCause) {
        if !mem::replace(&mut self.retired, true) {
            self.connection.retire(why);
        }
    }

    pub(super) fn refuse_queue(&mut self) {
        self.retire(if self.link.is_broken() { EndCause::WriteFailed } else { EndCause::NotTaken });
        while let Some(exchange) = self.queue.pop_front() {
            exchange.refuse();
        }
    }
}
