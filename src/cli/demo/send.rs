//! Sends the demo's pushes: most through one SendBatch stream, and some by SendPush calls at the same time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::transport::Channel;

use super::plan::PlannedPush;
use crate::proto::{self, push_service_client::PushServiceClient};

/// How many pushes are in a message of the stream.
const PUSHES_IN_A_MESSAGE: usize = 100;

/// How many messages may wait to be written.
const MESSAGES_AHEAD: usize = 4;

/// A push that was sent, and what came of it.
pub(super) struct SentPush {
    pub(super) planned: PlannedPush,
    pub(super) result: Result<proto::PushResult, Status>,
}

/// The pushes that were sent in one way, through the stream or by calls, and how long that took.
pub(super) struct Sending {
    pub(super) sent: Vec<SentPush>,
    pub(super) took: Duration,
    /// How long each call took. For a stream this is empty.
    pub(super) calls: Vec<Duration>,
}

/// Writes the pushes to one stream and reads their verdicts at the same time.
pub(super) async fn by_stream(channel: Channel, pushes: Vec<PlannedPush>, bar: ProgressBar) -> Sending {
    let begun = Instant::now();
    let (sender, messages) = mpsc::channel(MESSAGES_AHEAD);
    let requests: Vec<_> = pushes
        .chunks(PUSHES_IN_A_MESSAGE)
        .map(|chunk| proto::SendBatchRequest {
            pushes: chunk.iter().map(PlannedPush::push).collect(),
            ..proto::SendBatchRequest::default()
        })
        .collect();
    let writing = async move {
        for request in requests {
            // If the stream takes no more it has ended, and the reader gets the reason.
            if sender.send(request).await.is_err() {
                return;
            }
        }
    };
    let reading = read(channel, messages, &bar);
    let ((), (mut results, end)) = tokio::join!(writing, reading);
    let sent = (0..).zip(pushes).map(|(index, planned)| {
        let result = results.remove(&index).ok_or_else(|| end.clone());
        SentPush { planned, result }
    });
    Sending { sent: sent.collect(), took: begun.elapsed(), calls: Vec::new() }
}

/// Reads the verdicts, by their number on the stream, and how the stream ended.
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
                    // A push with two verdicts is as wrong as one without any, so it is reported as one.
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
    pushes: Vec<PlannedPush>,
    concurrency: usize,
    bar: ProgressBar,
) -> Sending {
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
                (SentPush { planned, result }, took)
            }
        })
        .buffer_unordered(concurrency)
        .inspect(|_| bar.inc(1))
        .unzip()
        .await;
    Sending { sent, took: begun.elapsed(), calls }
}
