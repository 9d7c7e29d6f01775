//! One item of a call or stream in flight.

use std::sync::Arc;

use tokio::time::Instant;

use super::items::Item;
use super::{Core, encode};
use crate::dispatch::{Room, Terms};
use crate::proto;
use crate::push::{Body, PushId, PushResult};
use crate::upstream::Flow;

/// An item that was admitted.
pub(super) struct Started {
    pub(super) item: Item,
    pub(super) room: Room,
    pub(super) flow: Flow,
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
}

impl Started {
    /// What an async block takes lies in its future once, the parameters of an async function twice.
    #[expect(clippy::manual_async_fn, reason = "a batch has thousands of these in flight")]
    pub(super) fn send(mut self, core: Arc<Core>) -> impl Future<Output = Settled> {
        async move {
            let Item { push, encoded, .. } = &self.item;
            let terms = Terms { flow: self.flow, begun: self.begun, deadline: self.deadline, parent: None };
            let result = push.send(&core.dispatcher, encoded.as_deref(), &terms, &mut self.room).await;
            let Item { index, push, .. } = self.item;
            Settled { index, id: push.id, body: push.body, result, room: self.room }
        }
    }
}

/// An item with its verdict.
pub(super) struct Settled {
    pub(super) index: u64,
    pub(super) id: PushId,
    pub(super) body: Arc<Body>,
    pub(super) result: PushResult,
    pub(super) room: Room,
}

impl Settled {
    /// Its result; its room goes with it.
    pub(super) fn encode(self) -> (proto::PushResult, Room) {
        let Self { index, id, body, result, room } = self;
        (encode::result(index, id.into_string(), body.labels.clone(), result), room)
    }
}
