//! What happens in a batch.

use fanfare_upstream::ServiceClass;
use futures_util::{FutureExt, StreamExt};

use super::in_hand::InHand;
use super::{Batch, BatchState, Lacks, TurnedAway};
use crate::caller::Caller;
use crate::desk::admission::Admission;
use crate::desk::settled::Settled;
use crate::dispatch::Room;

/// What happened in a batch.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "in a box, each item would allocate once more")]
pub enum BatchEvent {
    /// An item has its result.
    Settled(Settled),
    /// There may be a place for the next draft.
    Place,
    /// No more drafts are taken: those at hand are to be turned away, and no more to be read.
    TurnsAway(TurnedAway),
    /// A moment passed. It is time to ask whether the caller's reading has stalled.
    Tick,
}

impl Batch {
    /// One more item that has its result already. Several have it at once where answers came in one read.
    pub(crate) fn settled(&mut self) -> Option<Settled> {
        if let Some(turned_away) = self.turned_away.take() {
            return Some(turned_away);
        }
        let settled = self.in_flight.next().now_or_never()??;
        self.counts.settle(settled.result.outcome);
        Some(settled)
    }

    /// Waits for what happens next.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> BatchEvent {
        if let Some(turned_away) = self.turned_away.take() {
            return BatchEvent::Settled(turned_away);
        }
        let taking = self.state == BatchState::Taking || self.in_hand.is_some();
        let room = room(&self.desk.admission, self.flow.class, &self.caller, self.in_hand.as_ref());
        tokio::select! {
            Some(settled) = self.in_flight.next(), if !self.in_flight.is_empty() => {
                self.counts.settle(settled.result.outcome);
                BatchEvent::Settled(settled)
            }
            Some(()) = passed(&mut self.turn_comes), if self.lacks == Lacks::Turn => {
                (self.turn_comes, self.lacks) = (None, Lacks::Nothing);
                BatchEvent::Place
            }
            seat = self.window.enter(), if self.lacks == Lacks::Seat => {
                (self.seat, self.lacks) = (Some(seat), Lacks::Nothing);
                BatchEvent::Place
            }
            Some(room) = room => match room {
                Some(room) => {
                    if let Some(item) = self.in_hand.take() {
                        self.send(item, room);
                    }
                    BatchEvent::Place
                }
                // No more room is given, since the gateway drains.
                None => self.turn_all_away(TurnedAway::Draining),
            },
            Some(()) = passed(&mut self.drains) => {
                self.drains = None;
                self.turn_all_away(TurnedAway::Draining)
            }
            Some(()) = passed(&mut self.taking_ends), if taking => {
                self.taking_ends = None;
                self.turn_all_away(TurnedAway::OutOfTime)
            }
            Some(()) = passed(&mut self.caller_expires), if taking => {
                self.caller_expires = None;
                self.turn_all_away(TurnedAway::CallerExpired)
            }
            _ = self.tick.tick() => {
                self.in_flight.give_back();
                BatchEvent::Tick
            }
        }
    }

    fn turn_all_away(&mut self, why: TurnedAway) -> BatchEvent {
        self.counts.draining |= why == TurnedAway::Draining;
        if self.state == BatchState::Taking {
            self.stop_taking(BatchState::TurningAway);
        }
        self.turn_in_hand_away(why);
        BatchEvent::TurnsAway(why)
    }
}

/// Waits for a moment that may never come.
async fn passed<F: Future<Output = ()> + Unpin>(moment: &mut Option<F>) -> Option<()> {
    moment.as_mut()?.await;
    Some(())
}

/// Waits for room for an item in hand. `Some(None)` says that none is given any more.
async fn room(
    admission: &Admission,
    class: ServiceClass,
    caller: &Caller,
    in_hand: Option<&InHand>,
) -> Option<Option<Room>> {
    Some(admission.admitted(class, in_hand?.opened.sharers(caller)).await)
}
