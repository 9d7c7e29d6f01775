//! SendBatch: what comes over a stream of gRPC.

use fanfare_upstream::coarse_now;
use tonic::{Status, Streaming};
use tracing::Span;

use crate::caller::Caller;
use crate::desk::{Desk, Draft};
use crate::ingress::contract::batch::{Read, Source};
use crate::ingress::contract::{self, CallFault, Items};
use crate::proto;
use crate::telemetry::traces;

/// The messages of a stream.
pub(super) struct Messages {
    pub(super) stream: Streaming<proto::UnreadBatch>,
    /// The items of the message that was read last.
    pub(super) items: Items,
    /// Bounds the items of one message.
    pub(super) max_items: usize,
    /// The span of the call, which the spans of traced items are linked to.
    pub(super) call: Span,
}

impl Source for Messages {
    type Fault = Status;
    type Items = proto::UnreadItems;

    async fn message(&mut self) -> Result<Option<Read<Self::Items>>, Status> {
        let Some(proto::UnreadBatch { message, items }) = self.stream.message().await? else {
            return Ok(None);
        };
        let count = items.len();
        if count > self.max_items {
            return Err(CallFault::Bad(contract::too_many_items(self.max_items, count)).into());
        }
        Ok(Some(Read { options: message.options, count, items }))
    }

    fn take_in(&mut self, items: Self::Items) {
        self.items.read(items, coarse_now());
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn next(&mut self, desk: &Desk, caller: &Caller) -> Option<Draft> {
        let draft = self.items.next(desk, caller)?;
        Some(Draft { parent: traces::batch_item(&self.call), ..draft })
    }

    fn set_default_app(&mut self, app: String) {
        self.items.set_default_app(app);
    }
}
