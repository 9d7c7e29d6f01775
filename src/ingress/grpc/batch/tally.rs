//! What a batch stream tells its caller: results that wait to be delivered, and how far it is.

use std::collections::VecDeque;
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;

use super::body::Delivery;
use crate::proto;
use crate::push::Outcome;

/// The most results in a message (the contract's SendBatchResponse.results).
const MAX_RESULTS: usize = 256;

/// The most bytes of results in a message.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Progress is told when it changed and was not told for this long.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// Results and progress of one stream.
pub(super) struct Tally {
    all: bool,
    pending: VecDeque<proto::PushResult>,
    items_read: u64,
    settled: [u64; Outcome::ALL.len()],
    draining: bool,
    /// Something of the progress changed since it was told.
    changed: bool,
    told: Instant,
    /// The progress is to be told with the next message, whatever the time.
    tell_now: bool,
}

impl Tally {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            all: true,
            pending: VecDeque::new(),
            items_read: 0,
            settled: [0; Outcome::ALL.len()],
            draining: false,
            changed: false,
            told: now,
            tell_now: false,
        }
    }

    pub(super) fn problems_only(&mut self) {
        self.all = false;
    }

    pub(super) fn read(&mut self, items: u64) {
        self.items_read += items;
        self.changed = true;
    }

    pub(super) fn drain(&mut self) {
        self.draining = true;
        self.tell_now = true;
    }

    /// An item has its verdict. Returns whether a result waits to be delivered, and with it the item's seat.
    pub(super) fn settle(&mut self, outcome: Outcome, result: impl FnOnce() -> proto::PushResult) -> bool {
        self.settled[outcome as usize] += 1;
        self.changed = true;
        let told = self.all || !matches!(outcome, Outcome::Accepted | Outcome::Validated);
        if told {
            self.pending.push_back(result());
        }
        told
    }

    pub(super) fn items_read(&self) -> u64 {
        self.items_read
    }

    pub(super) fn has_results(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether there is a message to send now.
    pub(super) fn has_message(&self, now: Instant) -> bool {
        self.has_results() || self.tell_now || (self.changed && now >= self.told + PROGRESS_EVERY)
    }

    /// The last message of the stream. Results that could not be delivered are not in it.
    pub(super) fn last(&self) -> proto::SendBatchResponse {
        proto::SendBatchResponse { results: Vec::new(), progress: Some(self.progress()) }
    }

    /// The next message.
    pub(super) fn message(&mut self, now: Instant) -> Delivery {
        let mut results = Vec::with_capacity(self.pending.len().min(MAX_RESULTS));
        let mut bytes = 0;
        while results.len() < MAX_RESULTS
            && let Some(result) = self.pending.front()
        {
            bytes += result.encoded_len();
            if bytes > MAX_MESSAGE_BYTES && !results.is_empty() {
                break;
            }
            results.extend(self.pending.pop_front());
        }
        let due = self.tell_now || (self.changed && now >= self.told + PROGRESS_EVERY);
        let progress = due.then(|| {
            (self.changed, self.tell_now, self.told) = (false, false, now);
            self.progress()
        });
        let seats = results.len();
        Delivery { response: proto::SendBatchResponse { results, progress }, seats }
    }

    fn progress(&self) -> proto::BatchProgress {
        let settled = Outcome::ALL.into_iter().zip(self.settled).filter(|(_, count)| *count > 0);
        let settled = settled.map(|(outcome, count)| proto::OutcomeCount {
            outcome: super::super::encode::outcome(outcome).into(),
            count,
        });
        proto::BatchProgress {
            items_read: self.items_read,
            settled: settled.collect(),
            draining: self.draining,
        }
    }

    /// The figures for a caller that does not read, which gets them with its status.
    pub(super) fn figures(&self) -> impl Iterator<Item = (String, String)> {
        let settled: u64 = self.settled.iter().sum();
        [("items_read", self.items_read), ("settled", settled), ("undelivered", self.pending.len() as u64)]
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count.to_string()))
    }
}
