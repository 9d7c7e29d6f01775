//! The task that exports. It waits for a batch, names its attributes and sends it. A collector that takes nothing costs its spans,
//! one line when that begins and one when it ends.

use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::counters::SpanCounters;
use super::names::name_attributes;
use super::otlp::Collector;
use super::settings::TraceSettings;

/// How long the end of the process waits for a collector to take the last spans.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// How long nothing is sent after an export that failed. It doubles with each, up to the most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The task that exports.
#[must_use = "the last spans are exported when it is ended"]
pub struct Exporting {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Exporting {
    pub(super) fn start(
        collector: Collector,
        spans: mpsc::Receiver<SpanData>,
        settings: &TraceSettings,
        counters: SpanCounters,
    ) -> Self {
        let stop = CancellationToken::new();
        let exporter = Exporter {
            collector,
            spans,
            counters,
            max_batch: settings.max_batch,
            delay: settings.batch_delay,
            timeout: settings.timeout,
            failing: None,
        };
        let task = tokio::spawn(exporter.run(stop.clone()));
        Self { stop, task }
    }

    /// Exports what is queued, and waits a moment for that.
    pub async fn end(self) {
        self.stop.cancel();
        let _ = timeout(LAST_SPANS, self.task).await;
    }
}

struct Exporter {
    collector: Collector,
    spans: mpsc::Receiver<SpanData>,
    counters: SpanCounters,
    max_batch: usize,
    delay: Duration,
    timeout: Duration,
    /// What is known of a collector that takes nothing.
    failing: Option<Failing>,
}

/// A collector that takes nothing.
struct Failing {
    since: Instant,
    /// How many spans were dropped before.
    dropped: u64,
    /// How long nothing is sent after the next failure.
    pause: Duration,
}

impl Exporter {
    async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::new();
        while self.fill(&mut batch, &stop).await {
            let sent = self.send(std::mem::take(&mut batch)).await;
            if let Err(pause) = sent {
                tokio::select! {
                    () = sleep(pause) => {}
                    // The collector may be back for the last spans.
                    () = stop.cancelled() => {}
                }
            }
        }
    }

    /// Waits for spans, and a while for more of them. False: no more will come.
    async fn fill(&mut self, batch: &mut Vec<SpanData>, stop: &CancellationToken) -> bool {
        tokio::select! {
            taken = self.spans.recv_many(batch, self.max_batch) => if taken == 0 { return false },
            () = stop.cancelled() => {
                self.spans.close();
                return self.spans.recv_many(batch, self.max_batch).await > 0;
            }
        }
        let until = Instant::now() + self.delay;
        while batch.len() < self.max_batch && !stop.is_cancelled() {
            let left = self.max_batch - batch.len();
            let more = async {
                tokio::select! {
                    taken = self.spans.recv_many(batch, left) => taken,
                    () = stop.cancelled() => 0,
                }
            };
            match timeout_at(until, more).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        true
    }

    /// Sends a batch. Where that fails, the spans are dropped, and nothing is sent for a while.
    async fn send(&mut self, mut batch: Vec<SpanData>) -> Result<(), Duration> {
        let count = batch.len() as u64;
        batch.iter_mut().for_each(name_attributes);
        let why = match timeout(self.timeout, self.collector.export(batch)).await {
            Ok(Ok(rejected)) => {
                let rejected = rejected.min(count);
                self.counters.dropped.inc_by(rejected);
                self.counters.exported.inc_by(count - rejected);
                self.tell_well();
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it took longer than traces.timeout ({:?})", self.timeout),
        };
        if self.failing.is_none() {
            tracing::warn!(why, "the collector takes no spans of traces: they are dropped");
        }
        let dropped = self.counters.dropped.get();
        self.counters.dropped.inc_by(count);
        let failing =
            self.failing.get_or_insert(Failing { since: Instant::now(), dropped, pause: FIRST_PAUSE });
        let pause = failing.pause;
        failing.pause = (pause * 2).min(LONGEST_PAUSE);
        Err(pause)
    }

    fn tell_well(&mut self) {
        let Some(Failing { since, dropped, .. }) = self.failing.take() else { return };
        let dropped = self.counters.dropped.get().saturating_sub(dropped);
        tracing::info!(after = ?since.elapsed(), dropped, "the collector takes spans of traces again");
    }
}
