//! The breaker over drawn outcomes and a clock that the test sets.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn breaker() -> (Breaker, Instant) {
    (Breaker::new(BreakerSettings::default(), 7), Instant::now())
}

/// A breaker that failures in a row have opened, and how long it holds.
fn opened() -> (Breaker, Instant, Duration) {
    let (mut breaker, now) = breaker();
    for _ in 1..5 {
        assert_eq!(breaker.failed(now, None), None);
    }
    match breaker.failed(now, None) {
        Some(BreakerChange::Opened(wait)) => (breaker, now, wait),
        other => panic!("{other:?}"),
    }
}

#[test]
fn failures_in_a_row_open_it_and_one_success_between_them_does_not() {
    let (mut breaker, now) = breaker();
    assert!(!breaker.counts_successes(), "nobody has to tell of successes before a failure");
    for round in 0..4 {
        (0..4).for_each(|_| assert_eq!(breaker.failed(now + SECOND * 11 * round, None), None));
        assert!(breaker.counts_successes());
        assert_eq!(breaker.succeeded(now + SECOND * 11 * round, 1), None);
    }
    breaker.succeeded(now + SECOND * 60, 1);
    assert!(!breaker.counts_successes(), "the failures are forgotten");
    let (breaker, now, wait) = opened();
    assert_eq!(breaker.held(now), Some(wait));
    assert!(wait >= SECOND && wait <= 2 * SECOND, "{wait:?}");
}

#[test]
fn half_of_twenty_outcomes_within_ten_seconds_open_it_and_fewer_do_not() {
    let opens_at = |failures: u32, successes: u32, every: Duration| {
        let (mut breaker, now) = breaker();
        (0..40_u32).find(|round| {
            let now = now + every * *round;
            let opened = (0..failures).any(|_| breaker.failed(now, None).is_some());
            breaker.succeeded(now, successes);
            opened
        })
    };
    assert_eq!(opens_at(1, 1, SECOND / 10), Some(10), "the twenty-first outcome is the eleventh failure");
    assert_eq!(opens_at(1, 2, SECOND / 10), None, "a third");
    assert_eq!(opens_at(1, 1, SECOND), None, "too few within ten seconds");
}

#[test]
fn each_probe_that_fails_makes_the_next_wait_longer_up_to_the_most() {
    let (mut breaker, mut now, mut wait) = opened();
    for doublings in 1..20_u32 {
        assert_eq!(breaker.ask(now), Err(wait));
        now += wait;
        assert!(breaker.ask(now).unwrap().is_some());
        assert_eq!(breaker.ask(now), Err(2 * SECOND), "one probe at a time");
        let longest = (2 * SECOND * (1 << doublings.min(5))).min(60 * SECOND);
        wait = match breaker.failed(now, None) {
            Some(BreakerChange::Reopened(wait)) => wait,
            other => panic!("{other:?}"),
        };
        assert!(wait >= longest / 2 && wait <= longest, "{wait:?} {longest:?}");
    }
    now += wait;
    assert!(breaker.ask(now).unwrap().is_some());
    assert_eq!(breaker.succeeded(now, 1), Some(BreakerChange::Closed));
    assert_eq!(breaker.ask(now), Ok(None));
    assert!(!breaker.counts_successes());
}

#[test]
fn a_server_that_names_a_wait_is_left_alone_for_as_long_but_not_for_ever() {
    for (asked, least, most) in [(90, 90, 90), (1, 1, 2), (1_000_000, 3600, 3600)] {
        let (mut breaker, now) = breaker();
        breaker.failed(now, Some(SECOND * asked));
        assert!((1..5).any(|_| breaker.failed(now, None).is_some()));
        let held = breaker.held(now).unwrap();
        assert!(held >= SECOND * least && held <= SECOND * most, "{held:?}");
    }
    // It may name the wait in an answer to what was asked before.
    let (mut breaker, now, _) = opened();
    breaker.failed(now, Some(90 * SECOND));
    assert_eq!(breaker.held(now), Some(90 * SECOND));
}

