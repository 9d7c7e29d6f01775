//! A sender with a pacer against services that limit by token buckets, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

const MS: f64 = 0.001;

/// A service that takes so many requests a second, and so many at once.
#[derive(Clone, Copy)]
struct Service {
    per_second: f64,
    burst: f64,
    /// How long an answer takes.
    latency: f64,
    /// Whether its refusals are about its sender, or seem to be about targets.
    names_sender: bool,
    /// One of so many requests is refused whatever the pace, because of its target.
    hot: Option<u32>,
}

/// What became of a batch.
#[derive(Debug)]
struct Report {
    taken: f64,
    refused: f64,
    seconds: f64,
}

impl Report {
    fn refused_share(&self) -> f64 {
        self.refused / (self.taken + self.refused)
    }

    fn per_second(&self) -> f64 {
        self.taken / self.seconds
    }
}

/// Sends a batch of so many, at most so many of them at once, to a service that changes at a moment.
fn batch(count: u32, at_once: usize, service: Service, change: Option<(f64, Service)>) -> Report {
    let begin = Instant::now();
    let mut pacing = Pacing::<u32>::new(begin, PaceSettings::default());
    let mut now_ms = 0_u64;
    // Answers under way: when they come, when their requests began, and whether they were taken.
    let mut answers: BinaryHeap<Reverse<(u64, u64, bool)>> = BinaryHeap::new();
    let mut returning: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
    let (mut left, mut in_bucket, mut filled_ms) = (count, service.burst, 0_u64);
    let (mut taken, mut refused, mut sent) = (0_u32, 0_u32, 0_u32);
    let mut lately: std::collections::VecDeque<u64> = std::collections::VecDeque::new();
    let at = |ms: u64| begin + Duration::from_millis(ms);
    while taken < count {
        let seconds = now_ms as f64 * MS;
        let service = change.filter(|(from, _)| seconds >= *from).map_or(service, |(_, later)| later);
        while let Some(Reverse((ms, begun, good))) = answers.peek().copied().filter(|it| it.0.0 <= now_ms) {
            answers.pop();
            if good {
                taken += 1;
                lately.push_back(begun);
            } else {
                refused += 1;
                // A refused request waits for a second, as the service asks, and takes a turn then.
                returning.push(Reverse(ms + 1000));
                while lately.front().is_some_and(|it| it + 1000 < begun) {
                    lately.pop_front();
                }
                let target = (!service.names_sender).then(|| u64::from(refused));
                let (taken, taken_per_second) = (u64::from(taken), lately.len() as f64);
                let limited = Limited { begun: at(begun), target, taken_per_second, taken };
                pacing.limited(at(now_ms), limited, &mut Vec::new());
            }
        }
        while returning.peek().is_some_and(|it| it.0 <= now_ms) {
            returning.pop();
            left += 1;
        }
        in_bucket = (in_bucket + (now_ms - filled_ms) as f64 * MS * service.per_second).min(service.burst);
        filled_ms = now_ms;
        // A sender can write some twenty requests in a millisecond.
        for _ in 0..20 {
            let room = left > 0 && answers.len() < at_once;
            if !room || pacing.ask(at(now_ms), bulk(1), at(now_ms + 10_000_000)) != Ok(true) {
                break;
            }
            left -= 1;
            sent += 1;
            let good = in_bucket >= 1.0 && service.hot.is_none_or(|each| sent % each > 0);
            in_bucket -= f64::from(u8::from(good));
            answers.push(Reverse((now_ms + (service.latency / MS) as u64, now_ms, good)));
        }
        now_ms += 1;
        assert!(now_ms < 3_600_000, "the batch comes to an end");
    }
    Report { taken: taken.into(), refused: refused.into(), seconds: now_ms as f64 * MS }
}

fn service(per_second: f64, burst: f64) -> Service {
    Service { per_second, burst, latency: 0.02, names_sender: true, hot: None }
}

#[test]
fn a_service_of_a_thousand_a_second_refuses_less_than_one_in_a_hundred_of_a_large_batch() {
    for names_sender in [true, false] {
        for burst in [100.0, 1000.0, 10_000.0] {
            let report = batch(100_000, 2000, Service { names_sender, ..service(1000.0, burst) }, None);
            assert!(
                report.refused_share() < 0.01,
                "burst {burst}, names the sender {names_sender}: {report:?}"
            );
            assert!(report.per_second() > 750.0, "burst {burst}: {report:?}");
        }
    }
}

#[test]
fn a_slow_service_refuses_little_more_than_what_was_under_way() {
    for names_sender in [true, false] {
        let report = batch(5000, 100, Service { names_sender, ..service(50.0, 50.0) }, None);
        assert!(report.refused < 320.0 && report.per_second() > 40.0, "{report:?}");
        // Ten a minute.
        let report = batch(200, 50, Service { names_sender, ..service(10.0 / 60.0, 10.0) }, None);
        assert!(report.refused < 250.0 && report.per_second() > 0.13, "{report:?}");
    }
}

#[test]
fn a_service_that_takes_long_to_answer_is_not_slowed_to_nothing() {
    for latency in [1.5, 3.0, 10.0] {
        for names_sender in [true, false] {
            let late = Service { latency, names_sender, ..service(1000.0, 1000.0) };
            let report = batch(100_000, 20_000, late, None);
            assert!(report.per_second() > 500.0, "{latency} s, names the sender {names_sender}: {report:?}");
        }
    }
}

#[test]
fn the_pace_follows_a_service_that_changes() {
    for names_sender in [true, false] {
        let (fast, slow) = (service(1000.0, 1000.0), service(100.0, 100.0));
        let of = |it| Service { names_sender, ..it };
        let slower = batch(60_000, 1000, of(fast), Some((50.0, of(slow))));
        assert!(slower.refused_share() < 0.02, "{slower:?}");
        assert!(slower.seconds < 50.0 + 100.0 * 1.3, "{slower:?}");
        let faster = batch(60_000, 1000, of(slow), Some((50.0, of(fast))));
        assert!(faster.refused_share() < 0.02 && faster.seconds < 50.0 + 55.0 * 1.6, "{faster:?}");
    }
}

#[test]
fn targets_that_are_refused_at_any_pace_slow_nobody_for_long() {
    for each in [3, 5, 10, 15] {
        let hot = Service { names_sender: false, hot: Some(each), ..service(1e9, 1e9) };
        let report = batch(100_000, 400, hot, None);
        assert!(report.per_second() > 5000.0, "one of {each}: {report:?}");
    }
}
