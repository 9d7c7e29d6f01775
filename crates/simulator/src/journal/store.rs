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
    /// Entries. One more drops the oldest, which is counted.
    pub(crate) entries: usize,
    /// Entries that keep their headers, the newest.
    pub(crate) headers: usize,
    /// Entries that keep their body, the newest.
    pub(crate) bodies: usize,
}

/// Every request that arrived, in order of arrival: the newest of them, up to a bound.
pub struct Journal {
    pub(super) bounds: JournalBounds,
    pub(super) recorded: Mutex<Recorded>,
    pub(super) changes: Arc<ChangeNotifier>,
}

#[derive(Default)]
pub(super) struct Recorded {
    pub(super) entries: VecDeque<Entry>,
    /// Entries that were taken away or dropped: the place of the first that is here.
    pub(super) taken: usize,
    /// Of these, the ones that were dropped because the journal was full.
    dropped: u64,
    pub(super) arrived: u64,
    pub(super) read: u64,
    pub(super) answered: u64,
}

impl Recorded {
    pub(super) fn entry(&mut self, at: usize) -> Option<&mut Entry> {
        self.entries.get_mut(at.checked_sub(self.taken)?)
    }

    /// Records an entry at the end: the oldest makes room for it, older ones lose what only the newest keep.
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

/// Where an entry is; nowhere, if the journal is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryId(pub(super) Option<usize>);

impl Journal {
    pub(crate) fn new(bounds: JournalBounds, changes: Arc<ChangeNotifier>) -> Self {
        Self { bounds, recorded: Mutex::default(), changes }
    }

    /// All entries, in order of arrival.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.recorded).entries.iter().cloned().collect()
    }

    /// Hands all entries over and begins anew, with room for as many. What becomes of them later is recorded
    /// nowhere.
    pub fn take(&self) -> Vec<Entry> {
        lock(&self.recorded).clear().into()
    }

    /// The same, and counts from nothing. What is still under way may count once more.
    pub(crate) fn reset(&self) {
        let mut recorded = lock(&self.recorded);
        recorded.clear();
        *recorded = Recorded { taken: recorded.taken, ..Recorded::default() };
    }

    /// Entries that are here.
    pub fn len(&self) -> usize {
        lock(&self.recorded).entries.len()
    }

    /// True if no entry is here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Entries that were dropped because the journal was full.
    pub fn dropped(&self) -> u64 {
        lock(&self.recorded).dropped
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
        lock(&self.recorded).entries.iter().filter(|entry| wanted(entry)).cloned().collect()
    }

    /// How often each device token was or may have been delivered to more than once, see
    /// [`Entry::may_be_delivered`].
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

    /// Requests that arrived, recorded or not.
    pub fn arrived(&self) -> u64 {
        lock(&self.recorded).arrived
    }

    /// Requests that were read to their END_STREAM.
    pub fn read(&self) -> u64 {
        lock(&self.recorded).read
    }

    /// Requests whose answer went out.
    pub fn answered(&self) -> u64 {
        lock(&self.recorded).answered
    }

    /// Waits until `count` requests have arrived since the start.
    ///
    /// # Errors
    /// When they have not within `timeout`.
    pub async fn wait_for_arrived(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.changes.wait(timeout, || self.arrived() >= count).await
    }

    /// Waits until `count` requests have been read in full since the start.
    ///
    /// # Errors
    /// When they have not within `timeout`.
    pub async fn wait_for_read(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.changes.wait(timeout, || self.read() >= count).await
    }

    /// Waits until `count` answers have gone out since the start.
    ///
    /// # Errors
    /// When they have not within `timeout`.
    pub async fn wait_for_answered(&self, count: u64, timeout: Duration) -> Result<(), NotReached> {
        self.changes.wait(timeout, || self.answered() >= count).await
    }
}
