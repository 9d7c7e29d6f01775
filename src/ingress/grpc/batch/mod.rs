//! SendBatch: the task of a stream reads messages, offers their items to the batch, and fills the buffer of results.
//! The response body only empties that buffer, so a caller that stops reading stops its own stream and nothing else.

mod body;
mod options;
mod outgoing;
mod task;

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tonic::Streaming;

pub(crate) use body::Results;

use crate::caller::Caller;
use crate::desk::{Batch, Desk};
use crate::proto;
use body::{Counted, End};
use task::BatchTask;

/// Starts a stream's task, which `tasks` owns, and returns its response body.
pub(super) fn start(
    tasks: &TaskTracker,
    desk: &Arc<Desk>,
    caller: Caller,
    batch: Batch,
    inbound: Streaming<proto::SendBatchRequest>,
    counted: Counted,
) -> Results {
    let (sender, buffer) = mpsc::channel(1);
    let (window, end) = (batch.window(), End::default());
    let task = BatchTask::new(Arc::clone(desk), caller, batch, Arc::clone(&end));
    tasks.spawn(task.run(inbound, sender));
    Results::new(buffer, window, end, counted)
}
