//! An admitted push on its way to its verdict.

use std::ops::Deref;

use futures_util::future::Either;

use super::Desk;
use super::opening::OpenedPush;
use super::settled::{EchoedLabels, Settled};
use crate::dispatch::{Room, Terms};
use crate::push::PushResult;

/// A push that was admitted.
pub(super) struct Started {
    pub(super) index: u64,
    pub(super) opened: OpenedPush,
    pub(super) room: Room,
    pub(super) terms: Terms,
}

impl Started {
    /// Sends the push, or waits for the first with its id, and returns its verdict. Nothing runs before the first poll.
    pub(super) fn send<D>(mut self, desk: D) -> impl Future<Output = Settled> + Send
    where
        D: Deref<Target = Desk> + Send,
    {
        match self.opened.once.take() {
            None => Either::Left(self.send_now(desk)),
            // It is boxed, so that it takes no room in the future of every other push.
            Some(once) => Either::Right(Box::pin(self.send_once(once, desk))),
        }
    }

    /// Sends the push and waits for its verdict.
    ///
    /// An `async fn` would keep each moved parameter twice.
    #[expect(clippy::manual_async_fn, reason = "a batch has thousands of these in flight")]
    pub(super) fn send_now<D>(mut self, desk: D) -> impl Future<Output = Settled> + Send
    where
        D: Deref<Target = Desk> + Send,
    {
        async move {
            let OpenedPush { push, encoded, .. } = &self.opened;
            let (encoded, parent) = (encoded.as_deref(), self.opened.parent());
            let result = push.send(&desk.dispatcher, encoded, &self.terms, parent, &mut self.room).await;
            self.opened.tell(&result);
            self.settle(result)
        }
    }

    /// The push with its result.
    pub(super) fn settle(self, result: PushResult) -> Settled {
        let Self { index, opened: OpenedPush { push, .. }, room, .. } = self;
        let labels = EchoedLabels::Of(push.body);
        Settled { index, id: push.id.into_string(), result, labels, seat: room.into_seat() }
    }
}
