//! Futures that wait for what a drawn list of steps sends, and the ends of a slab.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use futures_util::{FutureExt, StreamExt};
use proptest::prelude::*;
use tokio::sync::oneshot;

use super::*;

/// A task that counts how often it was woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push,
    /// One of the futures gets what it waits for.
    Send(proptest::sample::Index),
    /// The task looks for a result, and does not wait.
    Look,
    /// The task waits for a result.
    Wait,
    GiveBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Push),
        3 => any::<proptest::sample::Index>().prop_map(Step::Send),
        1 => Just(Step::Look),
        3 => Just(Step::Wait),
        1 => Just(Step::GiveBack),
    ];
    proptest::collection::vec(step, 0..300)
}

proptest! {
    #[test]
    fn each_future_ends_once_and_the_task_is_woken_for_it(steps in steps()) {
        let (mut slab, task) = (FutureSlab::new(), Arc::new(Task::default()));
        let (mut pushed, mut senders, mut ready) = (0, BTreeMap::new(), Vec::new());
        let mut waits = false;
        for step in steps {
            let woken = task.0.load(Ordering::Relaxed);
            match step {
                Step::Push => {
                    let (sender, receiver) = oneshot::channel();
                    slab.push(async move { receiver.await.unwrap() });
                    senders.insert(pushed, sender);
                    pushed += 1;
                    waits = false;
                }
                Step::Send(which) if !senders.is_empty() => {
                    let number = *which.get(&senders.keys().copied().collect::<Vec<usize>>());
                    senders.remove(&number).unwrap().send(number).unwrap();
                    ready.push(number);
                    prop_assert!(!waits || task.0.load(Ordering::Relaxed) == woken + 1);
                    waits = false;
                }
                Step::Send(_) => {}
                Step::Look | Step::Wait => {
                    let waker = Waker::from(Arc::clone(&task));
                    let (look, in_flight) = (matches!(step, Step::Look), senders.len() + ready.len());
                    let waker = if look { Waker::noop() } else { &waker };
                    match slab.poll_next_unpin(&mut Context::from_waker(waker)) {
                        Poll::Ready(Some(number)) => {
                            prop_assert!(ready.contains(&number));
                            ready.retain(|it| *it != number);
                        }
                        Poll::Ready(None) => prop_assert_eq!(in_flight, 0),
                        Poll::Pending => {
                            let again = task.0.load(Ordering::Relaxed) > woken;
                            prop_assert!(look || again || ready.is_empty(), "{ready:?} were not found");
                            waits = !look && !again;
                        }
                    }
                }
                Step::GiveBack => slab.give_back(),
            }
            prop_assert_eq!(slab.is_empty(), senders.is_empty() && ready.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_future_is_lost_whose_waker_another_thread_calls() {
    let mut slab = FutureSlab::new();
    for _ in 0..20 {
        for number in 0..500 {
            slab.push(async move { tokio::spawn(async move { number }).await.unwrap() });
        }
        let mut numbers: Vec<u32> = slab.by_ref().collect().await;
        numbers.sort_unstable();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    }
}

#[test]
fn memory_is_used_again_and_given_back_when_it_is_not() {
    let mut slab = FutureSlab::new();
    let mut run = |futures: usize| {
        (0..futures).for_each(|it| slab.push(std::future::ready(it)));
        assert!((0..futures).all(|it| slab.next().now_or_never() == Some(Some(it))), "in their order");
        let kept = slab.spare.len();
        slab.give_back();
        (kept, slab.spare.len(), slab.entries.len())
    };
    assert_eq!(run(100), (100, 100, 100));
    assert_eq!(run(60), (100, 60, 100));
    assert_eq!(run(0), (60, 0, 100));
}

#[test]
fn a_future_that_was_woken_is_not_overtaken_by_one_that_is_new() {
    let mut slab = FutureSlab::new();
    let [(first, woken), (second, new)] = [oneshot::channel(), oneshot::channel()];
    slab.push(woken);
    assert!(slab.next().now_or_never().is_none());
    first.send(1).unwrap();
    second.send(2).unwrap();
    slab.push(new);
    let numbers: Vec<_> = slab.map(Result::unwrap).collect().now_or_never().unwrap();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn a_future_that_is_always_ready_for_more_lets_its_task_give_way() {
    let (mut slab, task) = (FutureSlab::new(), Arc::new(Task::default()));
    slab.push(std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    }));
    let waker = Waker::from(Arc::clone(&task));
    assert!(slab.poll_next_unpin(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(task.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_waker_may_outlive_its_future_and_the_slab() {
    let mut slab = FutureSlab::new();
    let wakers = Arc::new(Mutex::new(Vec::new()));
    let noting = |ends: bool| {
        let wakers = Arc::clone(&wakers);
        std::future::poll_fn(move |cx| {
            wakers.lock().unwrap().push(cx.waker().clone());
            if ends { Poll::Ready(()) } else { Poll::Pending }
        })
    };
    slab.push(noting(true));
    assert_eq!(slab.next().now_or_never(), Some(Some(())));
    slab.push(noting(false));
    wakers.lock().unwrap()[0].wake_by_ref();
    assert!(slab.next().now_or_never().is_none());
    drop(slab);
    wakers.lock().unwrap().iter().for_each(Waker::wake_by_ref);
}
