//! The core told of one thing after the other, without a network and without a clock.

mod bench;
mod failing;
mod model;
mod promises;
mod properties;
mod seen;
mod shares;
mod silent;
mod step;

use std::time::Duration;

use bench::Bench;

use super::growth::{GROW_AFTER, LIMIT_FELL};
use super::*;
use crate::breaker::BreakerSettings;
use crate::cause::OpenCause;
use crate::failure::PeerFailure;
use crate::flow::Party;

type Tested = Core<ConnectionId, u32, &'static str>;
type Effects = super::Effects<ConnectionId, u32, &'static str>;

const MOST: usize = 4;
const BULK: Flow = Flow { class: ServiceClass::Bulk, id: 7, ..Flow::SINGLE };

fn limits() -> PoolLimits {
    PoolLimits {
        max_connections: MOST,
        max_streams: 100,
        max_waiters: 3,
        connect_patience: 2,
        backoff_min: Duration::from_secs(1),
        backoff_max: Duration::from_secs(60),
        breaker: BreakerSettings::default(),
        proves_credential: true,
        gives_up_early: false,
    }
}

fn opens(effects: &Effects) -> Vec<OpenCause> {
    effects.iter().filter_map(|it| if let Effect::Open(why) = it { Some(*why) } else { None }).collect()
}

fn granted(effects: &Effects) -> Vec<u32> {
    effects
        .iter()
        .filter_map(|it| if let Effect::Grant { waiter, .. } = it { Some(*waiter) } else { None })
        .collect()
}

fn refused(effects: &Effects) -> Vec<(u32, Refusal<&'static str>)> {
    let refusal =
        |it: &_| if let Effect::Refuse { waiter, why } = it { Some((*waiter, why.clone())) } else { None };
    effects.iter().filter_map(refusal).collect()
}

fn retired(effects: &Effects) -> Vec<ConnectionId> {
    effects
        .iter()
        .filter_map(|it| if let Effect::Retire { connection, .. } = it { Some(*connection) } else { None })
        .collect()
}

#[test]
fn the_first_that_asks_opens_a_connection_for_all() {
    let mut bench = Bench::new();
    assert_eq!(opens(&bench.wait(Flow::SINGLE).1), [OpenCause::Needed]);
    assert!(opens(&bench.wait(Flow::SINGLE).1).is_empty());
    assert_eq!(granted(&bench.add(1, 10)), [1, 2]);
}

#[test]
fn a_peer_that_never_answered_well_is_given_up_at_the_first_failure_and_one_that_did_is_not() {
    let mut bench = Bench::new();
    bench.core = Core::new(PoolLimits { gives_up_early: true, ..limits() }, 7);
    let failed = || Event::ConnectFailed { error: "no such name", forbidden: false, crowded: false };
    bench.wait(Flow::SINGLE);
    assert_eq!(refused(&bench.on(failed())), [(1, Refusal::Unreachable("no such name"))]);
    bench.wait(Flow::SINGLE);
    assert_eq!(refused(&bench.on(failed())).len(), 1);
    let ask = bench.ask_as(Flow::SINGLE, Seniority::New);
    assert_eq!(bench.core.ask(bench.now, ask), Err(Refusal::Unreachable("no such name")), "it is left alone");

    bench.now += Duration::from_secs(60);
    bench.wait(Flow::SINGLE);
    bench.add_proven(1, 1);
    bench.on_connection(1, ConnectionEvent::Closed(EndCause::Io));
    bench.wait(Flow::SINGLE);
    assert!(refused(&bench.on(failed())).is_empty(), "the next connect may succeed");
}

#[test]
fn the_fullest_connection_with_room_is_filled_before_the_next() {
    let mut bench = Bench::new();
    bench.add_proven(1, 2);
    bench.add_proven(2, 2);
    let first = bench.take(Flow::SINGLE).unwrap();
    assert_eq!(bench.take(Flow::SINGLE), Some(first));
    let second = bench.take(Flow::SINGLE).unwrap();
    assert_ne!(second, first);
    assert_eq!((bench.core.in_use(first), bench.core.in_use(second)), (2, 1));
}

#[test]
fn a_full_connection_is_joined_by_another_when_somebody_has_waited_for_it() {
    let mut bench = Bench::new();
    bench.add_proven(1, 1);
    bench.take(Flow::SINGLE).unwrap();
    let (_, effects) = bench.wait(Flow::SINGLE);
    let since = bench.now;
    assert!(matches!(effects[..], [Effect::WakeAt(at)] if at == since + GROW_AFTER), "{effects:?}");
    // The peer wants less of us, not more.
    bench.on_connection(1, ConnectionEvent::Limit(0));
    bench.now += GROW_AFTER;
    let effects = bench.on(Event::Woken);
    assert!(matches!(effects[..], [Effect::WakeAt(at)] if at == since + LIMIT_FELL), "{effects:?}");
    bench.now = since + LIMIT_FELL;
    assert_eq!(opens(&bench.on(Event::Woken)), [OpenCause::Full]);
}

