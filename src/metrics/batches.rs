//! Metrics of the open batches. How full their windows are is read from the windows when somebody asks, so that no item pays
//! for it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

use crate::status::BatchesStatus;

/// The open batches.
#[derive(Debug, Clone, Default)]
pub(crate) struct BatchMetrics(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    /// The number of the next batch.
    next: u64,
    windows: HashMap<u64, ShownWindow>,
}

#[derive(Debug)]
struct ShownWindow {
    /// Those of its seats that are free.
    free: Arc<Semaphore>,
    seats: usize,
}

impl BatchMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_collector(Box::new(metrics.clone()));
        metrics
    }

    /// Counts a batch with so many seats, of which `free` says how many are free, until what is returned is dropped.
    pub(crate) fn open(&self, free: &Arc<Semaphore>, seats: usize) -> OpenBatch {
        let mut open = self.lock();
        let number = open.next;
        open.next += 1;
        open.windows.insert(number, ShownWindow { free: Arc::clone(free), seats });
        OpenBatch { number, of: self.clone() }
    }

    /// How full the windows are.
    pub(crate) fn look(&self) -> BatchesStatus {
        let open = self.lock();
        let mut look = BatchesStatus { streams: open.windows.len(), ..BatchesStatus::default() };
        for ShownWindow { free, seats } in open.windows.values() {
            look.seats_used += seats.saturating_sub(free.available_permits());
            look.seats_allowed += seats;
        }
        look
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Nothing below the lock is changed in more than one step, so a poisoned lock harms nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for BatchMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let BatchesStatus { streams, seats_used, seats_allowed } = self.look();
        let used =
            "Seats taken in the windows of open batches: items in flight, and results not delivered yet";
        for (name, help, value) in [
            ("batch_streams", "Open batch streams", streams),
            ("batch_seats_used", used, seats_used),
            ("batch_seats_allowed", "Seats in the windows of open batches", seats_allowed),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

/// An open batch, which is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    number: u64,
    of: BatchMetrics,
}

impl Drop for OpenBatch {
    fn drop(&mut self) {
        self.of.lock().windows.remove(&self.number);
    }
}
