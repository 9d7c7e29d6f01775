//! SendBatch: the task of a stream reads messages, offers their items to the batch, and fills the buffer of results.
//! The response body only empties that buffer, so a caller that stops reading stops its own stream and nothing else.

mod body;
mod options;
mod outgoing;
mod task;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Streaming;

pub(crate) use body::Results;

use super::items::Items;
use crate::caller::Caller;
use crate::desk::{Batch, Desk};
use crate::proto;
use body::{Counted, End};
use task::BatchTask;

/// What comes from the caller of a stream.
pub(super) struct Inbound {
    pub(super) messages: Streaming<proto::UnreadBatch>,
    /// The items of the message that was read last.
    pub(super) items: Items,
    /// Bounds the items of one message.
    pub(super) max_items: usize,
    /// It is cancelled a moment before the caller's connection is closed.
    pub(super) over: CancellationToken,
}

/// Starts a stream's task, which `tasks` owns, and returns its response body.
pub(super) fn start(
    tasks: &TaskTracker,
    desk: &Arc<Desk>,
    caller: Caller,
    batch: Batch,
    inbound: Inbound,
    counted: Counted,
) -> Results {
    let (sender, buffer) = mpsc::channel(1);
    let (window, end) = (batch.window(), End::default());
    let Inbound { messages, items, max_items, over } = inbound;
    let task = BatchTask::new(Arc::clone(desk), caller, batch, items, max_items, Arc::clone(&end));
    tasks.spawn(task.run(messages, sender, over));
    Results::new(buffer, window, end, counted)
}
