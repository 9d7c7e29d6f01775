//! A peer that fails, beside what else happens to its pool.

use super::*;

fn fails(error: &'static str, crowded: bool) -> Event<ConnectionId, &'static str> {
    Event::ConnectFailed { error, forbidden: false, crowded }
}

#[test]
fn who_waits_for_a_connect_without_room_hears_that_at_its_deadline() {
    let mut bench = Bench::new();
    let (id, _) = bench.wait(Flow::SINGLE);
    bench.on(fails("no room", true));
    assert_eq!(bench.core.left(id), Some(PeerFailure::Connect("no room")));
    assert!(!bench.core.counts_answers(), "it says nothing of the peer");
}

#[test]
fn nobody_waits_on_when_a_breaker_opens_that_may_be_probed_at_once() {
    let mut bench = Bench::new();
    let breaker = BreakerSettings { failures: 1, wait: Duration::ZERO, ..BreakerSettings::default() };
    let limits = PoolLimits { connect_patience: 9, breaker, ..limits() };
    bench.core = Core::new(limits, 7);
    bench.wait(Flow::SINGLE);
    let told = refused(&bench.on(fails("refused", false)));
    assert!(matches!(told[..], [(1, Refusal::BreakerOpen { .. })]), "{told:?}");
}
