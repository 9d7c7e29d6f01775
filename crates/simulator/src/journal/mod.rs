//! The journal: every request that arrived, for tests that count.

mod digest;
mod entry;
mod query;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

pub use digest::{NOT_DIGESTED, digest};
pub(super) use entry::device_token;
pub use entry::{Entry, Outcome, Reading};
pub use query::{Page, Query, Stage};

pub use super::body::Opened;

use super::sync::{Bell, NotReached, lock};

/// How much the journal keeps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Entries. One more drops the oldest, which is counted.
    pub(super) entries: usize,
    /// Entries that keep their headers, the newest.
    pub(super) headers: usize,
    /// Entries that keep their body, the newest.
    pub(super) bodies: usize,
}

/// Every request that arrived, in order of arrival: the newest of them, up to a bound.
pub struct Journal {
    bounds: Bounds,
    inner: Mutex<Inner>,
    bell: Arc<Bell>,
}

#[derive(Default)]
struct Inner {
    entries: VecDeque<Entry>,
    /// Entries that were taken away or dropped: the place of the first that is here.
    taken: usize,
    /// Of these, the ones that were dropped because the journal was full.
    dropped: u64,
    arrived: u64,
    read: u64,
    answered: u64,
}

impl Inner {
    fn entry(&mut self, at: usize) -> Option<&mut Entry> {
        self.entries.get_mut(at.checked_sub(self.taken)?)
    }

    /// Records an entry at the end: the oldest makes room for it, older ones lose what only the newest keep.
    fn push(&mut self, entry: Entry, bounds: Bounds) {
        if self.entries.len() >= bounds.entries && self.entries.pop_front().is_some() {
            self.taken += 1;
            self.dropped += 1;
        }
        self.entries.push_back(entry);
        let newest = self.entries.len() - 1;
        if let Some(entry) = newest.checked_sub(bounds.headers).and_then(|at| self.entries.get_mut(at)) {
            entry.headers = None;
        }
        let bare = newest.checked_sub(bounds.bodies).and_then(|at| self.entries.get_mut(at));
        if let Some(reading) = bare.and_then(|entry| entry.read.as_mut()) {
            reading.forget_body();
        }
    }

    fn clear(&mut self) -> VecDeque<Entry> {
        self.taken += self.entries.len();
        std::mem::take(&mut self.entries)
    }
}

/// Where an entry is; nowhere, if the journal is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntryId(Option<usize>);

impl Journal {
    pub(super) fn new(bounds: Bounds, bell: Arc<Bell>) -> Self {
        Self { bounds, inner: Mutex::default(), bell }
    }

