//! What a batch stream tells its caller: the results that wait to be delivered, and how far the batch is.

use std::collections::VecDeque;
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;

use super::body::Packet;
use crate::desk::{BatchCounts, Settled};
use crate::ingress::contract;
use crate::proto;
use crate::push::Outcome;

/// A message has at most so many results. Source: the contract, `SendBatchResponse.results`.
const MAX_RESULTS: usize = 256;

/// The results of a message have at most so many bytes, unless it is a single one that has more.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// Progress is told when it has changed and was not told for this long.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// The results of one stream that are not on their way yet, and what was told of its progress.
pub(super) struct Outgoing {
    /// Whether results of accepted pushes are told.
    all: bool,
    /// Results, each with whether it holds a seat of the window.
    pending: VecDeque<(proto::PushResult, bool)>,
    /// Whether the progress changed since it was told.
    changed: bool,
    told: Instant,
    /// The progress is told as well where nothing was said for this long.
    interval: Duration,
    said: Instant,
    /// Whether the progress is to be told with the next message, whatever the time.
    tell_now: bool,
}

impl Outgoing {
    pub(super) fn new(now: Instant, interval: Duration) -> Self {
        Self {
            all: true,
            pending: VecDeque::new(),
            changed: false,
            told: now,
            interval,
            said: now,
            tell_now: false,
        }
    }

    /// Results of accepted pushes are left out from now on.
    pub(super) fn problems_only(&mut self) {
        self.all = false;
    }

    /// The progress has changed.
    pub(super) fn progressed(&mut self) {
        self.changed = true;
    }

    /// The progress has changed, and the caller is to know soon.
    pub(super) fn tell_now(&mut self) {
        self.tell_now = true;
    }

    /// Takes a result in. One that is not told gives its seat back at once.
    pub(super) fn settle(&mut self, mut settled: Settled) {
        self.changed = true;
        if self.all || !matches!(settled.result.outcome, Outcome::Accepted | Outcome::Validated) {
            let holds_seat = settled.hold_seat();
            self.pending.push_back((contract::settled(settled), holds_seat));
        }
    }

    pub(super) fn has_results(&self) -> bool {
        !self.pending.is_empty()
    }

    /// How many results are not on their way yet.
    pub(super) fn undelivered(&self) -> usize {
        self.pending.len()
    }

    /// Whether there is a message to send now.
    pub(super) fn has_message(&self, now: Instant) -> bool {
        self.has_results() || self.has_progress(now)
    }

    /// Whether the progress is to be told: it has changed, or a proxy on the way might take a stream that says nothing for
    /// dead.
    fn has_progress(&self, now: Instant) -> bool {
        let changed = self.changed && now - self.told >= PROGRESS_EVERY;
        self.tell_now || changed || now - self.said >= self.interval
    }

    /// The next message.
    pub(super) fn message(&mut self, now: Instant, counts: &BatchCounts) -> Packet {
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
        let progress = self.has_progress(now).then(|| {
            (self.changed, self.tell_now, self.told) = (false, false, now);
            progress(counts)
        });
        self.said = now;
        Packet { response: proto::SendBatchResponse { results, progress }, seats }
    }
}

/// The last message of a stream. Results that could not be delivered are not in it.
pub(super) fn last(counts: &BatchCounts) -> proto::SendBatchResponse {
    proto::SendBatchResponse { results: Vec::new(), progress: Some(progress(counts)) }
}

fn progress(counts: &BatchCounts) -> proto::BatchProgress {
    let settled = counts.by_outcome().map(|(outcome, items)| proto::OutcomeCount {
        outcome: contract::outcome(outcome).into(),
        count: items.cast_signed(),
    });
    proto::BatchProgress {
        items_read: counts.items_read.cast_signed(),
        settled: settled.collect(),
        draining: counts.draining,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Window;

    /// Longer than anything else here lasts.
    const INTERVAL: Duration = Duration::from_secs(15);

    /// Settles an item in the books of both.
    fn settle(outgoing: &mut Outgoing, counts: &mut BatchCounts, settled: Settled) {
        counts.settle(settled.result.outcome);
        outgoing.settle(settled);
    }

    #[test]
    fn a_message_is_bounded_and_gives_back_the_seats_that_its_results_hold() {
        let (now, window) = (Instant::now(), Window::new(150, 0));
        let (mut outgoing, mut counts) = (Outgoing::new(now, INTERVAL), BatchCounts::default());
        for n in 0..300 {
            let seat = (n % 2 == 0).then(|| window.try_enter().unwrap());
            settle(&mut outgoing, &mut counts, Settled::example(Outcome::Accepted, seat));
        }
        let first = outgoing.message(now, &counts);
        assert_eq!((first.response.results.len(), first.seats), (256, 128));
        assert!(first.response.progress.is_none());
        let second = outgoing.message(now + PROGRESS_EVERY, &counts);
        assert_eq!((second.response.results.len(), second.seats), (44, 22));
        let progress = second.response.progress.unwrap();
        assert_eq!(progress.settled.iter().map(|it| it.count).sum::<i64>(), 300);
        assert!(!outgoing.has_message(now + PROGRESS_EVERY * 9));
        assert!(window.try_enter().is_none(), "results hold their seats until they are delivered");
        window.delivered(first.seats + second.seats);
        assert_eq!(std::iter::from_fn(|| Some(window.try_enter()?.hold_until_delivered())).count(), 150);
    }

    #[test]
    fn progress_is_told_where_nothing_else_was_said_for_long() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let (mut outgoing, counts) = (Outgoing::new(now, 15 * second), BatchCounts::default());
        assert!(!outgoing.has_message(now + 14 * second), "nothing has changed");
        assert!(outgoing.has_message(now + 15 * second));
        let message = outgoing.message(now + 16 * second, &counts).response;
        assert!(message.results.is_empty() && message.progress.is_some());
        // A result says as well that the batch is alive.
        outgoing.settle(Settled::example(Outcome::Accepted, None));
        outgoing.message(now + 20 * second, &counts);
        assert!(!outgoing.has_message(now + 34 * second));
        assert!(outgoing.has_message(now + 35 * second));
    }

    #[test]
    fn large_results_are_cut_into_messages() {
        let now = Instant::now();
        let mut outgoing = Outgoing::new(now, INTERVAL);
        for _ in 0..10 {
            let mut large = Settled::example(Outcome::Internal, None);
            large.result.detail = "x".repeat(30_000).into();
            outgoing.settle(large);
        }
        assert_eq!(outgoing.message(now, &BatchCounts::default()).response.results.len(), 2);
    }

    #[test]
    fn problems_only_counts_the_rest_whose_seats_return_at_once() {
        let (now, window) = (Instant::now(), Window::new(1, 0));
        let (mut outgoing, mut counts) = (Outgoing::new(now, INTERVAL), BatchCounts::default());
        outgoing.problems_only();
        let accepted = Settled::example(Outcome::Accepted, window.try_enter());
        settle(&mut outgoing, &mut counts, accepted);
        assert!(!outgoing.has_results());
        let problem = Settled::example(Outcome::Unconfirmed, Some(window.try_enter().unwrap()));
        settle(&mut outgoing, &mut counts, problem);
        assert!(outgoing.has_results());
        assert!(window.try_enter().is_none());
        assert_eq!(last(&counts).progress.unwrap().settled.len(), 2);
    }
}
