//! What an admitted push holds while it is in flight.

use std::time::Duration;

use fanfare_upstream::Share;

use super::trail::Trail;
use super::window::{Seat, WaitingSetFull};

/// Room for one push. Dropping it gives the room back; a request that its connection has keeps it until its answer.
#[derive(Debug)]
pub struct Room {
    share: Share,
    /// The place of an item in the window of its batch. A push that is no item has none.
    seat: Option<Seat>,
    /// What is left behind for those who ask after the push, if anybody does.
    trail: Option<Trail>,
}

impl Room {
    /// The room of a push, which takes this share of what may be in flight.
    #[must_use]
    pub(crate) fn new(share: Share) -> Self {
        Self { share, seat: None, trail: None }
    }

    /// The room of an item of a batch, with its place in the batch's window.
    #[must_use]
    pub(crate) fn with_seat(mut self, seat: Seat) -> Self {
        self.seat = Some(seat);
        self
    }

    /// Writes down on `trail` from now on whether the push may have been delivered.
    pub(crate) fn leave_trail(&mut self, trail: Trail) {
        self.trail = Some(trail);
    }

    /// How often the push was attempted, where one of the attempts may have been delivered; else 0.
    pub(super) fn note(&self, attempts_in_doubt: u32) {
        if let Some(trail) = &self.trail {
            trail.note(attempts_in_doubt);
        }
    }

    /// The push has its result, which still holds the seat; the rest of the room returns.
    #[must_use]
    pub(crate) fn into_seat(self) -> Option<Seat> {
        self.seat
    }

    /// What the push takes of what may be in flight.
    pub(super) fn share(&self) -> &Share {
        &self.share
    }

    /// Waits between two attempts.
    ///
    /// # Errors
    /// Fails if an item of a batch would have to join a full waiting set. Then it did not wait.
    pub(super) async fn wait(&mut self, wait: Duration) -> Result<(), WaitingSetFull> {
        match &mut self.seat {
            // A push that others wait for keeps its seat: they hold seats of the same window until its verdict, so it might
            // never get another.
            Some(seat) if self.trail.is_none() => seat.wait(wait).await,
            Some(_) | None => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
        }
    }
}
