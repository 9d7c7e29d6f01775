//! Counts the open calls of one kind, such as the batch streams of a caller or of a connection.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::gauge::Gauge;

/// The open calls of one kind. Clones count the same ones. They are counted in a gauge, which metrics may show.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenCalls(Gauge);

impl OpenCalls {
    /// Counts in this gauge, which nothing else changes.
    pub(super) fn shown_by(gauge: Gauge) -> Self {
        Self(gauge)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.0.get()).unwrap_or_default()
    }

    /// Counts one more, where there are fewer than `most`.
    pub(crate) fn open(&self, most: usize) -> Option<OpenCall> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let more = |open: i64| (open < most).then_some(open + 1);
        self.0.inner().fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(OpenCall(self.clone()))
    }
}

/// An open call, which is counted until this is dropped.
#[derive(Debug)]
pub struct OpenCall(OpenCalls);

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.0.inner().fetch_sub(1, Ordering::AcqRel);
    }
}
