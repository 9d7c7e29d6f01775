//! The journal itself: what it keeps, and what a test reads from it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use super::entry::Entry;
use crate::sync::{ChangeNotifier, NotReached, lock};

/// How much the journal keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JournalBounds {
    /// How many entries it has. Each further one drops the oldest, which is counted.
    pub(crate) entries: usize,
    /// How many of the newest entries keep their headers.
    pub(crate) headers: usize,
    /// How many of the newest entries keep their bodies.
    pub(crate) bodies: usize,
}

/// The newest requests that arrived, in order of arrival, up to a bound.
pub struct Journal {
    pub(super) bounds: JournalBounds,
    pub(super) recorded: Mutex<Recorded>,
    pub(super) changes: Arc<ChangeNotifier>,
}

#[derive(Default)]
pub(super) struct Recorded {
    pub(super) entries: VecDeque<Entry>,
    /// How many entries were taken away or dropped, which is the place of the first that is left.
    pub(super) taken: usize,
    /// How many of these were dropped because the journal was full.
    dropped: u64,
    pub(super) arrived: u64,
    pub(super) read: u64,
    pub(super) answered: u64,
}

impl Recorded {
    pub(super) fn entry(&mut self, at: usize) -> Option<&mut Entry> {
        self.entries.get_mut(at.checked_sub(self.taken)?)
    }

    /// Appends an entry. The oldest entry makes room for it, and older ones lose what only the newest keep.
    pub(super) fn push(&mut self, entry: Entry, bounds: JournalBounds) {
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

/// The place of an entry. It is `None` if the journal is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryId(pub(super) Option<usize>);

impl Journal {
    pub(crate) fn new(bounds: JournalBounds, changes: Arc<ChangeNotifier>) -> Self {
        Self { bounds, recorded: Mutex::default(), changes }
    }

    /// Returns a copy of all entries, in order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.recorded).entries.iter().cloned().collect()
    }

    /// Hands all entries over and begins anew. What becomes of these requests later is recorded nowhere.
    pub fn take(&self) -> Vec<Entry> {
        lock(&self.recorded).clear().into()
    }

    /// Removes all entries and counts from zero. A request that is still under way may be counted once more.
    pub(crate) fn reset(&self) {
        let mut recorded = lock(&self.recorded);
        recorded.clear();
        *recorded = Recorded { taken: recorded.taken, ..Recorded::default() };
    }

    /// Returns how many entries are here.
    pub fn len(&self) -> usize {
        lock(&self.recorded).entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many entries were dropped because the journal was full.
    pub fn dropped(&self) -> u64 {
        lock(&self.recorded).dropped
    }

    /// Returns the entries of a device token. More than one means that a push arrived again.
    pub fn by_device_token(&self, token: &str) -> Vec<Entry> {
        self.select(|entry| entry.device_token() == Some(token))
    }

    /// Returns the entries with this `apns-id`.
    pub fn by_apns_id(&self, id: Uuid) -> Vec<Entry> {
        self.select(|entry| entry.apns_id == Some(id))
    }

    /// Returns the entries for which `wanted` returns true.
    pub fn select(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        lock(&self.recorded).entries.iter().filter(|entry| wanted(entry)).cloned().collect()
    }

    /// Returns the device tokens that were given a push more than once or may have been, with the number of pushes;
    /// see [`Entry::may_be_delivered`].
    pub fn duplicates(&self) -> HashMap<String, u64> {
        let mut times = HashMap::<String, u64>::new();
        for entry in lock(&self.recorded).entries.iter().filter(|entry| entry.may_be_delivered()) {
            if let Some(token) = entry.device_token() {
                *times.entry(token.to_owned()).or_default() += 1;
            }
        }
        times.retain(|_, times| *times > 1);
        times
    }

    /// Returns how many requests arrived, whether or not they were recorded.
    pub fn arrived(&self) -> u64 {
        lock(&self.recorded).arrived
    }

    /// Returns how many requests were read to their END_STREAM.
    pub fn read(&self) -> u64 {
        lock(&self.recorded).read
    }

    /// Returns how many requests were answered.
    pub fn answered(&self) -> u64 {
        lock(&self.recorded).answered
    }

    /// Waits until `count` requests have arrived since the start.
    ///
    /// # Errors
    ///
    /// It fails when they have not arrived within `timeout`.
    pub async fn wait_for_arrived(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.changes.wait(timeout, || self.arrived() >= count).await
    }

    /// Waits until `count` requests have been read in full since the start.
    ///
    /// # Errors
    ///
    /// It fails when they have not been read within `timeout`.
    pub async fn wait_for_read(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.changes.wait(timeout, || self.read() >= count).await
    }

    /// Waits until `count` answers have gone out since the start.
    ///
    /// # Errors
    ///
    /// It fails when they have not gone out within `timeout`.
    pub async fn wait_for_answered(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.changes.wait(timeout, || self.answered() >= count).await
    }
}
