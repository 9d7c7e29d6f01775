//! Counts the pushes of a load. A load has a warm-up, a measured section, and an end that waits for every answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::child::{Counts, Line, Section, Whole, tell};
use super::spec::Spec;

/// How many failures are told in words.
const TOLD: usize = 3;

/// How long the end waits for answers, in addition to the stand-in's latency.
const PATIENCE: Duration = Duration::from_secs(10);

/// The shortest and the longest latency that can be told, in nanoseconds.
const SHORTEST: u64 = 1_000;
const LONGEST: u64 = 600_000_000_000;

/// The counts of one load.
#[derive(Debug)]
pub(crate) struct LoadCounts {
    whole: Whole,
    before: (u64, u64),
    latencies: Histogram<u64>,
}

impl LoadCounts {
    pub(crate) fn sent(&mut self, pushes: u64) {
        self.whole.sent += pushes;
    }

    pub(crate) fn accepted(&mut self, latency: Duration) {
        self.whole.completed += 1;
        self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn failed(&mut self, pushes: u64, why: impl FnOnce() -> String) {
        self.whole.failed += pushes;
        if pushes > 0 && self.whole.failures.len() < TOLD {
            self.whole.failures.push(why());
        }
    }

    fn in_flight(&self) -> u64 {
        self.whole.sent - self.whole.completed - self.whole.failed
    }

    fn begin(&mut self) {
        self.before = (self.whole.completed, self.whole.failed);
        self.latencies.reset();
    }

    fn section(&self, took: Duration) -> Section {
        let at = |quantile| self.latencies.value_at_quantile(quantile) as f64 / 1e3;
        Section {
            completed: self.whole.completed - self.before.0,
            failed: self.whole.failed - self.before.1,
            seconds: took.as_secs_f64(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            p999_us: at(0.999),
        }
    }
}

/// The counts that all connections of a load share, and whether they still send.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    tally: Arc<Mutex<LoadCounts>>,
    stopping: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let latencies = Histogram::new_with_bounds(SHORTEST, LONGEST, 3)?;
        let tally = LoadCounts { whole: Whole::default(), before: (0, 0), latencies };
        Ok(Self { tally: Arc::new(Mutex::new(tally)), stopping: Arc::default() })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LoadCounts> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pushes that are completed by now.
    pub(crate) fn counts(&self) -> Counts {
        Counts::from([("completed".to_owned(), self.lock().whole.completed)])
    }

    /// Whether nothing more may be sent.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Ends the sending, and waits for the answers.
    pub(crate) async fn drain(&self, latency: Duration) {
        self.stopping.store(true, Ordering::Relaxed);
        let end = Instant::now() + latency + PATIENCE;
        while self.lock().in_flight() > 0 && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs a load from its warm-up to its end, and tells the parent of each step.
    pub(crate) async fn measure(self, spec: Spec) {
        tokio::time::sleep(spec.warm_up).await;
        self.lock().begin();
        let begun = Instant::now();
        tell(&Line::Begun);
        tokio::time::sleep(spec.section).await;
        let section = self.lock().section(begun.elapsed());
        tell(&Line::Ended(section));
        self.drain(spec.latency).await;
        let whole = self.lock().whole.clone();
        tell(&Line::Drained(whole));
    }
}
