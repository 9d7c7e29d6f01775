//! What an admitted push holds while it is in flight.

use std::time::Duration;

use fanfare_upstream::Share;

use super::window::{Seat, WaitingSetFull};

/// Room for one push. Dropping it gives the room back; a request that its connection has keeps it until its answer.
#[derive(Debug)]
pub struct Room {
    share: Share,
    /// The place of an item in the window of its batch. A push that is no item has none.
    seat: Option<Seat>,
}

impl Room {
    /// The room of a push, which takes this share of what may be in flight.
    #[must_use]
    pub(crate) fn new(share: Share) -> Self {
        Self { share, seat: None }
    }

    /// The room of an item of a batch, with its place in the batch's window.
    #[must_use]
    pub(crate) fn with_seat(mut self, seat: Seat) -> Self {
        self.seat = Some(seat);
        self
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
            Some(seat) => seat.wait(wait).await,
            None => {
                tokio::time::sleep(wait).await;
                Ok(())
            }
        }
    }
}
