//! SendBatch: each item gets its own truthful verdict, and no other caller is held up.

mod alive;
mod endings;
mod fairness;
mod outcomes;
mod window;

use std::collections::BTreeMap;

use fanfare::proto::{self, Outcome, SendBatchRequest, SendBatchResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::harness::World;

/// A batch as its caller holds it.
pub(crate) struct BatchCaller {
    to: Option<mpsc::Sender<SendBatchRequest>>,
    from: Streaming<SendBatchResponse>,
}

/// Everything that a batch brought until it ended.
#[derive(Debug, Default)]
pub(crate) struct BatchEnd {
    pub(crate) results: BTreeMap<i64, proto::PushResult>,
    pub(crate) progress: Option<proto::BatchProgress>,
    pub(crate) status: Option<tonic::Status>,
}

impl BatchCaller {
    pub(crate) async fn open(world: &World) -> Self {
        let (to, requests) = mpsc::channel(4);
        let from = world.client.clone().send_batch(ReceiverStream::new(requests)).await.unwrap().into_inner();
        Self { to: Some(to), from }
    }

    /// Writes a message as soon as flow control allows it.
    pub(crate) async fn write(&self, message: SendBatchRequest) {
        self.to.as_ref().unwrap().send(message).await.unwrap();
    }

    pub(crate) fn half_close(&mut self) {
        self.to = None;
    }

    /// Reads until the batch ends.
    pub(crate) async fn read(mut self) -> BatchEnd {
        let mut ended = BatchEnd::default();
        loop {
            match self.from.message().await {
                Ok(Some(message)) => ended.take(message),
                Ok(None) => return ended,
                Err(status) => {
                    ended.status = Some(status);
                    return ended;
                }
            }
        }
    }
}

impl BatchEnd {
    fn take(&mut self, message: SendBatchResponse) {
        assert!(message.results.len() <= 256, "{}", message.results.len());
        for result in message.results {
            let index = result.index;
            assert!(self.results.insert(index, result).is_none(), "item {index} has two results");
        }
        self.progress = message.progress.or(self.progress.take());
    }

    pub(crate) fn settled(&self, outcome: Outcome) -> i64 {
        let settled = &self.progress.as_ref().expect("the last message has progress").settled;
        settled.iter().find(|count| count.outcome() == outcome).map_or(0, |count| count.count)
    }
}

pub(crate) fn message(pushes: Vec<proto::Push>) -> SendBatchRequest {
    SendBatchRequest { pushes, ..SendBatchRequest::default() }
}

fn options(options: proto::BatchOptions) -> SendBatchRequest {
    SendBatchRequest { options: Some(options), ..SendBatchRequest::default() }
}

/// Writes the messages, half-closes and reads to the end, at the same time.
pub(crate) async fn run(world: &World, messages: Vec<SendBatchRequest>) -> BatchEnd {
    let mut caller = BatchCaller::open(world).await;
    let to = caller.to.take().unwrap();
    let writing = tokio::spawn(async move {
        for message in messages {
            if to.send(message).await.is_err() {
                return;
            }
        }
    });
    let ended = caller.read().await;
    writing.await.unwrap();
    ended
}
