//! Pushes that are not to be sent twice, in front of an upstream that is nowhere: each waits for it until its deadline.

use futures_util::FutureExt;

use super::*;
use crate::push::{Delivery, Outcome, PushResult, Reason};

fn told(settled: &Settled) -> (Outcome, Delivery, bool) {
    let PushResult { outcome, delivery, of_first, .. } = settled.result;
    (outcome, delivery, of_first)
}

impl Front {
    pub(super) fn entries(&self) -> u64 {
        self.count("fanfare_once_entries ")
    }

    fn role(&self, role: &str) -> u64 {
        self.count(&format!("fanfare_once_pushes_total{{role=\"{role}\"}} "))
    }

    fn count(&self, line: &str) -> u64 {
        let page = self.metrics.page();
        page.lines().find_map(|it| it.strip_prefix(line)).map_or(0, |count| count.parse().unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_join_a_push_that_is_not_delivered_get_its_verdict_and_the_next_is_a_new_try() {
    let front = Front::new(10, BatchSettings::default());
    let drafts = (0..3).map(|_| once(1));
    let caller = Caller::anyone();
    let all = front.desk.submit_all(&caller, drafts, ServiceClass::Bulk, arrival()).await.unwrap();
    let first = told(&all[0]);
    assert_eq!((first.1, first.2), (Delivery::No, false), "{all:?}");
    for joined in &all[1..] {
        assert_eq!(told(joined), (first.0, Delivery::No, true));
    }
    assert_eq!((front.role("first"), front.role("joined"), front.entries()), (1, 2, 0));
    front.desk.submit(&caller, once(1), arrival()).await.unwrap();
    assert_eq!((front.role("first"), front.role("recorded")), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn where_the_first_leaves_unsent_one_that_waits_is_the_first() {
    let front = Front::new(10, BatchSettings::default());
    let caller = Caller::anyone();
    let mut first = Box::pin(front.desk.submit(&caller, once(1), arrival()));
    let mut others: Vec<_> =
        (0..3).map(|_| Box::pin(front.desk.submit(&caller, once(1), arrival()))).collect();
    assert!(first.as_mut().now_or_never().is_none());
    for other in &mut others {
        assert!(other.as_mut().now_or_never().is_none());
    }
    assert_eq!((front.role("first"), front.role("joined")), (1, 3));
    drop(first);
    let results = futures_util::future::join_all(others).await;
    let firsts = results.iter().filter(|it| !it.as_ref().unwrap().result.of_first).count();
    assert_eq!((firsts, front.role("first"), front.entries()), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_leaves_before_the_first_has_its_verdict_is_in_doubt() {
    let front = Front::new(10, BatchSettings::default());
    let caller = Caller::anyone();
    let mut first = Box::pin(front.desk.submit(&caller, once(1), arrival()));
    assert!(first.as_mut().now_or_never().is_none());
    let hasty = Arrival { timeout: Some(Duration::from_millis(100)), ..arrival() };
    let hasty = front.desk.submit(&caller, once(1), hasty);
    let (hasty, first) = tokio::join!(hasty, first);
    let (hasty, first) = (hasty.unwrap(), first.unwrap());
    assert_eq!(told(&hasty), (Outcome::Unconfirmed, Delivery::Maybe, true));
    assert!(hasty.result.retryable && hasty.result.provider.is_some());
    assert_eq!((told(&first).1, told(&first).2), (Delivery::No, false));
}

/// The second waits for the first, which has its seat already and keeps it.
#[tokio::test(start_paused = true)]
async fn items_with_one_id_do_not_wait_for_each_others_seats() {
    let front = Front::new(10, BatchSettings { window: 2, ..BatchSettings::default() });
    let mut batch = front.batch();
    batch.place().unwrap().offer(once(1)).unwrap();
    batch.place().unwrap().offer(once(1)).unwrap();
    let mut settled = Vec::new();
    while settled.len() < 2 {
        if let BatchEvent::Settled(item) = batch.next().await {
            settled.push(item);
        }
    }
    settled.sort_unstable_by_key(|item| item.index);
    assert_eq!(settled.iter().map(|item| item.result.of_first).collect::<Vec<_>>(), [false, true]);
    assert_eq!((front.role("first"), front.role("joined")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_caller_leaves_takes_its_first_along_and_nothing_stays_behind() {
    let front = Front::new(10, BatchSettings::default());
    let mut batch = front.batch();
    batch.place().unwrap().offer(once(2)).unwrap();
    // The item is polled once. `next` may look at its tick first, and leave the item for the next time.
    assert!(batch.settled().is_none());
    assert_eq!(front.entries(), 1);
    drop(batch);
    assert_eq!((front.entries(), front.admission.in_flight()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_full_of_pushes_in_flight_takes_no_other() {
    let front = Front::with_once(OnceSettings { max: 1, ..OnceSettings::default() });
    let caller = Caller::anyone();
    let mut first = Box::pin(front.desk.submit(&caller, once(1), arrival()));
    assert!(first.as_mut().now_or_never().is_none());
    let other = front.desk.submit(&caller, once(2), arrival()).await.unwrap();
    assert_eq!(told(&other), (Outcome::NotAttempted, Delivery::No, false));
    assert_eq!((other.result.reason, front.role("full")), (Some(Reason::Overloaded), 1));
    assert!(other.result.retryable && other.result.retry_after.is_some());
    drop(first);
    assert_eq!(front.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_push_without_an_id_cannot_be_sent_once_and_a_dry_run_is_not_remembered() {
    let front = Front::new(10, BatchSettings::default());
    let caller = Caller::anyone();
    let unnamed = Draft { id: String::new(), ..once(1) };
    let refused = front.desk.submit(&caller, unnamed, arrival()).await.unwrap();
    assert_eq!(refused.result.reason, Some(Reason::FieldRequired));
    assert_eq!((refused.result.outcome, &*refused.result.field), (Outcome::InvalidPush, "id"));
    let dry = || {
        let mut body = body(true);
        body.options = body
            .options
            .map(|draft| OptionsDraft { options: Options { once: true, ..draft.options }, ..draft });
        Draft { body: DraftBody::Own(body), ..dry_run(1) }
    };
    for _ in 0..2 {
        let checked = front.desk.submit(&caller, dry(), arrival()).await.unwrap();
        assert_eq!(told(&checked), (Outcome::Validated, Delivery::No, false));
    }
    assert_eq!((front.role("first"), front.entries()), (0, 0));
}
