//! Steady traffic: callers of SendPush, of which each sends one push at a time, beside SendBatch streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{self, SendBatchRequest, SendPushRequest};
use fanfare_simulator::Service;
use futures_util::future::{try_join, try_join_all};
use tonic::transport::Channel;

use crate::ledger::{Broken, Ledger, Verdict};
use crate::marker::Marker;
use crate::twice::of_two;

/// No traffic takes longer than this. If one does, something hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// How many pushes are in a message of a batch stream.
const MESSAGE: u64 = 20;

/// How many pushes of a batch stream may be without their result, so that batches are as steady as single pushes.
const BATCH_AHEAD: usize = 100;

/// Who sends, and how many pushes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    /// How many callers of SendPush there are.
    pub(crate) callers: usize,
    /// How many SendBatch streams there are.
    pub(crate) batches: usize,
    /// How many pushes all of them send together.
    pub(crate) pushes: u64,
    /// One push of so many is repeatable. With 0 none is.
    pub(crate) repeatable_every: u64,
    /// One push of so many has `Options.once`, unless it is repeatable; callers of SendPush send it twice. With 0 none has.
    pub(crate) once_every: u64,
}

impl Traffic {
    pub(crate) fn of(pushes: u64) -> Self {
        Self { callers: 64, batches: 2, pushes, repeatable_every: 0, once_every: 0 }
    }

    fn is_repeatable(&self, marker: Marker) -> bool {
        is_one_of(self.repeatable_every, marker)
    }

    fn is_once(&self, marker: Marker) -> bool {
        is_one_of(self.once_every, marker) && !self.is_repeatable(marker)
    }
}

fn is_one_of(every: u64, marker: Marker) -> bool {
    every > 0 && marker.0.is_multiple_of(every)
}

/// The numbers of pushes that are not yet sent.
struct Numbers {
    next: AtomicU64,
    end: u64,
    traffic: Traffic,
    service: Service,
}

impl Numbers {
    fn take(&self, count: u64) -> Vec<Marker> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        (first..(first + count).min(self.end)).map(Marker).collect()
    }

    fn push(&self, marker: Marker) -> proto::Push {
        let mut push = marker.push(self.service, self.traffic.is_repeatable(marker));
        if let Some(options) = &mut push.options {
            options.once = self.traffic.is_once(marker);
        }
        push
    }
}

/// Sends the pushes from number `first` on, and gathers their verdicts.
pub(crate) async fn run(
    client: &PushServiceClient<Channel>,
    traffic: Traffic,
    first: u64,
    service: Service,
) -> Result<Ledger, Broken> {
    let end = first + traffic.pushes;
    let next = AtomicU64::new(first);
    let numbers = Arc::new(Numbers { next, end, traffic, service });
    let callers = (0..traffic.callers).map(|_| tokio::spawn(single(client.clone(), Arc::clone(&numbers))));
    let batches = (0..traffic.batches).map(|_| tokio::spawn(batch(client.clone(), Arc::clone(&numbers))));
    let all = try_join_all(callers.chain(batches));
    let told = tokio::time::timeout(LIMIT, all)
        .await
        .map_err(|_| Broken::rule("every push has a verdict", format!("none after {LIMIT:?}")))?
        .map_err(|error| Broken::rule("no caller panics", error.to_string()))?;
    let mut ledger = Ledger::new(first, traffic.pushes, traffic.repeatable_every);
    for verdicts in told {
        for (number, verdict) in verdicts? {
            ledger.enter(number, verdict)?;
        }
    }
    Ok(ledger)
}

type Told = Result<Vec<(u64, Verdict)>, Broken>;

async fn single(client: PushServiceClient<Channel>, numbers: Arc<Numbers>) -> Told {
    let mut told = Vec::new();
    while let Some(marker) = numbers.take(1).first().copied() {
        let verdict = if numbers.traffic.is_once(marker) {
            let twice = try_join(call(&client, &numbers, marker), call(&client, &numbers, marker));
            of_two(marker, twice.await?)?
        } else {
            Verdict::of(&call(&client, &numbers, marker).await?)
        };
        told.push((marker.0, verdict));
    }
    Ok(told)
}

/// Sends one push by a call of its own.
async fn call(
    client: &PushServiceClient<Channel>,
    numbers: &Numbers,
    marker: Marker,
) -> Result<proto::PushResult, Broken> {
    let request = SendPushRequest { push: Some(Box::new(numbers.push(marker))) };
    let answer = client
        .clone()
        .send_push(request)
        .await
        .map_err(|status| Broken::push("SendPush answers OK", marker.0, status.to_string()))?;
    let result = answer.into_inner().result.unwrap_or_default();
    if result.id != marker.id() {
        return Err(Broken::push("a result names its push", marker.0, format!("{result:?}")));
    }
    Ok(result)
}

async fn batch(mut client: PushServiceClient<Channel>, numbers: Arc<Numbers>) -> Told {
    let (to, requests) = tokio::sync::mpsc::channel(1);
    let room = Arc::new(tokio::sync::Semaphore::new(BATCH_AHEAD));
    let ended = |status: tonic::Status| Broken::rule("a batch stream ends with OK", status.to_string());
    let write = |messages: Arc<Numbers>, room: Arc<tokio::sync::Semaphore>| async move {
        loop {
            let markers = messages.take(MESSAGE);
            if markers.is_empty() {
                return;
            }
            for _ in &markers {
                let Ok(place) = room.acquire().await else { return };
                place.forget();
            }
            let pushes = markers.into_iter().map(|marker| messages.push(marker)).collect();
            let message = SendBatchRequest { pushes, ..SendBatchRequest::default() };
            if to.send(message).await.is_err() {
                return;
            }
        }
    };
    let writer = tokio::spawn(write(Arc::clone(&numbers), Arc::clone(&room)));
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let mut results = client.send_batch(requests).await.map_err(ended)?.into_inner();
    let mut told = Vec::new();
    while let Some(message) = results.message().await.map_err(ended)? {
        room.add_permits(message.results.len());
        for result in message.results {
            let marker = Marker::of_id(&result.id)
                .ok_or_else(|| Broken::rule("a result names its push", format!("{result:?}")))?;
            told.push((marker.0, Verdict::of(&result)));
        }
    }
    writer.abort();
    Ok(told)
}
