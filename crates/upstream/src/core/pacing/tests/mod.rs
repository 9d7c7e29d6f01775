mod buckets;
mod model;
mod properties;

use super::*;

const FLOW: Flow = Flow::SINGLE;

fn bulk(id: u64) -> Flow {
    Flow { class: ServiceClass::Bulk, id, ..Flow::SINGLE }
}

fn after(begin: Instant, seconds: f64) -> Instant {
    begin + Duration::from_secs_f64(seconds)
}

/// 600,000 a minute with a minute's ramp, as the gateway paces FCM.
fn fcm() -> PaceSettings {
    PaceSettings {
        most_per_second: Some(10_000.0),
        ramp: Duration::from_secs(60),
        free_per_second: 500.0,
        burst: 1000.0,
        ..PaceSettings::default()
    }
}

#[test]
fn who_sets_no_ceiling_is_not_paced_before_the_service_says_so() {
    let begin = Instant::now();
    let mut pacing = Pacing::<u32>::new(begin, PaceSettings::default());
    assert!(!pacing.is_paced());
    let mut effects = Vec::new();
    let limited = Limited { begun: begin, target: None, taken_per_second: 200.0, taken: 200 };
    pacing.limited(begin, limited, &mut effects);
    assert!(matches!(effects[..], [PaceEffect::Lowered(170.0), PaceEffect::WakeAt(_)]), "{effects:?}");
    assert!(pacing.is_paced());
    // What began before says nothing new.
    let before = pacing.per_second();
    pacing.limited(begin, Limited { begun: begin - Duration::from_millis(1), ..limited }, &mut effects);
    assert_eq!(pacing.per_second(), before);
    // After a while nobody is held back, also where nobody asks.
    let mut now = begin;
    while pacing.is_paced() {
        now += LOOK;
        effects.clear();
        pacing.woken(now, &mut effects);
        assert!(now < begin + limit::fades_within(200.0), "{:?}", pacing.per_second());
    }
    assert_eq!(effects, [PaceEffect::Whole]);
}

#[test]
fn one_device_that_gets_too_much_slows_nobody_and_many_do() {
    let begin = Instant::now();
    let mut pacing = Pacing::<u32>::new(begin, PaceSettings::default());
    let told = |target, taken| Limited { begun: begin, target: Some(target), taken_per_second: 100.0, taken };
    for _ in 0..1000 {
        pacing.limited(begin, told(1, 100), &mut Vec::new());
    }
    assert!(!pacing.is_paced(), "they are all about one device");
    let mut pacing = Pacing::<u32>::new(begin, PaceSettings::default());
    for device in 0..1000 {
        pacing.limited(begin, told(device, device * 50), &mut Vec::new());
    }
    assert!(!pacing.is_paced(), "they are two in a hundred");
    for device in 0..300 {
        pacing.limited(begin, told(device, 50_000), &mut Vec::new());
    }
    assert!(pacing.is_paced());
}

#[test]
fn a_small_sender_does_not_feel_the_ramp_and_a_large_one_is_let_up_in_a_minute() {
    let begin = Instant::now();
    let mut pacing = Pacing::<u32>::new(begin, fcm());
    let until = begin + Duration::from_secs(3600);
    for at in 0..60 * 200 {
        let now = after(begin, f64::from(at) / 200.0);
        assert_eq!(pacing.ask(now, FLOW, until), Ok(true), "200 a second");
    }
    assert_eq!(pacing.per_second(), Some(500.0), "it did not use what it had");
    let mut ask_all = |from: f64| {
        let mut turns = 0_u32;
        for tick in 0..100 {
            while pacing.ask(after(begin, from + f64::from(tick) / 100.0), FLOW, until) == Ok(true) {
                turns += 1;
            }
        }
        turns
    };
    assert!((1500..1620).contains(&ask_all(60.0)), "a second's worth was saved up");
    let later: Vec<_> = (61..=121).map(|second| ask_all(f64::from(second))).collect();
    assert!(later.is_sorted(), "{later:?}");
    assert!((5000..5500).contains(&later[29]) && later[60] == 10_000, "{later:?}");
    // Two minutes of rest bring it back to where it began.
    assert!((1500..1620).contains(&ask_all(241.0)));
}

#[test]
fn a_wait_that_does_not_fit_is_refused_at_once_and_the_interactive_go_first() {
    let begin = Instant::now();
    let settings = PaceSettings { most_per_second: Some(10.0), burst: 1.0, max_waiters: 3, ..fcm() };
    let mut pacing = Pacing::new(begin, PaceSettings { ramp: Duration::ZERO, ..settings });
    let mut effects = Vec::new();
    let in_ms = |ms| begin + Duration::from_millis(ms);
    assert_eq!(pacing.ask(begin, FLOW, in_ms(1)), Ok(true));
    let mut wait = |pacing: &mut Pacing<u32>, flow, name| {
        assert_eq!(pacing.ask(begin, flow, in_ms(1000)), Ok(false));
        pacing.wait(begin, flow, in_ms(1000), name, &mut effects);
    };
    wait(&mut pacing, bulk(1), 1);
    wait(&mut pacing, bulk(2), 2);
    let too_long = Refusal::TooLong(Duration::from_millis(300));
    assert_eq!(pacing.ask(begin, bulk(3), in_ms(300)), Err(too_long));
    // Nobody of its own class is before it.
    wait(&mut pacing, FLOW, 3);
    assert_eq!(pacing.ask(begin, FLOW, in_ms(1000)), Err(Refusal::Full(Duration::from_millis(200))));
    assert_eq!(effects, [PaceEffect::WakeAt(in_ms(100))]);
    for (ms, name) in [(100, 3), (200, 1), (300, 2)] {
        let mut effects = Vec::new();
        pacing.woken(in_ms(ms), &mut effects);
        assert_eq!(effects.first(), Some(&PaceEffect::Turn(name)));
    }
}

#[test]
fn the_long_line_of_one_party_is_no_reason_to_refuse_another() {
    let begin = Instant::now();
    let settings = PaceSettings { most_per_second: Some(10.0), burst: 1.0, ..PaceSettings::default() };
    let mut pacing = Pacing::<u32>::new(begin, settings);
    let far = begin + Duration::from_secs(1000);
    assert_eq!(pacing.ask(begin, bulk(1), far), Ok(true));
    (0..100).for_each(|name| _ = pacing.wait(begin, bulk(1), far, name, &mut Vec::new()));
    let soon = begin + Duration::from_secs(1);
    assert!(matches!(pacing.ask(begin, bulk(1), soon), Err(Refusal::TooLong(_))));
    assert_eq!(pacing.ask(begin, bulk(2), soon), Ok(false), "its turn is the next but one");
}
