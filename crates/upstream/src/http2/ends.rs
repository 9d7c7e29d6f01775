//! How requests end, and who is told.

use std::iter;

use tokio::time::Instant;

use super::exchange::Heard;
use super::heard::HeardOfPeer;
use super::outcome::{outcome, unanswered};
use super::task::{OnStream, Session};
use crate::cause::EndCause;
use crate::error::{NoAnswerCause, orphan_end};
use crate::failure::Symptom;
use crate::http2::engine::Ended;
use crate::observe::Report;

impl Session {
    /// Tells callers how their requests ended. First their places on the connection return, so that a caller who asks for
    /// the next one finds it.
    pub(super) fn deliver(&mut self) {
        let (connection, ends, outcomes) = (&self.connection, &mut self.ends, &mut self.outcomes);
        let mut heard = HeardOfPeer::default();
        // Each is taken out by itself, so that the others are still there for `Drop` if an observer panics, and none of
        // their callers waits for ever. Both lists are taken from the back, so the first to end is the first to be told.
        connection.give_back(iter::from_fn(|| {
            let Ended { token: OnStream { exchange, slot, .. }, end } = ends.pop()?;
            let outcome = outcome(end);
            // A good answer proves the connection, whether the caller still waits for it or not.
            heard.note(connection, &outcome);
            outcomes.push((exchange, outcome));
            Some(slot)
        }));
        heard.tell(connection, self.cause);
        while let Some((exchange, outcome)) = self.outcomes.pop() {
            if let Heard::Nobody(outcome, share) = exchange.end(outcome) {
                drop(share);
                self.connection.report(Report::Orphans(-1));
                self.connection.report(Report::OrphanEnded(orphan_end(&outcome)));
            }
        }
    }

    /// Ends what has no more time: a request that was not sent is unsent, a caller is told that its deadline came, and a
    /// stream without an answer is reset.
    pub(super) fn end_late(&mut self, now: Instant) {
        self.queue.retain(|exchange| match exchange.until() <= now {
            true => {
                exchange.refuse();
                false
            }
            false => {
                self.clock.by(exchange.until());
                !exchange.is_gone()
            }
        });
        let mut given_up = Vec::new();
        for (id, request, head) in self.link.engine.requests() {
            let exchange = &request.exchange;
            if exchange.deadline <= now && !request.late {
                request.late = true;
                if exchange.deadline < exchange.give_up {
                    exchange.late(head);
                }
            }
            if exchange.give_up <= now {
                given_up.push(id);
            } else {
                self.clock.by(if request.late { exchange.give_up } else { exchange.until() });
            }
        }
        for id in given_up {
            let Some((request, head)) = self.link.engine.cancel(id) else { continue };
            // A connection that has brought no good answer yet takes no other request: if it is the only one, each
            // request in turn would wait as long, whatever other addresses the peer has.
            if !self.connection.is_proven() {
                self.connection.retire(EndCause::AnswerTimeout);
            }
            self.connection.failed(Symptom::NoAnswer);
            let outcome = Err(unanswered(head, NoAnswerCause::AnswerTimeout));
            drop(request.slot);
            self.outcomes.push((request.exchange, outcome));
        }
        self.deliver();
    }
}
