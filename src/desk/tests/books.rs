//! Whoever comes, waits, joins, leaves or is turned away: what was taken is given back.

use std::pin::Pin;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    /// One push comes; of the pushes with few ids most join another.
    Push {
        id: usize,
        once: bool,
    },
    /// So many pushes of one call come.
    Call(usize),
    /// A batch is opened, and offered so many items.
    Batch {
        items: usize,
        once: bool,
    },
    /// One that waits, chosen by a number, leaves.
    Leave(usize),
    /// All that wait go on.
    GoOn,
    Pass(Duration),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4_usize, any::<bool>()).prop_map(|(id, once)| Step::Push { id, once }),
        2 => (1..5_usize).prop_map(Step::Call),
        3 => (1..6_usize, any::<bool>()).prop_map(|(items, once)| Step::Batch { items, once }),
        5 => any::<usize>().prop_map(Step::Leave),
        5 => Just(Step::GoOn),
        2 => (1..3000_u64).prop_map(|ms| Step::Pass(Duration::from_millis(ms))),
        1 => Just(Step::Drain),
    ]
}

fn draft(number: usize, is_once: bool) -> Draft {
    if is_once { once(number) } else { Draft { body: DraftBody::Own(body(false)), ..dry_run(number) } }
}

/// Offers all items, and ends with the last result.
async fn run(mut batch: Batch, items: usize, is_once: bool) {
    let mut offered = 0;
    loop {
        while offered < items
            && let Some(place) = batch.place()
        {
            let _refused = place.offer(draft(offered, is_once));
            offered += 1;
        }
        if offered == items {
            batch.close();
        }
        if batch.is_over() {
            return;
        }
        if let BatchEvent::TurnsAway(why) = batch.next().await {
            for number in offered..items {
                drop(batch.turn_away(draft(number, is_once), why));
            }
            offered = items;
        }
    }
}

type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

async fn books_balance(steps: Vec<Step>, room: usize) {
    let front = Front::new(room, BatchSettings { window: 3, ..BatchSettings::default() });
    let caller = Caller::anyone();
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for step in steps {
        match step {
            Step::Push { id, once } => {
                let push = front.desk.submit(&caller, draft(id, once), arrival());
                waiting.push(Box::pin(push.map(drop)));
            }
            Step::Call(pushes) => {
                let (desk, caller) = (&front.desk, &caller);
                waiting.push(Box::pin(async move {
                    let drafts = (0..pushes).map(|number| draft(number, true));
                    let _ = desk.submit_all(caller, drafts, ServiceClass::Interactive, arrival()).await;
                }));
            }
            Step::Batch { items, once } => {
                if let Ok(batch) = front.desk.open(caller.clone(), arrival()) {
                    waiting.push(Box::pin(run(batch, items, once)));
                }
            }
            Step::Leave(which) => {
                if let Some(which) = which.checked_rem(waiting.len()) {
                    drop(waiting.swap_remove(which));
                }
            }
            Step::GoOn => waiting.retain_mut(|it| it.as_mut().now_or_never().is_none()),
            Step::Pass(time) => tokio::time::advance(time).await,
            Step::Drain => front.drain(),
        }
        assert!(front.admission.in_flight() <= room);
    }
    // Some leave, and the others wait for their end.
    waiting.truncate(waiting.len() / 2);
    futures_util::future::join_all(waiting).await;
    let opened = front.desk.open_draft(&caller, ServiceClass::Bulk, dry_run(0)).ok().unwrap();
    let held = opened.sharers(&caller).map(|sharer| sharer.in_flight().map_or(0, |party| party.count()));
    assert_eq!((front.admission.in_flight(), held, front.entries()), (0, [0, 0], 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Pushes, calls and batches come, join each other, leave at any moment and are turned away: in the end neither the
    /// gateway, nor the caller, nor the app has one in flight, and no push that was not delivered is remembered.
    #[test]
    fn whatever_was_taken_is_given_back(steps in prop::collection::vec(step(), 1..40), room in 1..9_usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(books_balance(steps, room));
    }
}
