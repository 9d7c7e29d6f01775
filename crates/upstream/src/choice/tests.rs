use proptest::prelude::*;

use super::*;
use crate::Flow;
use crate::waiters::Arrival;

const MOST: usize = 4;

fn entry(phase: Phase, old: bool, used: usize, limit: usize) -> Entry {
    let shared = Connection::new(1);
    Entry { shared, sender: None, phase, ending: None, old, used, limit, limit_fell: None }
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let phase = prop_oneof![Just(Phase::Warming), Just(Phase::Open), Just(Phase::Draining)];
    let one = (phase, any::<bool>(), 0..20_usize, 0..20_usize)
        .prop_map(|(phase, old, used, limit)| entry(phase, old, used, limit));
    proptest::collection::vec(one, 0..8)
}

fn state(entries: Vec<Entry>) -> State {
    State { entries, ..State::default() }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} old={} {}/{}", self.phase, self.old, self.used, self.limit)
    }
}

proptest! {
    /// Never above a limit, never a connection that drains.
    #[test]
    fn what_is_picked_has_room(entries in entries(), bulk: bool) {
        let state = state(entries);
        let class = if bulk { ServiceClass::Bulk } else { ServiceClass::Interactive };
        if let Some(at) = state.pick(class) {
            let entry = &state.entries[at];
            prop_assert!(entry.used < entry.limit && entry.phase != Phase::Draining);
            let fuller = state.live().any(|it| it.used < it.limit && it.used > entry.used && (it.old <= entry.old));
            prop_assert!(!fuller, "fill, then spread");
        }
    }

    /// Never idle while someone waits and there is room.
    #[test]
    fn room_is_found(entries in entries()) {
        let state = state(entries);
        let room = state.live().any(|it| it.used < it.limit);
        prop_assert_eq!(state.pick(ServiceClass::Interactive).is_some(), room);
        let limit: usize = state.live().map(|it| it.limit).sum();
        let used: usize = state.live().map(|it| it.used).sum();
        let for_bulk = room && used < limit - limit / 5;
        prop_assert_eq!(state.pick(ServiceClass::Bulk).is_some(), for_bulk);
    }

    /// However many wait: none beside one that is not open yet, none above the bound, none after the end.
    #[test]
    fn growth_is_bounded(entries in entries(), asked: bool, connecting: bool, shut_down: bool, successor: bool) {
        let mut state = state(entries);
        (state.connecting, state.shut_down, state.successor) = (usize::from(connecting), shut_down, successor);
        let long_ago = Instant::now();
        let _waits = asked.then(|| state.waiters.push(Flow::SINGLE, long_ago, Arrival::New));
        let now = Instant::now() + GROW_AFTER * 2;
        let live = state.live_count();
        let warming = state.live().any(|it| it.phase == Phase::Warming && !it.old);
        let growth = state.growth(now, MOST);
        if connecting || shut_down || live >= MOST || state.entries.len() >= 2 * MOST || warming {
            prop_assert_eq!(growth, Growth::None);
        } else if asked && state.live().all(|it| it.phase == Phase::Open) {
            prop_assert!(matches!(growth, Growth::Now(_)), "{:?}", growth);
        }
    }
}

#[test]
fn a_full_connection_is_joined_by_another_when_somebody_has_waited_for_it() {
    let mut state = state(vec![entry(Phase::Open, false, 10, 10)]);
    let now = Instant::now();
    let _waits = state.waiters.push(Flow::SINGLE, now, Arrival::New);
    assert_eq!(state.growth(now, MOST), Growth::At(now + GROW_AFTER));
    assert_eq!(state.growth(now + GROW_AFTER, MOST), Growth::Now(OpenCause::Full));
    // The peer wants less of us, not more.
    state.entries[0].limit_fell = Some(now);
    assert_eq!(state.growth(now + GROW_AFTER, MOST), Growth::At(now + LIMIT_FELL));
}

#[test]
fn an_old_connection_takes_streams_until_another_is_there() {
    let mut state = state(vec![entry(Phase::Open, true, 5, 10)]);
    assert_eq!(state.pick(ServiceClass::Interactive), Some(0));
    assert_eq!(state.growth(Instant::now(), MOST), Growth::Now(OpenCause::Successor));
    state.entries.push(entry(Phase::Warming, false, 0, 1));
    assert_eq!(state.pick(ServiceClass::Interactive), Some(1));
    assert_eq!(state.growth(Instant::now(), MOST), Growth::None);
    state.entries[1].used = 1;
    assert_eq!(state.pick(ServiceClass::Interactive), Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_fails_is_left_alone_for_longer_each_time() {
    let settings = UpstreamSettings::default();
    let mut state = State::default();
    state.back_off(&settings);
    assert_eq!(state.not_before, None, "the first is tried again at once");
    for doublings in 0..40 {
        state.back_off(&settings);
        let most = settings.backoff_max.min(settings.backoff_min * (1 << doublings.min(10)));
        let wait = state.not_before.unwrap() - Instant::now();
        assert!(wait >= most / 2 && wait <= most, "{wait:?} {most:?}");
        state.back_off(&settings);
        assert_eq!(
            state.not_before.unwrap() - Instant::now(),
            wait,
            "of several that fail together one counts"
        );
        tokio::time::advance(wait).await;
    }
}

#[test]
fn connections_that_take_one_request_at_a_time_open_for_each_that_waits_and_for_no_more() {
    let mut state = state(vec![entry(Phase::Open, false, 1, 1)]);
    state.one_at_a_time = true;
    let now = Instant::now();
    let _waits: Vec<_> = (0..2).map(|_| state.waiters.push(Flow::SINGLE, now, Arrival::New)).collect();
    for (connecting, growth) in
        [(0, Growth::Now(OpenCause::Full)), (1, Growth::Now(OpenCause::Full)), (2, Growth::None)]
    {
        state.connecting = connecting;
        assert_eq!(state.growth(now, MOST), growth, "{connecting} are being opened");
    }
}
