//! A worker sends items from the input over one stream at a time, and connects again when a stream has ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::call::StreamEnd;
use super::gateways::{Gateways, backoff};
use super::input::{Chunk, Input};
use super::item::Item;
use super::journal::Journal;
use super::progress::Progress;
use super::rate::PushRate;
use super::results::Results;
use super::stream::BatchStream;
use crate::proto;

/// What all workers of a run share.
pub(super) struct BatchRun {
    pub(super) input: Input,
    pub(super) results: Results,
    pub(super) progress: Arc<Progress>,
    /// The app of pushes that name none.
    pub(super) app: String,
    pub(super) service_class: proto::ServiceClass,
    pub(super) template: MulticastTemplate,
    /// The most items in flight on one stream.
    pub(super) in_flight: usize,
    /// Where pushes are noted before they are sent.
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) rate: Option<PushRate>,
    /// How many CREDENTIAL verdicts end the run.
    pub(super) stop_after_credential: Option<u64>,
    /// How long a worker tries to connect again, counted from the last verdict.
    pub(super) reconnect_for: Duration,
    /// The longest silence of a gateway while items are in flight.
    pub(super) timeout: Duration,
    /// Cancelled when nothing more may be read or sent. Verdicts of pushes in flight are still waited for.
    pub(super) stop: CancellationToken,
    /// Cancelled when nothing is waited for any more.
    pub(super) now: CancellationToken,
}

/// The parts of a multicast that every device of the input gets.
pub(super) struct MulticastTemplate {
    pub(super) content: proto::Content,
    pub(super) options: proto::Options,
    pub(super) labels: std::collections::BTreeMap<String, String>,
}

/// One of the workers of a run.
pub(super) struct Worker {
    pub(super) run: Arc<BatchRun>,
    /// The items to send next. They were read and not written, or written and may be sent again: at most those of a chunk
    /// and those that were in flight.
    pub(super) queue: VecDeque<Item>,
    /// Whether the input has ended.
    pub(super) exhausted: bool,
    /// The error that the input ended with.
    unreadable: Option<std::io::Error>,
}

impl Worker {
    pub(super) fn new(run: Arc<BatchRun>) -> Self {
        Self { run, queue: VecDeque::new(), exhausted: false, unreadable: None }
    }

    /// Sends until the input has ended, or the worker has to give up.
    ///
    /// # Errors
    /// Says in one sentence why the worker gave up.
    pub(super) async fn work(mut self, gateways: Gateways, first: Option<Channel>) -> anyhow::Result<()> {
        let ended = self.send_all(gateways, first).await;
        // An item that may have been sent before and was not sent again gets the verdict UNCONFIRMED, so that no later run
        // repeats it unasked.
        let (in_doubt, unsent): (VecDeque<_>, VecDeque<_>) =
            self.queue.drain(..).partition(|item| item.in_doubt);
        self.queue = unsent;
        let why = "the gateway was lost before its verdict, and the run ended before it was sent again";
        let in_doubt = in_doubt.iter().map(|item| item.unconfirmed(why)).collect();
        self.run.results.record(in_doubt).await?;
        if !self.queue.is_empty() || (ended.is_err() && !self.exhausted) {
            self.run.progress.leave();
        }
        if let Some(error) = self.unreadable {
            self.run.progress.leave();
            return Err(anyhow::Error::from(error).context("cannot read the input on"));
        }
        ended
    }

    async fn send_all(&mut self, mut gateways: Gateways, mut first: Option<Channel>) -> anyhow::Result<()> {
        let run = Arc::clone(&self.run);
        let mut failures = 0;
        // The time since which no gateway gave a verdict.
        let mut without = None;
        loop {
            let idle = Instant::now();
            if !self.has_work().await? {
                break;
            }
            // Time in which there was nothing to send does not count, because no gateway was looked for.
            without = without.map(|since: Instant| since + idle.elapsed());
            let channel = match first.take() {
                Some(channel) => Ok(channel),
                None => tokio::select! {
                    channel = gateways.connect() => channel,
                    () = run.stop.cancelled() => continue,
                },
            };
            let why = match channel {
                Err(error) => format!("{error:#}"),
                Ok(channel) => {
                    let (ended, brought) = BatchStream::new(self).run(channel).await?;
                    if brought {
                        (failures, without) = (0, None);
                    }
                    match ended {
                        StreamEnd::Done if brought => continue,
                        StreamEnd::Done => "the gateway took nothing".to_owned(),
                        StreamEnd::Lost(why) => why,
                        StreamEnd::Refused(why) => bail!(why),
                    }
                }
            };
            if run.stop.is_cancelled() {
                continue;
            }
            failures += 1;
            let end = *without.get_or_insert_with(Instant::now) + run.reconnect_for;
            let next = Instant::now() + backoff(failures);
            if next > end {
                let tried = humantime::format_duration(run.reconnect_for);
                bail!("{why}; {tried} of connecting again brought no verdict (--reconnect-for)");
            }
            run.progress.trouble(&format!("{why}; connecting again"));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = run.stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Waits for the input until there is something to send. Returns `false` if nothing more comes.
    async fn has_work(&mut self) -> anyhow::Result<bool> {
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
