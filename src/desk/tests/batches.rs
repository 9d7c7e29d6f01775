//! Batches: a window's places, and how a batch ends.

use proptest::prelude::*;

use super::*;
use crate::push::{Outcome, Reason};
use crate::sharer::Sharer;

fn window(window: usize) -> BatchSettings {
    BatchSettings { window, ..BatchSettings::default() }
}

/// A draft that the desk refuses.
fn bad(number: usize) -> Draft {
    Draft {
        target: Err(Refusal::field("target", Reason::FieldRequired, "expected a target")),
        ..dry_run(number)
    }
}

/// Waits for the next event that is not the mere passing of time.
async fn event(batch: &mut Batch) -> BatchEvent {
    loop {
        let event = batch.next().await;
        if !matches!(event, BatchEvent::Tick) {
            return event;
        }
    }
}

async fn settled(batch: &mut Batch) -> Settled {
    loop {
        if let BatchEvent::Settled(settled) = batch.next().await {
            return settled;
        }
    }
}

#[tokio::test]
async fn a_place_is_free_again_when_a_result_is_delivered_or_not_told() {
    let front = Front::new(100, window(2));
    let mut batch = front.batch();
    batch.place().unwrap().offer(dry_run(0)).unwrap();
    let mut refused = batch.place().unwrap().offer(bad(1)).unwrap_err();
    assert_eq!((refused.index, refused.result.outcome), (1, Outcome::InvalidPush));
    assert!(refused.hold_seat());
    assert!(batch.place().is_none(), "one is in flight, and one waits to be delivered");
    let accepted = settled(&mut batch).await;
    assert_eq!((accepted.index, accepted.result.outcome), (0, Outcome::Validated));
    drop(accepted);
    assert!(batch.place().is_some(), "a result that is not told holds no seat");
    batch.place().unwrap().offer(dry_run(2)).unwrap();
    assert!(settled(&mut batch).await.hold_seat());
    assert!(batch.place().is_none());
    batch.window().delivered(1);
    assert!(matches!(event(&mut batch).await, BatchEvent::Place));
    assert!(batch.place().is_some());
    batch.close();
    assert!(batch.is_over());
    assert_eq!(batch.counts().settled(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_came_free_unwaited_for_is_not_taken_twice() {
    let front = Front::new(100, window(1));
    let mut batch = front.batch();
    batch.place().unwrap().offer(dry_run(0)).unwrap();
    assert!(batch.place().is_none());
    drop(settled(&mut batch).await);
    batch.place().unwrap().offer(dry_run(1)).unwrap();
    drop(settled(&mut batch).await);
    // A batch that still waited for a seat would take the free one here.
    for _ in 0..20 {
        assert!(matches!(batch.next().await, BatchEvent::Tick));
    }
    assert!(batch.window().try_enter().is_some());
}

#[tokio::test]
async fn an_item_waits_for_room_that_others_have() {
    let front = Front::new(5, window(8));
    let sharers = [&Sharer::default(), &Sharer::default()];
    let rooms: Vec<_> =
        std::iter::from_fn(|| front.admission.admit(ServiceClass::Interactive, sharers).ok()).collect();
    let mut batch = front.batch();
    batch.place().unwrap().offer(dry_run(0)).unwrap();
    assert!(batch.place().is_none(), "no other is taken while one lacks room");
    batch.close();
    assert!(!batch.is_over(), "the item in hand has no result yet");
    drop(rooms);
    assert!(matches!(event(&mut batch).await, BatchEvent::Place));
    assert_eq!(settled(&mut batch).await.result.outcome, Outcome::Validated);
    assert!(batch.is_over());
    assert_eq!(front.admission.in_flight(), 0);
}

#[tokio::test]
async fn a_draining_gateway_finishes_what_is_in_flight_and_turns_the_rest_away() {
    let front = Front::new(100, window(8));
    let mut batch = front.batch();
    batch.place().unwrap().offer(dry_run(0)).unwrap();
    front.drain();
    let (mut in_flight, mut turned_away) = (false, false);
    while !(in_flight && turned_away) {
        match batch.next().await {
            BatchEvent::Settled(settled) => {
                in_flight = true;
                assert_eq!(settled.result.outcome, Outcome::Validated);
            }
            BatchEvent::TurnsAway(why) => {
                turned_away = true;
                assert_eq!(why, TurnedAway::Draining);
            }
            BatchEvent::Place | BatchEvent::Tick => {}
        }
    }
    assert!(batch.place().is_none());
    let mut left = batch.turn_away(bad(1), TurnedAway::Draining);
    assert_eq!((left.index, left.id.as_str()), (1, "push-1"));
    assert_eq!((left.result.outcome, left.result.reason), (Outcome::NotAttempted, Some(Reason::Draining)));
    assert!(left.result.retryable && !left.hold_seat());
    assert_eq!(left.labels.into_labels()["order"], "17");
    assert!(!batch.is_over(), "there may be more drafts");
    batch.close();
    assert!(batch.is_over() && batch.counts().draining);
}

#[tokio::test]
async fn who_waits_for_room_is_told_that_the_gateway_drains() {
    let front = Front::new(1, window(8));
    let sharers = [&Sharer::default(), &Sharer::default()];
    let _room = front.admission.admit(ServiceClass::Interactive, sharers).unwrap();
    let mut batch = front.batch();
    batch.place().unwrap().offer(dry_run(0)).unwrap();
    assert!(batch.place().is_none());
    // Admission ends a moment before the rest of the gateway drains.
    front.admission.drain();
    assert!(matches!(event(&mut batch).await, BatchEvent::TurnsAway(TurnedAway::Draining)));
    let mut in_hand = settled(&mut batch).await;
    assert_eq!((in_hand.index, in_hand.result.reason), (0, Some(Reason::Draining)));
    assert!(in_hand.hold_seat(), "it had a seat, which holds its result until it is delivered");
    batch.close();
    assert!(batch.is_over());
}

#[tokio::test(start_paused = true)]
async fn an_item_that_still_lacks_room_at_the_deadline_is_turned_away() {
    let front = Front::new(1, window(8));
    let sharers = [&Sharer::default(), &Sharer::default()];
    let _room = front.admission.admit(ServiceClass::Interactive, sharers).unwrap();
    let arrival = Arrival { timeout: Some(Duration::from_secs(10)), ..arrival() };
    let mut batch = front.desk.open(Caller::anyone(), arrival).unwrap();
    batch.place().unwrap().offer(dry_run(0)).unwrap();
    batch.close();
    assert!(matches!(event(&mut batch).await, BatchEvent::TurnsAway(TurnedAway::OutOfTime)));
    assert_eq!(settled(&mut batch).await.result.reason, Some(Reason::DeadlineExceeded));
    assert!(batch.is_over() && batch.counts().settled() == 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_takes_nothing_more_shortly_before_its_deadline() {
    let front = Front::new(100, window(8));
    let arrival = Arrival { timeout: Some(Duration::from_secs(10)), ..arrival() };
    let mut batch = front.desk.open(Caller::anyone(), arrival).unwrap();
    assert!(batch.place().is_some());
    assert!(matches!(event(&mut batch).await, BatchEvent::TurnsAway(TurnedAway::OutOfTime)));
    assert!(Instant::now() < arrival.at + Duration::from_secs(10));
    assert!(batch.place().is_none());
    let left = batch.turn_away(dry_run(0), TurnedAway::OutOfTime);
    assert_eq!(left.result.reason, Some(Reason::DeadlineExceeded));
    assert!(!batch.counts().draining);
}

#[tokio::test]
async fn the_metrics_count_open_batches() {
    let front = Front::new(100, window(8));
    let batch = front.batch();
    assert_eq!(front.metrics.pushes.batches().look().streams, 1);
    drop(batch);
    assert_eq!(front.metrics.pushes.batches().look().streams, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is offered, settles and is delivered in whichever order: what is in flight or not delivered never
    /// exceeds the window, each item settles once, and in the end every seat and all room is free again.
    #[test]
    fn the_books_of_a_batch_balance(
        seats in 1..6_usize,
        room in 1..8_usize,
        items in proptest::collection::vec(any::<bool>(), 0..40),
        told in any::<[bool; 40]>(),
        delivers in 1..6_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let front = Front::new(room, window(seats));
            let mut batch = front.batch();
            batch.set_class(ServiceClass::Interactive);
            let (mut offered, mut in_flight, mut undelivered) = (0, 0, 0);
            let mut indexes = Vec::new();
            while indexes.len() < items.len() {
                let mut just_settled = Vec::new();
                while offered < items.len() && let Some(place) = batch.place() {
                    let draft = if items[offered] { dry_run(offered) } else { bad(offered) };
                    offered += 1;
                    match place.offer(draft) {
                        Ok(()) => in_flight += 1,
                        Err(refused) => just_settled.push(*refused),
                    }
                    // A result that is at hand holds its seat as one that is not delivered does.
                    assert!(in_flight + undelivered + just_settled.len() <= seats);
                    assert!(in_flight <= room + 1, "one is in hand");
                    assert!(front.admission.in_flight() <= room);
                }
                if just_settled.is_empty() && in_flight > 0 {
                    just_settled.push(settled(&mut batch).await);
                    just_settled.extend(std::iter::from_fn(|| batch.settled()));
                    in_flight -= just_settled.len();
                }
                for mut settled in just_settled {
                    if told[settled.index as usize] {
                        assert!(settled.hold_seat());
                        undelivered += 1;
                    }
                    indexes.push(settled.index as usize);
                }
                let delivered = undelivered.min(delivers);
                batch.window().delivered(delivered);
                undelivered -= delivered;
            }
            batch.window().delivered(undelivered);
            batch.close();
            assert!(batch.is_over());
            indexes.sort_unstable();
            assert!(indexes.into_iter().eq(0..items.len()));
            assert_eq!(batch.counts().settled(), items.len() as u64);
            let window = batch.window();
            let free: Vec<_> = std::iter::from_fn(|| window.try_enter()).collect();
            assert_eq!((free.len(), front.admission.in_flight()), (seats, 0));
        });
    }
}
