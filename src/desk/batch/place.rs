//! The places of a batch: who finds one is sent, and who finds none waits or is turned away.

use tokio::time::Instant;

use super::{Batch, BatchState, Lacks, TurnedAway};
use crate::desk::admission::NoRoom;
use crate::desk::check;
use crate::desk::draft::{Draft, DraftBody};
use crate::desk::refused::{OVER_BUDGET, Refused};
use crate::desk::settled::Settled;
use crate::desk::started::Started;
use crate::dispatch::{Room, Seat, Terms};
use crate::push::{Labels, Reason};

/// A place for one draft: a seat of the window, and room among all pushes in flight.
pub struct BatchPlace<'a> {
    batch: &'a mut Batch,
    seat: Seat,
    room: Room,
}

impl Batch {
    /// A place for the next draft, where there is one; else [`Batch::next`] waits for it.
    pub fn place(&mut self) -> Option<BatchPlace<'_>> {
        if self.state != BatchState::Taking {
            return None;
        }
        // What was lacking may be there by now, though nobody waited for it.
        self.lacks = Lacks::Nothing;
        if !self.has_turn
            && let Err(wait) = self.caller.take_turn()
        {
            self.turn_comes = Some(Box::pin(tokio::time::sleep(wait)));
            self.lacks = Lacks::Turn;
            return None;
        }
        self.has_turn = true;
        let Some(seat) = self.seat.take().or_else(|| self.window.try_enter()) else {
            self.lacks = Lacks::Seat;
            return None;
        };
        let room = match self.room.take() {
            Some(room) => Ok(room),
            None => self.desk.admission.admit(self.flow.class),
        };
        match room {
            Ok(room) => {
                self.has_turn = false;
                Some(BatchPlace { batch: self, seat, room })
            }
            // Whoever waits for room is told as well when none is given any more.
            Err(NoRoom::Full | NoRoom::OverBudget | NoRoom::Draining | NoRoom::OverRate(_)) => {
                (self.seat, self.lacks) = (Some(seat), Lacks::Room);
                None
            }
        }
    }

    /// Turns a draft away that found no place before the batch stopped taking.
    pub(crate) fn turn_away(&mut self, draft: Draft, why: TurnedAway) -> Settled {
        let (reason, detail) = match why {
            TurnedAway::Draining => (Reason::Draining, "the gateway is shutting down"),
            TurnedAway::OutOfTime => (Reason::DeadlineExceeded, "the stream's deadline came first"),
            TurnedAway::CallerExpired => (Reason::NotPermitted, "what the caller showed has expired"),
        };
        // It has no seat, so it has none to give back.
        self.refuse(unopened(draft, reason, detail), None)
    }

    fn refuse(&mut self, refused: Refused, seat: Option<Seat>) -> Settled {
        self.desk.metrics.refused(refused.reason_name());
        let settled = refused.settle(self.number(), seat);
        self.counts.settle(settled.result.outcome);
        settled
    }

    fn number(&mut self) -> u64 {
        let index = self.next_index;
        self.next_index += 1;
        index
    }
}

impl BatchPlace<'_> {
    /// Sends a push.
    ///
    /// # Errors
    /// Fails with the push's result if it cannot be sent.
    pub fn offer(self, draft: Draft) -> Result<(), Box<Settled>> {
        let Self { batch, seat, room } = self;
        let opened = match batch.desk.open_draft(&batch.caller, batch.flow.class, draft) {
            Ok(opened) => opened,
            Err(refused) => return Err(Box::new(batch.refuse(*refused, Some(seat)))),
        };
        if let Err(why) = opened.bytes_held() {
            let (id, labels) = (opened.push.id.into_string(), opened.push.body.labels.clone());
            let refused = Refused::not_attempted(id, labels, why.reason(), OVER_BUDGET);
            return Err(Box::new(batch.refuse(refused, Some(seat))));
        }
        let begun = Instant::now();
        let max_wait = opened.push.body.options.max_wait.unwrap_or(batch.desk.settings.batch.max_wait);
        let own = begun + max_wait;
        let deadline = batch.deadline.map_or(own, |deadline| own.min(deadline));
        let (index, flow, room) = (batch.number(), opened.flow(batch.flow), room.with_seat(seat));
        let terms = Terms { flow, begun, deadline };
        batch.in_flight.send(Started { index, opened, room, terms });
        Ok(())
    }
}

/// Makes the result of a draft that is not opened, because the gateway takes nothing more.
fn unopened(draft: Draft, reason: Reason, detail: &'static str) -> Refused {
    let labels = match draft.body {
        DraftBody::Own(body) => check::labels(body.labels).unwrap_or_default(),
        DraftBody::Shared(body) => body.labels().clone(),
        DraftBody::Unreadable(_) => Labels::new(),
    };
    Refused::not_attempted(check::echo(draft.id), labels, reason, detail)
}