#[test]
fn a_probe_that_ends_without_an_outcome_frees_the_right_and_only_its_own() {
    let (mut breaker, now, wait) = opened();
    let now = now + wait;
    let first = breaker.ask(now).unwrap().unwrap();
    breaker.probe_over(first);
    let second = breaker.ask(now).unwrap().unwrap();
    breaker.probe_over(first);
    assert!(breaker.ask(now).is_err(), "the second probe is under way");
    breaker.probe_over(second);
    assert!(breaker.ask(now).is_ok());
}

#[derive(Debug, Clone)]
enum Step {
    Ask,
    /// The outcome of one that asked, or nothing of it.
    Fail(usize, Option<u64>),
    Succeed(usize),
    Leave(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let one = 0..64_usize;
    prop_oneof![
        6 => Just(Step::Ask),
        3 => (one.clone(), prop::option::weighted(0.1, 0..100_u64)).prop_map(|(one, asked)| Step::Fail(one, asked)),
        2 => one.clone().prop_map(Step::Succeed),
        1 => one.prop_map(Step::Leave),
        3 => (0..40_000_u64).prop_map(Step::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// While it is not closed nobody is let through but a probe; of probes there is never more than one; and none is
    /// kept waiting for longer than the longest wait, or what the server asked for.
    #[test]
    fn it_keeps_its_promises(seed: u64, steps in prop::collection::vec(step(), 1..200)) {
        let settings = BreakerSettings::default();
        let mut breaker = Breaker::new(settings, seed);
        let mut now = Instant::now();
        let mut asked: Vec<Option<Probe>> = Vec::new();
        let mut probing: Option<Probe> = None;
        let mut asked_until = now;
        for step in steps {
            let one = |asked: &mut Vec<Option<Probe>>, which: usize| {
                (!asked.is_empty()).then(|| asked.swap_remove(which % asked.len()))
            };
            match step {
                Step::Ask => {
                    let (closed, held) = (breaker.is_closed(), breaker.held(now));
                    match breaker.ask(now) {
                        Ok(None) => { prop_assert!(closed); asked.push(None); }
                        Ok(Some(probe)) => {
                            prop_assert!(!closed && held.is_none());
                            prop_assert_eq!(probing.replace(probe), None, "one probe at a time");
                            asked.push(Some(probe));
                        }
                        Err(wait) => {
                            prop_assert_eq!(held, Some(wait));
                            let longest = settings.max_wait.max(asked_until.saturating_duration_since(now));
                            prop_assert!(probing.is_some() || wait <= longest, "{:?} {:?}", wait, longest);
                        }
                    }
                }
                Step::Fail(which, wait) => if one(&mut asked, which).is_some() {
                    let wait = wait.map(Duration::from_secs);
                    asked_until = asked_until.max(now + wait.unwrap_or_default());
                    let closed = breaker.is_closed();
                    match breaker.failed(now, wait) {
                        Some(BreakerChange::Opened(_)) => prop_assert!(closed),
                        Some(BreakerChange::Reopened(_)) => { prop_assert!(!closed); probing = None; }
                        Some(BreakerChange::Closed) => prop_assert!(false, "a failure closes nothing"),
                        None => {}
                    }
                },
                Step::Succeed(which) => if one(&mut asked, which).is_some() {
                    let counts = breaker.counts_successes();
                    let before = format!("{breaker:?}");
                    match breaker.succeeded(now, 1) {
                        Some(BreakerChange::Closed) => { prop_assert!(breaker.is_closed()); probing = None; }
                        Some(other) => prop_assert!(false, "{:?}", other),
                        None => {}
                    }
                    prop_assert!(counts || before == format!("{breaker:?}"), "a success that nobody tells of");
                },
                Step::Leave(which) => if let Some(Some(probe)) = one(&mut asked, which) {
                    breaker.probe_over(probe);
                    if probing == Some(probe) { probing = None; }
                },
                Step::Pass(ms) => now += Duration::from_millis(ms),
            }
        }
    }
}
