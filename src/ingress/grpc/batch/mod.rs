//! SendBatch: one task a stream reads, admits, drives its window and fills the buffer of results. The response
//! body only empties that buffer, so a caller that stops reading stops its own admission and nothing else.

mod body;
mod counted;
mod options;
mod tally;
mod task;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Streaming;

pub use body::Results;

use super::Core;
use super::incoming::OpenBatch;
use crate::dispatch::Window;
use crate::proto;
use body::End;
use task::Batch;

/// Limits of batch streams.
#[derive(Debug, Clone)]
pub struct BatchSettings {
    /// Items in flight and results not yet delivered, of one stream.
    pub window: usize,
    /// Items of one stream that wait for more than a second for their next attempt.
    pub max_waiting: usize,
    /// How long the gateway works on an item that names no `max_wait`.
    pub max_wait: Duration,
    /// A stream ends when nothing could be delivered for this long.
    pub reader_stall_timeout: Duration,
    /// Batch streams of one connection.
    pub max_streams: usize,
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            window: 4096,
            max_waiting: 4096,
            max_wait: Duration::from_secs(5 * 60),
            reader_stall_timeout: Duration::from_secs(60),
            max_streams: 32,
        }
    }
}

/// Starts a stream's task and returns its response body.
pub(super) fn start(
    core: Arc<Core>,
    inbound: Streaming<proto::SendBatchRequest>,
    deadline: Option<Instant>,
    open: OpenBatch,
) -> Results {
    let (sender, buffer) = mpsc::channel(1);
    let window = Window::new(core.batch.window, core.batch.max_waiting);
    let end = End::default();
    let batch = Batch::new(core, Arc::clone(&window), Arc::clone(&end), deadline);
    tokio::spawn(batch.run(inbound, sender));
    Results::new(buffer, window, end, open)
}
