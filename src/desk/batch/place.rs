//! The places of a batch: who finds one is sent, and who finds none waits or is turned away. A place is a seat of the
//! window. Room among all pushes in flight is that of a push's app and caller, so it is looked for when the draft is opened:
//! an item that finds none stays in hand, and no other is taken meanwhile.

use tokio::time::Instant;

use super::in_hand::InHand;
use super::{Batch, BatchState, Lacks, TurnedAway};
use crate::desk::admission::Unadmitted;
use crate::desk::check;
use crate::desk::draft::{Draft, DraftBody};
use crate::desk::refused::{OVER_BUDGET, Refused};
use crate::desk::settled::Settled;
use crate::desk::started::Started;
use crate::dispatch::{Room, Seat, Terms};
use crate::push::{Labels, Reason};

/// A place for one draft: a seat of the window.
pub struct BatchPlace<'a> {
    batch: &'a mut Batch,
    seat: Seat,
}

impl Batch {
    /// A place for the next draft, where there is one; else [`Batch::next`] waits for it.
    pub fn place(&mut self) -> Option<BatchPlace<'_>> {
        if self.state != BatchState::Taking {
            return None;
        }
        // What was lacking may be there by now, though nobody waited for it.
        if let Some(item) = self.in_hand.take() {
            self.start(item);
            if self.in_hand.is_some() {
                return None;
            }
        }
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
        self.has_turn = false;
        Some(BatchPlace { batch: self, seat })
    }

    /// Sends an item where there is room for it, or keeps it in hand.
    fn start(&mut self, item: InHand) {
        match self.desk.admission.admit(self.flow.class, item.opened.sharers(&self.caller)) {
            Ok(room) => self.send(item, room),
            // Whoever waits for room is told as well when none is given any more.
            Err(Unadmitted::AppFull | Unadmitted::CallerFull | Unadmitted::Draining) => {
                self.in_hand = Some(item)
            }
        }
    }

    /// Sends an item that has room.
    pub(super) fn send(&mut self, item: InHand, room: Room) {
        let InHand { index, opened, seat } = item;
        let begun = Instant::now();
        let own = opened.push.body.options.max_wait;
        let max_wait = own.unwrap_or_else(|| self.desk.settings.load().batch.max_wait);
        let own = begun + max_wait;
        let deadline = self.deadline.map_or(own, |deadline| own.min(deadline));
        let terms = Terms { flow: opened.flow(self.flow), begun, deadline };
        self.in_flight.send(Started { index, opened, room: room.with_seat(seat), terms });
    }

    /// Turns the item in hand away, if there is one. Its result is the next one.
    pub(super) fn turn_in_hand_away(&mut self, why: TurnedAway) {
        let Some(InHand { index, opened, seat }) = self.in_hand.take() else { return };
        let (reason, detail) = turned_away(why);
        let refused = opened.not_attempted(reason, detail);
        self.turned_away = Some(self.settle(refused, index, Some(seat)));
    }

    /// Turns a draft away that found no place before the batch stopped taking.
    pub(crate) fn turn_away(&mut self, draft: Draft, why: TurnedAway) -> Settled {
        let (reason, detail) = turned_away(why);
        // It has no seat, so it has none to give back.
        self.refuse(unopened(draft, reason, detail), None)
    }

    fn refuse(&mut self, refused: Refused, seat: Option<Seat>) -> Settled {
        let index = self.number();
        self.settle(refused, index, seat)
    }

    fn settle(&mut self, refused: Refused, index: u64, seat: Option<Seat>) -> Settled {
        self.desk.metrics.refused(refused.reason_name());
        let settled = refused.settle(index, seat);
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
    /// Sends a push, when there is room for it.
    ///
    /// # Errors
    /// Fails with the push's result if it cannot be sent.
    pub fn offer(self, draft: Draft) -> Result<(), Box<Settled>> {
        let Self { batch, seat } = self;
        let opened = match batch.desk.open_draft(&batch.caller, batch.flow.class, draft) {
            Ok(opened) => opened,
            Err(refused) => return Err(Box::new(batch.refuse(*refused, Some(seat)))),
        };
        if let Err(why) = opened.bytes_held() {
            let refused = opened.not_attempted(why.reason(), OVER_BUDGET);
            return Err(Box::new(batch.refuse(refused, Some(seat))));
        }
        let index = batch.number();
        batch.start(InHand { index, opened, seat });
        Ok(())
    }
}

fn turned_away(why: TurnedAway) -> (Reason, &'static str) {
    match why {
        TurnedAway::Draining => {
            (Reason::Draining, "the gateway is shutting down, or the connection has reached its age")
        }
        TurnedAway::OutOfTime => (Reason::DeadlineExceeded, "the stream's deadline came first"),
        TurnedAway::CallerExpired => (Reason::NotPermitted, "what the caller showed has expired"),
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