#[test]
fn a_limit_that_fell_is_remembered_until_it_rises() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    let fell = [10, 20, 5, 5, 6].map(|limit| {
        bench.on_connection(1, ConnectionEvent::Limit(limit));
        bench.core.connections.live().any(|it| it.limit_fell.is_some())
    });
    assert_eq!(fell, [false, false, true, true, false]);
}

#[test]
fn as_many_wait_as_may_and_who_leaves_makes_room() {
    let mut bench = Bench::new();
    let ids: Vec<_> = (0..3).map(|_| bench.wait(Flow::SINGLE).0).collect();
    let new = bench.ask_as(Flow::SINGLE, Seniority::New);
    assert_eq!(bench.core.ask(bench.now, new), Err(Refusal::TooManyWaiters(3)));
    let returned = bench.ask_as(Flow::SINGLE, Seniority::Returned);
    assert_eq!(bench.core.ask(bench.now, returned), Ok(None), "it has waited already");
    bench.core.left(ids[0]);
    assert_eq!(bench.core.ask(bench.now, new), Ok(None));
}

#[test]
fn what_was_given_back_goes_before_what_never_went() {
    let mut bench = Bench::new();
    bench.wait(Flow::SINGLE);
    let ask = bench.ask_as(Flow::SINGLE, Seniority::Returned);
    bench.core.wait(bench.now, ask, 99, &mut Effects::new());
    assert_eq!(granted(&bench.add(1, 1)), [99]);
}

#[test]
fn those_who_are_turned_away_wait_no_more_and_the_others_keep_their_place() {
    let mut bench = Bench::new();
    let of = |depends_on| Flow { depends_on, ..Flow::SINGLE };
    for flow in [of(2), of(1), of(2)] {
        bench.wait(flow);
    }
    assert_eq!(refused(&bench.on(Event::TurnAway(1))), [(2, Refusal::TurnedAway)]);
    bench.wait(of(1));
    assert_eq!(granted(&bench.add(1, 10)), [1, 3, 4], "one that asks later is not concerned");
}

#[test]
fn once_batches_are_drained_their_requests_wait_no_more_and_single_ones_do() {
    let mut bench = Bench::new();
    bench.wait(BULK);
    bench.wait(Flow::SINGLE);
    assert_eq!(refused(&bench.on(Event::DrainBatches)), [(1, Refusal::ShuttingDown)]);
    let of_batch = bench.ask_as(BULK, Seniority::New);
    assert_eq!(bench.core.ask(bench.now, of_batch), Err(Refusal::ShuttingDown));
    bench.wait(Flow::SINGLE);
    assert_eq!(granted(&bench.add(1, 10)), [2, 3]);
    assert_eq!(bench.take(BULK), Some(1), "what need not wait is sent");
}

#[test]
fn a_waiter_is_told_when_connects_have_failed_too_often() {
    let mut bench = Bench::new();
    bench.wait(Flow::SINGLE);
    let fails = Event::ConnectFailed { error: "refused", forbidden: false, crowded: false };
    assert!(refused(&bench.on(fails)).is_empty());
    bench.wait(Flow::SINGLE);
    let fails = Event::ConnectFailed { error: "refused", forbidden: false, crowded: false };
    assert_eq!(refused(&bench.on(fails)), [(1, Refusal::Unreachable("refused"))]);
}

#[test]
fn where_no_connection_may_be_made_all_are_told_at_once_and_so_is_who_asks_next() {
    let mut bench = Bench::new();
    let forbidden = || Event::ConnectFailed { error: "private", forbidden: true, crowded: false };
    bench.wait(Flow::SINGLE);
    bench.wait(BULK);
    let told = refused(&bench.on(forbidden()));
    assert_eq!(told, [(1, Refusal::Forbidden("private")), (2, Refusal::Forbidden("private"))]);
    // The first failure costs no wait: the next one looks again.
    bench.wait(Flow::SINGLE);
    bench.on(forbidden());
    let ask = bench.ask_as(Flow::SINGLE, Seniority::New);
    assert_eq!(bench.core.ask(bench.now, ask), Err(Refusal::Forbidden("private")));
}

#[test]
fn an_old_connection_takes_streams_until_another_is_there() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    bench.take(Flow::SINGLE).unwrap();
    let effects = bench.on_connection(1, ConnectionEvent::Aged);
    assert_eq!((opens(&effects), retired(&effects)), (vec![OpenCause::Successor], vec![]));
    assert_eq!(bench.take(Flow::SINGLE), Some(1));
    let effects = bench.on(Event::Opened { connection: 2, handle: 2, streams: 10, one_at_a_time: false });
    assert!(retired(&effects).is_empty(), "the new one has proved nothing yet");
    assert_eq!(bench.take(Flow::SINGLE), Some(2), "the old one comes last");
    assert_eq!(retired(&bench.on_connection(2, ConnectionEvent::Proven)), [1]);
}

