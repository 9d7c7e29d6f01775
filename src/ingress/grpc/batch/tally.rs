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
    /// Results, each with whether it holds a seat of the window.
    pending: VecDeque<(proto::PushResult, bool)>,
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

    /// An item has its verdict. `result` makes what is told of it, and whether that holds the item's seat; it is
    /// not asked where nothing is told.
    pub(super) fn settle(&mut self, outcome: Outcome, result: impl FnOnce() -> (proto::PushResult, bool)) {
        self.settled[outcome as usize] += 1;
        self.changed = true;
        if self.all || !matches!(outcome, Outcome::Accepted | Outcome::Validated) {
            self.pending.push_back(result());
        }
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
        let (mut bytes, mut seats) = (0, 0);
        while results.len() < MAX_RESULTS
            && let Some((result, _)) = self.pending.front()
        {
            bytes += result.encoded_len();
            if bytes > MAX_MESSAGE_BYTES && !results.is_empty() {
                break;
            }
            if let Some((result, holds_seat)) = self.pending.pop_front() {
                results.push(result);
                seats += usize::from(holds_seat);
            }
        }
        let due = self.tell_now || (self.changed && now >= self.told + PROGRESS_EVERY);
        let progress = due.then(|| {
            (self.changed, self.tell_now, self.told) = (false, false, now);
            self.progress()
        });
        Delivery { response: proto::SendBatchResponse { results, progress }, seats }
    }

    fn progress(&self) -> proto::BatchProgress {
        let settled = Outcome::ALL.into_iter().zip(self.settled).filter(|(_, count)| *count > 0);
        let settled = settled.map(|(outcome, count)| proto::OutcomeCount {
            outcome: super::super::encode::outcome(outcome).into(),
            count: count.cast_signed(),
        });
        proto::BatchProgress {
            items_read: self.items_read.cast_signed(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(tally: &mut Tally, outcome: Outcome, holds_seat: bool) {
        tally.settle(outcome, || (proto::PushResult::default(), holds_seat));
    }

    #[test]
    fn a_message_is_bounded_and_gives_back_the_seats_that_its_results_hold() {
        let now = Instant::now();
        let mut tally = Tally::new(now);
        for n in 0..300 {
            settle(&mut tally, Outcome::Accepted, n % 2 == 0);
        }
        let first = tally.message(now);
        assert_eq!((first.response.results.len(), first.seats), (256, 128));
        assert!(first.response.progress.is_none());
        let second = tally.message(now + PROGRESS_EVERY);
        assert_eq!((second.response.results.len(), second.seats), (44, 22));
        let progress = second.response.progress.unwrap();
        assert_eq!(progress.settled.iter().map(|it| it.count).sum::<i64>(), 300);
        assert!(!tally.has_message(now + PROGRESS_EVERY * 9));
    }

    #[test]
    fn large_results_are_cut_into_messages() {
        let now = Instant::now();
        let mut tally = Tally::new(now);
        for _ in 0..10 {
            let detail = "x".repeat(30_000);
            tally.settle(Outcome::Internal, || (proto::PushResult { detail, ..Default::default() }, true));
        }
        assert_eq!(tally.message(now).response.results.len(), 2);
    }

    #[test]
    fn problems_only_counts_the_rest() {
        let now = Instant::now();
        let mut tally = Tally::new(now);
        tally.problems_only();
        settle(&mut tally, Outcome::Accepted, true);
        assert!(!tally.has_results());
        settle(&mut tally, Outcome::Unconfirmed, true);
        assert!(tally.has_results());
        assert_eq!(tally.last().progress.unwrap().settled.len(), 2);
    }
}
