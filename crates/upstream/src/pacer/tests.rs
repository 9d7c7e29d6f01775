use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::PeerKind;
use crate::observe::Unobserved;
use crate::tests::{far, peer, upstream};
use crate::{ServiceClass, UpstreamSettings};

fn ten_a_second() -> PaceSettings {
    PaceSettings { most_per_second: Some(10.0), burst: 1.0, ..PaceSettings::default() }
}

#[tokio::test(start_paused = true)]
async fn turns_come_at_the_pace_and_the_interactive_first() {
    let upstream = upstream(UpstreamSettings::default());
    let pacer = upstream.pacer(ten_a_second(), ("test".into(), String::new()), Unobserved);
    let begin = Instant::now();
    let bulk = Flow { class: ServiceClass::Bulk, id: 1, ..Flow::SINGLE };
    let turn = |flow| {
        let pacer = Arc::clone(&pacer);
        async move {
            pacer.turn(flow, far()).await.unwrap();
            begin.elapsed().as_millis()
        }
    };
    assert_eq!(turn(Flow::SINGLE).now_or_never(), Some(0), "the first costs no wait");
    let waits = [bulk, bulk, bulk, Flow::SINGLE].map(turn);
    let waited = futures_util::future::join_all(waits).await;
    // A timer of tokio fires up to a millisecond late.
    let waited: Vec<_> = waited.into_iter().map(|ms| ms / 10 * 10).collect();
    assert_eq!(waited, [200, 300, 400, 100]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_after_the_deadline_is_refused_at_once() {
    let upstream = upstream(UpstreamSettings::default());
    let pacer = upstream.pacer(ten_a_second(), ("test".into(), String::new()), Unobserved);
    pacer.turn(Flow::SINGLE, far()).await.unwrap();
    let soon = Instant::now() + Duration::from_millis(100);
    let wait = NoTurn::TooLong(Duration::from_millis(100));
    assert_eq!(pacer.turn(Flow::SINGLE, soon).now_or_never(), Some(Err(wait)));
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_slows_down_past_the_deadline_is_given_up_at_the_deadline() {
    let upstream = upstream(UpstreamSettings::default());
    let pacer = upstream.pacer(ten_a_second(), ("test".into(), String::new()), Unobserved);
    let begin = Instant::now();
    pacer.turn(Flow::SINGLE, far()).await.unwrap();
    let waits = pacer.turn(Flow::SINGLE, begin + Duration::from_millis(250));
    let slowed = async { (0..20).for_each(|_| pacer.limited(Instant::now(), None)) };
    let (refused, ()) = tokio::join!(waits, slowed);
    assert!(matches!(refused, Err(NoTurn::TooLong(wait)) if wait > Duration::from_secs(1)), "{refused:?}");
    assert!((250..=255).contains(&begin.elapsed().as_millis()));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_makes_room_for_the_next() {
    let upstream = upstream(UpstreamSettings::default());
    let settings = PaceSettings { max_waiters: 1, ..ten_a_second() };
    let pacer = upstream.pacer(settings, ("test".into(), String::new()), Unobserved);
    pacer.turn(Flow::SINGLE, far()).await.unwrap();
    let mut waits = Box::pin(pacer.turn(Flow::SINGLE, far()));
    assert!(waits.as_mut().now_or_never().is_none());
    assert!(matches!(pacer.turn(Flow::SINGLE, far()).now_or_never(), Some(Err(NoTurn::Full(_)))));
    drop(waits);
    assert!(pacer.turn(Flow::SINGLE, far()).now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_and_no_task_is_left_when_the_pool_has_closed() {
    let upstream = upstream(UpstreamSettings::default());
    let pacer = upstream.pacer(ten_a_second(), ("test".into(), String::new()), Unobserved);
    pacer.turn(Flow::SINGLE, far()).await.unwrap();
    let begin = Instant::now();
    let end = async { upstream.shut_down() };
    let (refused, ()) = tokio::join!(pacer.turn(Flow::SINGLE, far()), end);
    assert_eq!(refused, Err(NoTurn::ShuttingDown));
    assert_eq!(pacer.turn(Flow::SINGLE, far()).await, Err(NoTurn::ShuttingDown));
    upstream.closed().await;
    assert_eq!(begin.elapsed(), Duration::ZERO, "no timer is waited for");
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_paced_when_it_says_so_until_that_fades() {
    let upstream = upstream(UpstreamSettings::default());
    let peer = upstream.peer(peer("peer.test")).unwrap();
    let pacer = peer.pacer();
    assert!(!pacer.is_paced());
    let begun = Instant::now();
    (0..100).for_each(|_| pacer.taken(begun));
    pacer.limited(begun, None);
    assert_eq!(pacer.per_second().map(f64::round), Some(85.0));
    // Nobody asks for a turn, and the limit is forgotten all the same.
    let faded = async {
        while pacer.is_paced() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), faded).await.unwrap();
}

#[tokio::test]
async fn a_peer_that_an_outsider_names_has_the_ceiling_of_outsiders() {
    let settings = UpstreamSettings { outsider_turns_per_second: Some(7), ..UpstreamSettings::default() };
    let upstream = upstream(settings);
    let (inside, outside) = (peer("inside.test"), peer("outside.test"));
    assert_eq!(upstream.peer(inside).unwrap().pacer().per_second(), None);
    assert_eq!(upstream.peer_of(PeerKind::Stranger, outside).unwrap().pacer().per_second(), Some(7.0));
}

#[tokio::test(start_paused = true)]
async fn those_who_depend_on_what_is_of_no_use_hear_so_at_once() {
    let upstream = upstream(UpstreamSettings::default());
    let pacer = upstream.pacer(ten_a_second(), ("test".into(), String::new()), Unobserved);
    let begin = Instant::now();
    pacer.turn(Flow::SINGLE, far()).await.unwrap();
    let of = |depends_on| Flow { depends_on, ..Flow::SINGLE };
    let waits = futures_util::future::join_all([1, 2, 1, 1].map(|number| pacer.turn(of(number), far())));
    let (told, ()) = tokio::join!(waits, async { pacer.turn_away(1) });
    let away = Err(NoTurn::TurnedAway);
    assert_eq!(told, [away, Ok(()), away, away]);
    assert!(begin.elapsed() < Duration::from_millis(150), "those who were told take no turn");
}
