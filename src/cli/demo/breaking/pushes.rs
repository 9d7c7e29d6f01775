//! What is sent: pushes to devices of their own, handed in at a steady pace. The journal tells them by their ids.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::limits::HANDING_IN;

/// A push, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PlannedPush(pub(super) u32);

impl PlannedPush {
    /// Both senders show it to APNs, which names the push by it.
    pub(super) fn id(self) -> Uuid {
        // Of version 4 by its bits.
        Uuid::from_u64_pair(0x4000, 0x8000_0000_0000_0000 | u64::from(self.0))
    }

    pub(super) fn device_token(self) -> String {
        format!("900d{:060x}", self.0)
    }

    pub(super) fn text(self) -> String {
        format!("push number {}", self.0)
    }
}

/// All pushes, as they are handed in.
pub(super) fn paced(count: u32) -> impl Stream<Item = PlannedPush> + Send + 'static {
    let begun = Instant::now();
    stream::iter(0..count).then(move |number| async move {
        sleep_until(begun + due(number, count)).await;
        PlannedPush(number)
    })
}

/// When a push is handed in.
fn due(number: u32, count: u32) -> Duration {
    HANDING_IN.mul_f64(f64::from(number) / f64::from(count))
}
