//! How the demo sends: most pushes through one SendBatch stream, some through SendPush, both at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

use super::plan::Planned;
use crate::proto::{self, push_service_client::PushServiceClient};

/// Pushes in a message of the stream.
const PUSHES_IN_A_MESSAGE: usize = 100;

/// Messages that wait to be written.
const MESSAGES_AHEAD: usize = 4;

/// What came of one push.
pub(super) struct Sent {
    pub(super) planned: Planned,
    pub(super) result: Result<proto::PushResult, Status>,
}

/// What one way of sending came to.
pub(super) struct Way {
    pub(super) sent: Vec<Sent>,
    pub(super) took: Duration,
    /// How long each call took; none of a stream.
    pub(super) calls: Vec<Duration>,
}

/// Writes the pushes to one stream and reads their verdicts at the same time.
pub(super) async fn by_stream(channel: Channel, pushes: Vec<Planned>, bar: ProgressBar) -> Way {
    let begun = Instant::now();
    let (sender, messages) = mpsc::channel(MESSAGES_AHEAD);
    let requests: Vec<_> = pushes
        .chunks(PUSHES_IN_A_MESSAGE)
        .map(|chunk| proto::SendBatchRequest {
            pushes: chunk.iter().map(Planned::push).collect(),
            ..proto::SendBatchRequest::default()
        })
        .collect();
    let writing = async move {
        for request in requests {
            // A stream that takes no more has ended, and says why.
            if sender.send(request).await.is_err() {
                return;
            }
        }
    };
    let reading = read(channel, messages, &bar);
    let ((), (mut results, end)) = tokio::join!(writing, reading);
    let sent = (0..).zip(pushes).map(|(index, planned)| {
        let result = results.remove(&index).ok_or_else(|| end.clone());
        Sent { planned, result }
    });
    Way { sent: sent.collect(), took: begun.elapsed(), calls: Vec::new() }
}

/// The verdicts by number, and how the stream ended.
async fn read(
    channel: Channel,
    messages: mpsc::Receiver<proto::SendBatchRequest>,
    bar: &ProgressBar,
) -> (HashMap<i64, proto::PushResult>, Status) {
    let mut results = HashMap::new();
    let call = PushServiceClient::new(channel).send_batch(ReceiverStream::new(messages)).await;
    let mut answers = match call {
        Ok(answer) => answer.into_inner(),
        Err(status) => return (results, status),
    };
    loop {
        match answers.message().await {
            Ok(Some(answer)) => {
                bar.inc(answer.results.len() as u64);
                for result in answer.results {
                    // A second verdict of one push is as wrong as none.
                    if let Some(twice) = results.insert(result.index, result) {
                        results.remove(&twice.index);
                    }
                }
            }
            Ok(None) => return (results, Status::internal("the stream ended without exactly one verdict")),
            Err(status) => return (results, status),
        }
    }
}

/// Sends each push by a call of its own.
pub(super) async fn by_calls(
    channel: Channel,
    pushes: Vec<Planned>,
    concurrency: usize,
    bar: ProgressBar,
) -> Way {
    let begun = Instant::now();
    let (sent, calls) = stream::iter(pushes)
        .map(|planned| {
            let mut client = PushServiceClient::new(channel.clone());
            async move {
                let request = proto::SendPushRequest { push: Some(planned.push().into()) };
                let begun = Instant::now();
                let response = client.send_push(request).await;
                let took = begun.elapsed();
                let result = response.and_then(|response| {
                    response.into_inner().result.ok_or_else(|| Status::internal("no result"))
                });
                (Sent { planned, result }, took)
            }
        })
        .buffer_unordered(concurrency)
        .inspect(|_| bar.inc(1))
        .unzip()
        .await;
    Way { sent, took: begun.elapsed(), calls }
}
