//! Counts the open calls of one kind, such as the batch streams of a caller or of a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The open calls of one kind. Clones count the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenCalls(Arc<AtomicUsize>);

impl OpenCalls {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more, where there are fewer than `most`.
    pub(crate) fn open(&self, most: usize) -> Option<OpenCall> {
        let more = |open: usize| (open < most).then_some(open + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(OpenCall(self.clone()))
    }
}

/// An open call, which is counted until this is dropped.
#[derive(Debug)]
pub struct OpenCall(OpenCalls);

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
