//! What connections write into the journal.

use super::entry::{Entry, Reading, RequestOutcome};
use super::store::{EntryId, Journal};
use crate::sync::lock;

impl Journal {
    /// Records an arrival. Unless the journal is off, `entry` is called with the number of the request, and with
    /// whether it is to keep the headers.
    pub(crate) fn arrive(&self, entry: impl FnOnce(u64, bool) -> Entry) -> (EntryId, u64) {
        let mut recorded = lock(&self.recorded);
        recorded.arrived += 1;
        let order = recorded.arrived;
        let id = if self.bounds.entries > 0 {
            let at = recorded.taken + recorded.entries.len();
            recorded.push(entry(order, self.bounds.headers > 0), self.bounds);
            EntryId(Some(at))
        } else {
            EntryId(None)
        };
        drop(recorded);
        self.changes.notify();
        (id, order)
    }

    /// Whether the entry exists, so its hashes are worth computing.
    pub(crate) fn keeps(&self, id: EntryId) -> bool {
        id.0.is_some()
    }

    /// Records that END_STREAM was read.
    pub(crate) fn finish_reading(&self, id: EntryId, reading: Option<Reading>) {
        let mut recorded = lock(&self.recorded);
        recorded.read += 1;
        let end = recorded.taken + recorded.entries.len();
        if let Some((at, mut reading)) = id.0.zip(reading)
            && let Some(entry) = recorded.entry(at)
        {
            if end - at > self.bounds.bodies {
                reading.forget_body();
            } else {
                reading.own_body();
            }
            entry.read = Some(reading);
        }
        drop(recorded);
        self.changes.notify();
    }

    /// Records what became of a request. The first outcome stays.
    pub(crate) fn conclude(&self, id: EntryId, outcome: RequestOutcome) {
        let mut recorded = lock(&self.recorded);
        if matches!(outcome, RequestOutcome::Answered { .. }) {
            recorded.answered += 1;
        }
        if let Some(entry) = id.0.and_then(|at| recorded.entry(at))
            && entry.outcome == RequestOutcome::Unanswered
        {
            entry.outcome = outcome;
        }
        drop(recorded);
        self.changes.notify();
    }

    /// Records that the simulator reset the stream after the headers of the answer.
    pub(crate) fn break_off(&self, id: EntryId, code: u32) {
        let mut recorded = lock(&self.recorded);
        if let Some(entry) = id.0.and_then(|at| recorded.entry(at)) {
            entry.broken_off = Some(code);
        }
        drop(recorded);
        self.changes.notify();
    }

    /// Records that the client reset the stream.
    pub(crate) fn cancel(&self, id: EntryId, code: u32) {
        let mut recorded = lock(&self.recorded);
        if let Some(entry) = id.0.and_then(|at| recorded.entry(at)) {
            entry.cancelled = Some(code);
        }
        drop(recorded);
        self.changes.notify();
    }
}
