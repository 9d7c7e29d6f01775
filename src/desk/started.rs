//! An admitted push on its way to its verdict.

use std::ops::Deref;

use tokio::time::Instant;
use tracing::Span;

use super::Desk;
use super::opening::Opened;
use super::settled::{EchoedLabels, Settled};
use crate::dispatch::{Ask, Room};
use crate::upstream::Flow;

/// A push that was admitted.
pub(super) struct Started {
    pub(super) index: u64,
    pub(super) opened: Opened,
    pub(super) room: Room,
    pub(super) flow: Flow,
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
}

impl Started {
    /// Sends the push and waits for its verdict. Nothing runs before the first poll.
    ///
    /// What an async block takes lies in its future once; the parameters of an async function lie there twice.
    #[expect(clippy::manual_async_fn, reason = "a batch has thousands of these in flight")]
    pub(super) fn send<D>(mut self, desk: D) -> impl Future<Output = Settled> + Send
    where
        D: Deref<Target = Desk> + Send,
    {
        async move {
            let Opened { push, route, encoded, parent } = &self.opened;
            let (flow, begun, deadline) = (self.flow, self.begun, self.deadline);
            let ask = Ask { push, encoded: encoded.as_deref(), route, flow, begun, deadline };
            // The dispatcher makes the push's span when it is called, as a child of the span that is entered then.
            let verdict = {
                let _entered = parent.as_deref().map(Span::enter);
                desk.dispatcher.send(&ask, &mut self.room)
            };
            let result = verdict.await;
            let Self { index, opened: Opened { push, .. }, room, .. } = self;
            let labels = EchoedLabels::Of(push.body);
            Settled { index, id: push.id.into_string(), result, labels, seat: room.into_seat() }
        }
    }
}
