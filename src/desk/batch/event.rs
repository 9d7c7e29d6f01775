//! What happens in a batch.

use futures_util::{FutureExt, StreamExt};

use super::{Batch, BatchState, Lacks, TurnedAway};
use crate::desk::settled::Settled;

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
        let settled = self.in_flight.next().now_or_never()??;
        self.counts.settle(settled.result.outcome);
        Some(settled)
    }

    /// Waits for what happens next.
    ///
    /// # Cancel safety
    /// Dropping the future loses no event.
    pub async fn next(&mut self) -> BatchEvent {
        let taking = self.state == BatchState::Taking;
        let class = self.flow.class;
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
            room = self.desk.admission.admitted(class), if self.lacks == Lacks::Room => match room {
                Ok(room) => {
                    (self.room, self.lacks) = (Some(room), Lacks::Nothing);
                    BatchEvent::Place
                }
                // No more room is given, since the gateway drains.
                Err(_) => self.turn_all_away(TurnedAway::Draining),
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
        BatchEvent::TurnsAway(why)
    }
}

/// Waits for a moment that may never come.
async fn passed<F: Future<Output = ()> + Unpin>(moment: &mut Option<F>) -> Option<()> {
    moment.as_mut()?.await;
    Some(())
}