    /// All entries, in order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.inner).entries.iter().cloned().collect()
    }

    /// Hands all entries over and begins anew, with room for as many. What becomes of them later is recorded
    /// nowhere.
    pub fn take(&self) -> Vec<Entry> {
        lock(&self.inner).clear().into()
    }

    /// The same, and counts from nothing. What is still under way may count once more.
    pub(super) fn reset(&self) {
        let mut inner = lock(&self.inner);
        inner.clear();
        *inner = Inner { taken: inner.taken, ..Inner::default() };
    }

    /// Entries that are here.
    pub fn len(&self) -> usize {
        lock(&self.inner).entries.len()
    }

    /// True if no entry is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that were dropped because the journal was full.
    pub fn dropped(&self) -> u64 {
        lock(&self.inner).dropped
    }

    /// The entries of a path.
    pub fn by_path(&self, path: &str) -> Vec<Entry> {
        self.select(|entry| &*entry.path == path)
    }

    /// The entries of a device token: more than one is a push that arrived again.
    pub fn by_device_token(&self, token: &str) -> Vec<Entry> {
        self.select(|entry| entry.device_token() == Some(token))
    }

    /// The entries of an `apns-id`.
    pub fn by_apns_id(&self, id: Uuid) -> Vec<Entry> {
        self.select(|entry| entry.apns_id == Some(id))
    }

    /// The entries that `wanted` picks.
    pub fn select(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        lock(&self.inner).entries.iter().filter(|entry| wanted(entry)).cloned().collect()
    }

    /// How often each device token was or may have been delivered to more than once, see
    /// [`Entry::may_be_delivered`].
    pub fn duplicates(&self) -> HashMap<String, u64> {
        let mut times = HashMap::<String, u64>::new();
        for entry in lock(&self.inner).entries.iter().filter(|entry| entry.may_be_delivered()) {
            if let Some(token) = entry.device_token() {
                *times.entry(token.to_owned()).or_default() += 1;
            }
        }
        times.retain(|_, times| *times > 1);
        times
    }

    /// Requests that arrived, recorded or not.
    pub fn arrived(&self) -> u64 {
        lock(&self.inner).arrived
    }

    /// Requests that were read to their END_STREAM.
    pub fn read(&self) -> u64 {
        lock(&self.inner).read
    }

    /// Requests whose answer went out.
    pub fn answered(&self) -> u64 {
        lock(&self.inner).answered
    }

    /// Waits until `count` requests have arrived since the start.
    ///
    /// # Errors
    /// When they have not within `timeout`.
    pub async fn wait_for_arrived(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.bell.wait(timeout, || self.arrived() >= count).await
    }

    /// Waits until `count` requests have been read in full since the start.
    ///
    /// # Errors
    /// When they have not within `timeout`.
    pub async fn wait_for_read(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.bell.wait(timeout, || self.read() >= count).await
    }

    /// Waits until `count` answers have gone out since the start.
    ///
    /// # Errors
    /// When they have not within `timeout`.
    pub async fn wait_for_answered(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.bell.wait(timeout, || self.answered() >= count).await
    }

    /// Records an arrival; `entry` is asked for unless the journal is off, with its order and
    /// whether it shall keep the headers.
    pub(super) fn arrive(&self, entry: impl FnOnce(u64, bool) -> Entry) -> (EntryId, u64) {
        let mut inner = lock(&self.inner);
        inner.arrived += 1;
        let order = inner.arrived;
        let id = if self.bounds.entries > 0 {
            let at = inner.taken + inner.entries.len();
            inner.push(entry(order, self.bounds.headers > 0), self.bounds);
            EntryId(Some(at))
        } else {
            EntryId(None)
        };
        drop(inner);
        self.bell.ring();
        (id, order)
    }

    /// True if the entry exists, so that its hashes are worth their while.
    pub(super) fn keeps(&self, id: EntryId) -> bool {
        id.0.is_some()
    }

    /// Records that END_STREAM was read.
    pub(super) fn finish_reading(&self, id: EntryId, reading: Option<Reading>) {
        let mut inner = lock(&self.inner);
        inner.read += 1;
        let end = inner.taken + inner.entries.len();
        if let Some((at, mut reading)) = id.0.zip(reading)
            && let Some(entry) = inner.entry(at)
        {
            if end - at > self.bounds.bodies {
                reading.forget_body();
            } else {
                reading.own_body();
            }
            entry.read = Some(reading);
        }
        drop(inner);
        self.bell.ring();
    }

    /// Records what became of a request. The first outcome stands.
    pub(super) fn conclude(&self, id: EntryId, outcome: Outcome) {
        let mut inner = lock(&self.inner);
        if matches!(outcome, Outcome::Answered { .. }) {
            inner.answered += 1;
        }
        if let Some(entry) = id.0.and_then(|at| inner.entry(at))
            && entry.outcome == Outcome::Unanswered
        {
            entry.outcome = outcome;
        }
        drop(inner);
        self.bell.ring();
    }

    /// Records that the simulator reset the stream after the answer's headers.
    pub(super) fn break_off(&self, id: EntryId, code: u32) {
        let mut inner = lock(&self.inner);
        if let Some(entry) = id.0.and_then(|at| inner.entry(at)) {
            entry.broken_off = Some(code);
        }
        drop(inner);
        self.bell.ring();
    }

    /// Records that the client reset the stream.
    pub(super) fn cancel(&self, id: EntryId, code: u32) {
        let mut inner = lock(&self.inner);
        if let Some(entry) = id.0.and_then(|at| inner.entry(at)) {
            entry.cancelled = Some(code);
        }
        drop(inner);
        self.bell.ring();
    }
}
