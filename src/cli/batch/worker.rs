//! A worker of a run: the items that it has to send, and the input that more of them come from.

use std::collections::VecDeque;
use std::sync::Arc;

use super::input::Chunk;
use super::item::Item;
use super::run::BatchRun;

/// One of the workers of a run.
pub(super) struct Worker {
    pub(super) run: Arc<BatchRun>,
    /// The items to send next. They were read and not written, or written and may be sent again: at most those of a chunk
    /// and those that were in flight.
    pub(super) queue: VecDeque<Item>,
    /// Whether the input has ended.
    pub(super) exhausted: bool,
    /// The error that the input ended with.
    pub(super) unreadable: Option<std::io::Error>,
}

impl Worker {
    pub(super) fn new(run: Arc<BatchRun>) -> Self {
        Self { run, queue: VecDeque::new(), exhausted: false, unreadable: None }
    }

    /// Waits for the input until there is something to send. Returns `false` if nothing more comes.
    pub(super) async fn has_work(&mut self) -> anyhow::Result<bool> {
        let run = Arc::clone(&self.run);
        while self.queue.is_empty() && !self.exhausted && !run.stop.is_cancelled() {
            tokio::select! {
                chunk = run.input.next() => self.take(chunk).await?,
                () = run.stop.cancelled() => {}
            }
        }
        if run.stop.is_cancelled() && !self.exhausted {
            run.progress.leave();
        }
        Ok(!self.queue.is_empty() && !run.stop.is_cancelled())
    }

    /// Takes the next chunk of the input into the queue.
    pub(super) async fn take(&mut self, chunk: std::io::Result<Option<Chunk>>) -> anyhow::Result<()> {
        match chunk {
            // The error is told at the end, when the items in flight have their verdicts.
            Err(error) => {
                self.exhausted = true;
                self.unreadable = Some(error);
            }
            Ok(None) => self.exhausted = true,
            Ok(Some(Chunk { items, bad, .. })) => {
                for verdict in &bad {
                    self.run.progress.bad_line(verdict);
                }
                self.run.results.record(bad).await?;
                self.queue.extend(items);
            }
        }
        Ok(())
    }
}
