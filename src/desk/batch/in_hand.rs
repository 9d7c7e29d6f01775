//! An item that waits for room.

use crate::desk::opening::OpenedPush;
use crate::dispatch::Seat;

/// An item that has a seat and lacks room.
pub(super) struct InHand {
    pub(super) index: u64,
    pub(super) opened: OpenedPush,
    pub(super) seat: Seat,
}
