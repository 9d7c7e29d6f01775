//! Two bulk floods that never end, beside single pushes at fifty a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fanfare::proto::{Outcome, SendBatchRequest};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{client_with, push_of, send_one};
use crate::harness::{APP, World, figure, sized, until};

const SINGLE: usize = 3;

/// An answer comes after so long, so that the streams are the bottleneck and not the machine.
const LATENCY: Duration = Duration::from_millis(20);

/// Few streams: about 400 pushes a second go through them.
const STREAMS: u32 = 10;

/// A batch that has pushes for as long as it may.
struct Flood {
    accepted: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Flood {
    async fn begin(world: &World, sender: usize) -> Self {
        let (accepted, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (to, requests) = mpsc::channel(1);
        let mut client = client_with(world, "none").await;
        let mut results = client.send_batch(ReceiverStream::new(requests)).await.unwrap().into_inner();
        let ends = Arc::clone(&over);
        tokio::spawn(async move {
            for message in 0.. {
                let pushes =
                    (message * 100..).take(100).map(|push| push_of(sender, push % super::OF_ONE, APP));
                let message = SendBatchRequest { pushes: pushes.collect(), ..SendBatchRequest::default() };
                if ends.load(Ordering::SeqCst) || to.send(message).await.is_err() {
                    break;
                }
            }
        });
        let counted = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            while let Ok(Some(message)) = results.message().await {
                for result in message.results {
                    assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { accepted, over, task }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Sends fifty single pushes a second, and returns how long each took, the shortest first.
async fn singles(world: &World, first: usize) -> Vec<Duration> {
    let client = client_with(world, "none").await;
    let mut moments = tokio::time::interval(Duration::from_millis(20));
    let mut sent = Vec::new();
    for number in first..first + sized(50, 1000) {
        moments.tick().await;
        let (client, push) = (client.clone(), push_of(SINGLE, number, APP));
        sent.push(tokio::spawn(async move {
            let began = Instant::now();
            let result = send_one(&client, push).await.unwrap();
            assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
            began.elapsed()
        }));
    }
    let mut took = Vec::new();
    for single in sent {
        took.push(single.await.unwrap());
    }
    took.sort_unstable();
    took
}

#[tokio::test]
async fn single_pushes_are_all_accepted_beside_two_floods_that_share_the_rest() {
    let world = World::with(
        |builder| builder.latency(LATENCY).max_concurrent_streams(STREAMS),
        super::one_connection,
    )
    .await;
    let alone = singles(&world, 0).await;
    let floods = [Flood::begin(&world, 1).await, Flood::begin(&world, 2).await];
    until(|| floods.iter().all(|flood| flood.accepted() > 100)).await;
    let before = floods.each_ref().map(Flood::accepted);
    let began = Instant::now();
    let beside = singles(&world, 10_000).await;
    let seconds = began.elapsed().as_secs_f64();
    let [one, two] = [0, 1].map(|at| floods[at].accepted() - before[at]);
    let told = |took: &[Duration]| {
        let at = |percent| took[took.len() * percent / 100];
        format!("{:.1?} / {:.1?} / {:.1?}", at(50), at(99), took[took.len() - 1])
    };
    figure(&format!(
        "{} SendPush at 50 a second, all accepted, median / p99 / longest: alone {}, beside two floods {}; the floods: {:.0} \
         and {:.0} a second",
        beside.len(),
        told(&alone),
        told(&beside),
        one as f64 / seconds,
        two as f64 / seconds
    ));
    assert!(one.abs_diff(two) <= one.max(two) / 4, "{one} and {two}");
    for flood in floods {
        flood.over.store(true, Ordering::SeqCst);
        flood.task.abort();
    }
}
