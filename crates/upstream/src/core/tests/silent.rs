//! Connections that were silent for long, and may be forgotten by the network.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use ConnectionEvent::{Alive, Closed, Drains, Quiet};

fn probed(effects: &Effects) -> Vec<ConnectionId> {
    effects.iter().filter_map(|it| if let Effect::Probe(id) = it { Some(*id) } else { None }).collect()
}

#[test]
fn a_quiet_connection_is_asked_once_when_somebody_waits_and_granted_when_it_lives() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    assert!(bench.on_connection(1, Quiet).is_empty(), "nobody asks for nothing");
    assert_eq!(probed(&bench.wait(Flow::SINGLE).1), [1]);
    let (_, effects) = bench.wait(Flow::SINGLE);
    assert!(effects.is_empty(), "it is asked once, and none opens beside it: {effects:?}");
    assert_eq!(granted(&bench.on_connection(1, Alive)), [1, 2]);
    assert_eq!(bench.take(Flow::SINGLE), Some(1));
}

#[test]
fn who_finds_another_connection_asks_no_quiet_one() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    bench.add_proven(2, 1);
    bench.on_connection(1, Quiet);
    assert_eq!(bench.take(Flow::SINGLE), Some(2));
    assert_eq!(probed(&bench.wait(Flow::SINGLE).1), [1], "before another opens");
}

#[test]
fn when_one_does_not_live_all_that_were_quiet_go_and_another_opens_at_once() {
    let mut bench = Bench::new();
    (1..=3).for_each(|id| bench.add_proven(id, 10));
    (1..=2).for_each(|id| drop(bench.on_connection(id, Quiet)));
    (0..10).for_each(|_| assert_eq!(bench.take(Flow::SINGLE), Some(3)));
    let lost = probed(&bench.wait(Flow::SINGLE).1)[0];
    let effects = bench.on_connection(lost, Drains(EndCause::PingLost));
    assert_eq!(retired(&effects).len(), 2, "{effects:?}");
    assert!(probed(&effects).is_empty(), "nobody waits for the next one too");
    let effects = bench.on_connection(3, Drains(EndCause::GoAway));
    assert_eq!(opens(&effects), [OpenCause::Successor]);
}

#[test]
fn a_connection_that_the_network_ends_in_a_rest_is_no_failed_connect() {
    for ends in [&[Drains(EndCause::PingLost), Closed(EndCause::PingLost)][..], &[Closed(EndCause::Io)]] {
        let mut bench = Bench::new();
        bench.core.backoff.failed(bench.now, "first", false);
        bench.add(1, 10);
        bench.on_connection(1, Quiet);
        bench.wait(Flow::SINGLE);
        let opened: Vec<_> = ends.iter().flat_map(|end| opens(&bench.on_connection(1, *end))).collect();
        assert_eq!(opened, [OpenCause::Needed], "at once");
    }
}

#[test]
fn after_sleep_all_are_quiet_and_those_that_owe_answers_are_asked_at_once() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    bench.add_proven(2, 10);
    bench.take(Flow::SINGLE).unwrap();
    let busy = if bench.core.in_use(1) > 0 { 1 } else { 2 };
    assert_eq!(probed(&bench.on(Event::Slept)), [busy]);
    assert_eq!(bench.take(Flow::SINGLE), None);
    assert!(bench.wait(Flow::SINGLE).1.is_empty(), "what was asked is waited for");
    assert_eq!(granted(&bench.on_connection(busy, Alive)), [1]);
}

#[test]
fn after_sleep_a_connection_that_cannot_be_asked_is_replaced() {
    let mut bench = Bench::new();
    bench.core.growth.opening = 1;
    bench.on(Event::Opened { connection: 1, handle: 1, streams: 1, one_at_a_time: true });
    assert_eq!(retired(&bench.on(Event::Slept)), [1]);
    assert_eq!(opens(&bench.wait(Flow::SINGLE).1), [OpenCause::Needed]);
}

/// How long a probe may take, and how long a connect takes, in milliseconds.
const PROBE_TIMEOUT: u64 = 1000;
const CONNECT: u64 = 300;

/// A network that has forgotten some connections, and what comes from it by when.
struct Network {
    /// Whether it knows the connections, whose numbers begin at 1.
    knows: Vec<bool>,
    /// After how many milliseconds a probe is answered.
    answers_after: u64,
    opened: ConnectionId,
    coming: BTreeMap<(Instant, u32), Event<ConnectionId, &'static str>>,
    /// How much has come or will.
    sent: u32,
    /// Those who were granted a stream.
    granted: Vec<u32>,
}

impl Network {
    fn knows(&self, connection: ConnectionId) -> bool {
        usize::try_from(connection - 1).ok().and_then(|at| self.knows.get(at)).is_none_or(|knows| *knows)
    }

    /// Does what the core says.
    fn perform(&mut self, now: Instant, effects: Effects) {
        for effect in effects {
            let (at, event) = match effect {
                Effect::Probe(connection) => match self.knows(connection) {
                    true => (ms(self.answers_after), Event::Connection(connection, Alive)),
                    false => (ms(PROBE_TIMEOUT), Event::Connection(connection, Drains(EndCause::PingLost))),
                },
                Effect::Open(_) => {
                    self.opened += 1;
                    let connection = self.opened;
                    let opened =
                        Event::Opened { connection, handle: connection, streams: 100, one_at_a_time: false };
                    (ms(CONNECT), opened)
                }
                Effect::WakeAt(at) => (at - now, Event::Woken),
                Effect::Grant { waiter, grant } => {
                    assert!(self.knows(grant.connection), "it would be lost");
                    self.granted.push(waiter);
                    continue;
                }
                Effect::Refuse { .. }
                | Effect::Breaker(..)
                | Effect::BreakerForgotten
                | Effect::Retire { .. }
                | Effect::Moved { .. }
                | Effect::Allowed(_)
                | Effect::Closed { .. } => continue,
            };
            self.sent += 1;
            self.coming.insert((now + at, self.sent), event);
        }
    }
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

proptest! {
    /// After a rest, whichever connections the network has forgotten, nobody waits longer than for one probe that fails and
    /// a connect, beside the answers of those that live.
    #[test]
    fn nobody_waits_longer_than_a_probe_and_a_connect(
        knows in prop::collection::vec(any::<bool>(), 1..MOST),
        burst in 1..60_u32,
        answers_after in 1..200_u64,
    ) {
        let mut bench = Bench::new();
        bench.core.limits.max_waiters = 1000;
        let rested = knows.len() as u64;
        for id in 1..=rested {
            bench.add_proven(id, 10);
            bench.on_connection(id, Quiet);
        }
        let (coming, granted) = (BTreeMap::new(), Vec::new());
        let mut network = Network { knows, answers_after, opened: rested, coming, sent: 0, granted };
        let began = bench.now;
        for _ in 0..burst {
            let (_, effects) = bench.wait(Flow::SINGLE);
            network.perform(bench.now, effects);
        }
        while let Some(((at, _), event)) = network.coming.pop_first()
            && network.granted.len() < burst as usize
        {
            bench.now = at;
            let effects = bench.on(event);
            network.perform(at, effects);
        }
        network.granted.sort_unstable();
        prop_assert_eq!(network.granted, (1..=burst).collect::<Vec<_>>());
        let most = ms(rested * answers_after + PROBE_TIMEOUT + CONNECT) + GROW_AFTER;
        prop_assert!(bench.now - began <= most, "{:?} of {most:?}", bench.now - began);
    }
}