#[test]
fn an_old_connection_that_cannot_be_replaced_drains_at_once() {
    let mut bench = Bench::new();
    (1..=MOST as u64).for_each(|id| bench.add_proven(id, 10));
    assert_eq!(retired(&bench.on_connection(1, ConnectionEvent::Aged)), [1]);
}

#[test]
fn a_peer_is_left_alone_for_ends_that_it_caused_and_before_any_good_answer() {
    use ConnectionEvent::{Closed, Drains};
    let left_alone = |proven: bool, ends: &[ConnectionEvent]| {
        let mut bench = Bench::new();
        bench.core.backoff.failed(bench.now, "first", false);
        bench.add(1, 10);
        if proven {
            bench.on_connection(1, ConnectionEvent::Proven);
        }
        ends.iter().for_each(|end| drop(bench.on_connection(1, *end)));
        bench.core.backoff.holds(bench.now)
    };
    let (goes_away, idles, closes) =
        (Drains(EndCause::GoAway), Drains(EndCause::Idle), Closed(EndCause::Closed));
    assert!(left_alone(false, &[goes_away]) && left_alone(false, &[closes]));
    assert!(!left_alone(false, &[idles]) && !left_alone(true, &[goes_away]) && !left_alone(true, &[closes]));
    assert!(!left_alone(false, &[idles, closes]), "what it did after it began to drain says nothing");
}

#[test]
fn connections_that_take_one_request_at_a_time_open_for_each_that_waits_and_for_no_more() {
    let mut bench = Bench::new();
    bench.wait(Flow::SINGLE);
    bench.on(Event::Opened { connection: 1, handle: 1, streams: 1, one_at_a_time: true });
    for _ in 0..2 {
        assert_eq!(opens(&bench.wait(Flow::SINGLE).1), [OpenCause::Full]);
    }
    assert_eq!(bench.core.growth.opening, 2);
}

#[test]
fn another_opens_before_anybody_waits_when_the_only_one_in_use_drains() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    bench.take(Flow::SINGLE).unwrap();
    assert_eq!(
        opens(&bench.on_connection(1, ConnectionEvent::Drains(EndCause::GoAway))),
        [OpenCause::Successor]
    );
}

#[test]
fn the_cause_of_an_end_is_what_began_it() {
    let mut bench = Bench::new();
    bench.add_proven(1, 10);
    bench.on_connection(1, ConnectionEvent::Drains(EndCause::GoAway));
    let effects = bench.on_connection(1, ConnectionEvent::Closed(EndCause::Io));
    let closed =
        effects.iter().find_map(|it| if let Effect::Closed { why, .. } = it { Some(*why) } else { None });
    assert_eq!(closed, Some(EndCause::GoAway));
}

#[test]
fn nothing_is_granted_after_the_end_and_a_connection_that_comes_late_goes_at_once() {
    let mut bench = Bench::new();
    bench.wait(Flow::SINGLE);
    let effects = bench.on(Event::ShutDown(EndCause::Shutdown));
    assert_eq!(refused(&effects), [(1, Refusal::ShuttingDown)]);
    assert_eq!(
        retired(&bench.on(Event::Opened { connection: 1, handle: 1, streams: 9, one_at_a_time: false })),
        [1]
    );
    let ask = bench.ask_as(Flow::SINGLE, Seniority::New);
    assert_eq!(bench.core.ask(bench.now, ask), Err(Refusal::ShuttingDown));
}

/// A handle that counts how often it was cloned.
#[derive(Debug, Default)]
struct CountedHandle(std::rc::Rc<std::cell::Cell<u32>>);

impl Clone for CountedHandle {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(std::rc::Rc::clone(&self.0))
    }
}

#[test]
fn a_stream_that_comes_back_costs_one_clone_for_the_one_that_gets_it() {
    let handle = CountedHandle::default();
    let clones = std::rc::Rc::clone(&handle.0);
    let (now, mut effects) = (Instant::now(), super::Effects::new());
    let mut core: Core<CountedHandle, u32, &str> = Core::new(limits(), 7);
    core.growth.opening = 1;
    let opened = Event::Opened { connection: 1, handle, streams: 1, one_at_a_time: false };
    core.on(now, opened, &mut effects);
    let ask = StreamAsk { flow: BULK, until: now + Duration::from_secs(3600), seniority: Seniority::New };
    assert!(core.ask(now, ask).unwrap().is_some());
    core.wait(now, ask, 1, &mut effects);
    let before = clones.get();
    effects.clear();
    core.on(now, Event::Connection(1, ConnectionEvent::Returned), &mut effects);
    assert!(matches!(effects[..], [Effect::Grant { waiter: 1, .. }]), "{effects:?}");
    assert_eq!(clones.get() - before, 1);
}
