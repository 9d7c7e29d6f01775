//! The pool on a network in simulated time: turmoil cuts two stand-ins for APNs off, holds them up and brings them back.
//! They speak plain HTTP/2 without TLS, because only the network is tested.
//!
//! Only here are times asserted, because the clock is the simulation's and not the machine's.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::time::Duration;

use fanfare::push::{Outcome, PushResult, Reason};

use world::{GATEWAY, Gateway, LATENCY, NAMES, PING_AFTER, PING_TIMEOUT, simulate, simulate_with};

fn outcomes(results: &[PushResult]) -> Vec<Outcome> {
    results.iter().map(|result| result.outcome).collect()
}

/// Each push reached at most one stand-in, and that one once.
fn none_twice(course: &[(Duration, String)]) {
    let requests = course.iter().filter_map(|(_, event)| event.split_once(": request "));
    let mut tokens: Vec<_> = requests.map(|(_, token)| token).collect();
    let all = tokens.len();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), all, "a push arrived twice");
}

/// The first host is cut off with requests in flight, and comes back.
async fn cut_off(gateway: Gateway) {
    let Gateway { names, course, .. } = &gateway;
    names.are(&["first"]);
    assert_eq!(outcomes(&gateway.send(0..1).await.unwrap()), [Outcome::Accepted]);

    let written = gateway.send(1..11);
    gateway.until("first: request", 11).await;
    turmoil::partition(GATEWAY, "first");
    names.are(&NAMES);
    let cut = turmoil::sim_elapsed().unwrap();
    course.note("cut off".to_owned());
    let waiting = gateway.send(11..31);

    let written = written.await.unwrap();
    for result in &written {
        let why = (result.outcome, result.reason);
        assert_eq!(why, (Outcome::Unconfirmed, Some(Reason::ConnectionLost)), "{result:?}");
    }
    let found = turmoil::sim_elapsed().unwrap() - cut;
    // The clock of a connection ticks four times in its shortest wait: here each 250 ms.
    let late = PING_AFTER + PING_TIMEOUT + Duration::from_millis(500) + LATENCY;
    assert!(PING_TIMEOUT <= found && found <= late, "found dead after {found:?}");
    assert_eq!(gateway.closed("ping_lost"), 1);

    assert_eq!(outcomes(&waiting.await.unwrap()), [Outcome::Accepted; 20]);
    assert_eq!((course.count("first: request"), course.count("second: request")), (11, 20));
    assert_eq!((course.count("first: connection"), course.count("second: connection")), (1, 2));

    let opened = |(_, event): &&(Duration, String)| event == "second: connection";
    let opened = course.all().iter().find(opened).unwrap().0;
    // Source of the 20 ms: a connection opens beside full ones only for those who have waited that long.
    assert!(opened - cut >= Duration::from_millis(20), "opened after {:?}", opened - cut);

    turmoil::repair(GATEWAY, "first");
    turmoil::partition(GATEWAY, "second");
    names.are(&["first"]);
    course.note("repaired".to_owned());
    // The pool cannot know yet that the second host is gone: what it writes there is in doubt.
    let doubtful = gateway.send(31..51).await.unwrap();
    assert_eq!(outcomes(&doubtful), [Outcome::Unconfirmed; 20]);
    assert_eq!(gateway.closed("ping_lost"), 3);
    assert_eq!(outcomes(&gateway.send(51..61).await.unwrap()), [Outcome::Accepted; 10]);
    assert_eq!((course.count("first: request"), course.count("first: connection")), (21, 2));
}

#[test]
fn a_partition_leaves_the_written_in_doubt_and_moves_the_rest() {
    let course = simulate(1, cut_off);
    none_twice(&course);
}

#[test]
fn a_hold_of_200_ms_makes_no_verdict_wrong() {
    let course = simulate(2, |gateway| async move {
        gateway.names.are(&["first"]);
        assert_eq!(outcomes(&gateway.send(0..1).await.unwrap()), [Outcome::Accepted]);
        let in_flight = gateway.send(1..6);
        gateway.until("first: request", 6).await;
        turmoil::hold(GATEWAY, "first");
        let held = gateway.send(6..11);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(gateway.course.count("first: request"), 6, "nothing passes while it is held");
        turmoil::release(GATEWAY, "first");
        assert_eq!(outcomes(&in_flight.await.unwrap()), [Outcome::Accepted; 5]);
        assert_eq!(outcomes(&held.await.unwrap()), [Outcome::Accepted; 5]);
        assert_eq!(gateway.course.count("first: request"), 11);
        assert_eq!(gateway.course.count("first: connection"), 1);
        assert_eq!(gateway.closed("ping_lost"), 0);
    });
    none_twice(&course);
}

#[test]
fn a_connection_in_use_is_not_idle_and_one_without_use_is_closed() {
    let idle_timeout = Duration::from_secs(3);
    simulate_with(5, idle_timeout, |gateway| async move {
        gateway.names.are(&["first"]);
        for number in 0..8 {
            assert_eq!(outcomes(&gateway.send(number..number + 1).await.unwrap()), [Outcome::Accepted]);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert_eq!((gateway.course.count("first: connection"), gateway.closed("idle")), (1, 0));
        tokio::time::sleep(idle_timeout).await;
        assert_eq!(gateway.closed("idle"), 1);
    });
}

#[test]
fn the_same_seed_gives_the_same_course() {
    let course = simulate(3, cut_off);
    assert_eq!(course, simulate(3, cut_off));
    assert_ne!(course, simulate(4, cut_off), "another seed gives another course");
}
