//! One stream's worth of work: takes items from the input, and opens another connection when one has ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

use super::call::Ended;
use super::gateways::{Gateways, backoff};
use super::input::{Chunk, Input};
use super::item::Item;
use super::journal::Journal;
use super::pace::Pace;
use super::progress::Tally;
use super::results::Results;
use super::stream::Stream;
use crate::proto;

/// What all streams share.
pub(super) struct Run {
    pub(super) input: Input,
    pub(super) results: Results,
    pub(super) tally: Arc<Tally>,
    /// The app, content and options of the flags.
    pub(super) app: String,
    pub(super) service_class: proto::ServiceClass,
    pub(super) template: Template,
    pub(super) in_flight: usize,
    /// What is noted before it is written.
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) pace: Option<Pace>,
    /// CREDENTIAL verdicts that end the run.
    pub(super) stop_after_credential: Option<u64>,
    /// How long a gateway is looked for, from the last verdict on.
    pub(super) reconnect_for: Duration,
    /// The longest silence while items are in flight.
    pub(super) timeout: Duration,
    /// Nothing more is read or sent; what was sent is waited for.
    pub(super) stop: CancellationToken,
    /// Nothing is waited for any more.
    pub(super) now: CancellationToken,
}

/// What every device of the input gets.
pub(super) struct Template {
    pub(super) content: proto::Content,
    pub(super) options: proto::Options,
    pub(super) labels: std::collections::BTreeMap<String, String>,
}

/// One of the streams.
pub(super) struct Worker {
    pub(super) run: Arc<Run>,
    /// Read and not written, or written and provably not sent: at most a chunk and what was in flight.
    pub(super) queue: VecDeque<Item>,
    /// The input has ended.
    pub(super) exhausted: bool,
    /// The input has ended with this.
    unreadable: Option<std::io::Error>,
}

impl Worker {
    pub(super) fn new(run: Arc<Run>) -> Self {
        Self { run, queue: VecDeque::new(), exhausted: false, unreadable: None }
    }

    /// Sends until the input has ended, or it may not go on.
    ///
    /// # Errors
    /// Why it broke off, in one sentence.
    pub(super) async fn work(mut self, gateways: Gateways, first: Option<Channel>) -> anyhow::Result<()> {
        let ended = self.send_all(gateways, first).await;
        // What may have been sent before and was not sent again is told, so that no later run does it unasked.
        let (in_doubt, unsent): (VecDeque<_>, VecDeque<_>) =
            self.queue.drain(..).partition(|item| item.in_doubt);
        self.queue = unsent;
        let why = "the gateway was lost before its verdict, and the run ended before it was sent again";
        let in_doubt = in_doubt.iter().map(|item| item.unconfirmed(why)).collect();
        self.run.results.record(in_doubt).await?;
        if !self.queue.is_empty() || (ended.is_err() && !self.exhausted) {
            self.run.tally.leave();
        }
        if let Some(error) = self.unreadable {
            self.run.tally.leave();
            return Err(anyhow::Error::from(error).context("cannot read the input on"));
        }
        ended
    }

    async fn send_all(&mut self, mut gateways: Gateways, mut first: Option<Channel>) -> anyhow::Result<()> {
        let run = Arc::clone(&self.run);
        let mut failures = 0;
        // Since when no gateway gave a verdict.
        let mut without = None;
        loop {
            let idle = Instant::now();
            if !self.has_work().await? {
                break;
            }
            // While there was nothing to send, no gateway was looked for.
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
                    let (ended, brought) = Stream::new(self).run(channel).await?;
                    if brought {
                        (failures, without) = (0, None);
                    }
                    match ended {
                        Ended::Done if brought => continue,
                        Ended::Done => "the gateway took nothing".to_owned(),
                        Ended::Lost(why) => why,
                        Ended::Refused(why) => bail!(why),
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
            run.tally.trouble(&format!("{why}; connecting again"));
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = run.stop.cancelled() => {}
            }
        }
        Ok(())
    }

    /// Whether there is anything to send; waits for the input.
    async fn has_work(&mut self) -> anyhow::Result<bool> {
        let run = Arc::clone(&self.run);
        while self.queue.is_empty() && !self.exhausted && !run.stop.is_cancelled() {
            tokio::select! {
                chunk = run.input.next() => self.take(chunk).await?,
                () = run.stop.cancelled() => {}
            }
        }
        if run.stop.is_cancelled() && !self.exhausted {
            run.tally.leave();
        }
        Ok(!self.queue.is_empty() && !run.stop.is_cancelled())
    }

    /// Takes what the input gave.
    pub(super) async fn take(&mut self, chunk: std::io::Result<Option<Chunk>>) -> anyhow::Result<()> {
        match chunk {
            // What is in flight has its verdict first.
            Err(error) => {
                self.exhausted = true;
                self.unreadable = Some(error);
            }
            Ok(None) => self.exhausted = true,
            Ok(Some(Chunk { items, bad, .. })) => {
                for verdict in &bad {
                    self.run.tally.bad_line(verdict);
                }
                self.run.results.record(bad).await?;
                self.queue.extend(items);
            }
        }
        Ok(())
    }
}
