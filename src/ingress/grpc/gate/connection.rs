//! What the messages of one connection may hold.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::held_bytes::{BytesBudget, BytesShare};

/// What the messages of one connection may hold.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionBytes {
    /// What bytes that arrived are taken from.
    pub(in super::super) share: BytesShare,
    /// The lengths that large messages may claim at a time: a permit for each byte, given first come, first served.
    pub(super) turns: Arc<Semaphore>,
    /// How many permits there are, which is the most that one message asks for.
    pub(super) most: u32,
    /// The places of unary calls that wait for their turn.
    pub(super) places: Arc<Semaphore>,
}

impl ConnectionBytes {
    /// A connection whose large messages may claim `most` bytes at a time, while so many unary calls wait for theirs.
    ///
    /// Whoever waits fills the window of its stream, and a part of the connection's with it. If any number could wait, those
    /// whose turn it is could not go on, and nobody would.
    pub(crate) fn new(budget: &Arc<BytesBudget>, most: usize, most_waiting: usize) -> Self {
        // The length of a message has 32 bits, and so has a number of permits.
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Self {
            share: budget.share(),
            turns: Arc::new(Semaphore::new(most as usize)),
            most,
            places: Arc::new(Semaphore::new(most_waiting.min(Semaphore::MAX_PERMITS))),
        }
    }
}

/// A call that came over no connection may hold nothing.
impl Default for ConnectionBytes {
    fn default() -> Self {
        Self::new(&Arc::default(), 0, 0)
    }
}
