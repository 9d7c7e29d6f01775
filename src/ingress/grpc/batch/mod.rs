//! SendBatch: the task of a stream reads messages, offers their items to the batch, and fills the buffer of results.
//! The response body only empties that buffer, so a caller that stops reading stops its own stream and nothing else.

mod body;
mod farewell;
mod options;
mod outgoing;
mod task;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Response, Streaming};

pub(crate) use body::Results;

use super::items::Items;
use crate::caller::Caller;
use crate::desk::{Batch, Desk};
use crate::listener::WatchedByItself;
use crate::proto;
use body::End;
use farewell::Counted;
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

/// Starts a stream's task, which `tasks` owns, and returns its response. `patience` bounds how long its end waits for its
/// caller.
pub(super) fn start(
    tasks: &TaskTracker,
    desk: &Arc<Desk>,
    caller: Caller,
    batch: Batch,
    inbound: Inbound,
    counted: Counted,
    patience: Duration,
) -> Response<Results> {
    let (sender, buffer) = mpsc::channel(1);
    let (window, end) = (batch.window(), End::default());
    let Inbound { messages, items, max_items, over } = inbound;
    let task = BatchTask::new(Arc::clone(desk), caller, batch, items, max_items, Arc::clone(&end));
    // A batch whose caller reads nothing ends by limits.reader_stall_timeout, with a status of its own.
    let (watched, answer) = WatchedByItself::new();
    let mut response = Response::new(Results::new(buffer, window, end));
    response.extensions_mut().insert(watched);
    tasks
        .spawn(task.run(messages, sender, over).then(move |()| farewell::see_off(answer, patience, counted)));
    response
}
