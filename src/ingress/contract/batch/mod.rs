//! A batch, by whichever protocol its caller speaks: the task of a stream reads messages, offers their items to the desk's
//! batch, and fills the buffer of results. The body of the answer only empties that buffer, so a caller that stops reading
//! stops its own stream and nothing else.

mod body;
mod farewell;
mod options;
mod outgoing;
mod source;
mod task;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use body::Results;
pub(in crate::ingress) use source::{Read, Source};

use crate::caller::Caller;
use crate::desk::{Batch, Desk};
use crate::listener::WatchedByItself;
use body::End;
use task::BatchTask;

/// What a stream has besides its source.
pub(in crate::ingress) struct Stream<C> {
    pub(in crate::ingress) caller: Caller,
    pub(in crate::ingress) batch: Batch,
    /// It is cancelled a moment before the caller's connection is closed.
    pub(in crate::ingress) over: CancellationToken,
    /// What counts the stream until its end is taken.
    pub(in crate::ingress) counted: C,
    /// How long its end waits for its caller.
    pub(in crate::ingress) patience: Duration,
}

/// Starts a stream's task, which `tasks` owns. What is returned are the messages of the answer, and what belongs into the
/// answer's extensions.
pub(in crate::ingress) fn start<S: Source + 'static, C: Send + 'static>(
    tasks: &TaskTracker,
    desk: &Arc<Desk>,
    source: S,
    stream: Stream<C>,
) -> (Results<S::Fault>, WatchedByItself) {
    let Stream { caller, batch, over, counted, patience } = stream;
    let (sender, buffer) = mpsc::channel(1);
    let (window, end) = (batch.window(), End::default());
    let task = BatchTask::new(Arc::clone(desk), caller, batch, source, Arc::clone(&end));
    // A batch whose caller reads nothing ends by limits.reader_stall_timeout, and its caller is told so.
    let (watched, answer) = WatchedByItself::new();
    tasks.spawn(task.run(sender, over).then(move |()| farewell::see_off(answer, patience, counted)));
    (Results::new(buffer, window, end), watched)
}
