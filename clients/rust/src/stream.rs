//! One SendBatch call.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use crate::batch::{BatchRun, Item, Left, next_push};
use crate::client::Client;
use crate::status::nothing_sent;
use crate::v1::{BatchProgress, Delivery, SendBatchRequest, SendBatchResponse};

// A message is bounded far below grpc.max_message_items (65,536) and grpc.max_message_bytes (4 MiB), so that verdicts come
// early.
pub(crate) const MAX_MESSAGE_ITEMS: usize = 256;
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

pub(crate) struct BatchStream<'a> {
    run: &'a mut BatchRun,
    /// Those that are written and have no verdict, by their number on the stream.
    open: BTreeMap<u64, Item>,
    /// The number of the next push.
    next: u64,
    /// How many pushes the connection has taken. The others never left this process.
    taken: Arc<AtomicU64>,
    /// That of the last message.
    progress: Option<BatchProgress>,
    begun: bool,
    /// The gateway reads no more.
    leaving: bool,
    fruitful: bool,
}

/// How a stream ended. Without a status the gateway ended it as it was asked to.
pub(crate) struct StreamEnd {
    pub(crate) status: Option<Status>,
    pub(crate) begun: bool,
    pub(crate) fruitful: bool,
}

impl<'a> BatchStream<'a> {
    pub(crate) fn new(run: &'a mut BatchRun) -> Self {
        let (open, taken) = (BTreeMap::new(), Arc::default());
        Self { run, open, next: 0, taken, progress: None, begun: false, leaving: false, fruitful: false }
    }

    pub(crate) async fn run(mut self) -> Result<StreamEnd, Left> {
        // At most one message waits here.
        let (messages, outgoing) = mpsc::channel(1);
        let mut messages = Some(messages);
        let outgoing = Outgoing { messages: outgoing, taken: Arc::clone(&self.taken) };
        // Nothing is written before a gateway has taken the call: a connection that none accepted looks open too, and what
        // was written to it would be in doubt.
        let begins = timeout(self.run.client.deadline, begin(self.run.client.clone(), outgoing));
        let begun = tokio::select! {
            begun = begins => begun,
            () = self.run.results.closed() => return Err(Left),
        };
        let late = |_| Err(Status::deadline_exceeded("no gateway took the stream in time"));
        let mut answers = match begun.unwrap_or_else(late) {
            Ok(answers) => answers,
            Err(status) => return Ok(self.settle(Some(status))),
        };
        self.begun = true;
        loop {
            if self.leaving || (!self.run.input_open && self.run.queue.is_empty()) {
                messages = None;
            }
            let writes = messages.is_some();
            let run = &mut *self.run;
            tokio::select! {
                answer = answers.message() => match answer {
                    Ok(Some(answer)) => self.read(answer),
                    Ok(None) => return Ok(self.settle(None)),
                    Err(status) => return Ok(self.settle(Some(status))),
                },
                place = reserve(messages.as_ref()), if writes && !run.queue.is_empty() => match place {
                    Some(place) => place.send(self.message()),
                    // The call is over, and why is what is read.
                    None => self.leaving = true,
                },
                push = next_push(&mut run.input, &mut run.place, &run.results), if writes && run.input_open => {
                    run.take_with_others(push);
                }
                () = run.results.closed() => return Err(Left),
            }
        }
    }

    /// Takes as many pushes from the queue as are there and may stand in one message, at least one.
    fn message(&mut self) -> Numbered {
        let (mut pushes, mut bytes) = (Vec::new(), 0);
        while pushes.len() < MAX_MESSAGE_ITEMS && bytes < MAX_MESSAGE_BYTES {
            let Some(mut item) = self.run.queue.pop_front() else { break };
            item.streams += 1;
            bytes += item.push.encoded_len();
            pushes.push(item.push.clone());
            self.open.insert(self.next, item);
            self.next += 1;
        }
        Numbered { request: SendBatchRequest { pushes, ..Default::default() }, end: self.next }
    }

    fn read(&mut self, answer: SendBatchResponse) {
        self.leaving |= answer.progress.as_ref().is_some_and(|progress| progress.draining);
        self.progress = answer.progress;
        for mut verdict in answer.results {
            let Some(item) = self.open.remove(&verdict.index.cast_unsigned()) else { continue };
            self.fruitful = true;
            if item.in_doubt.is_some() && verdict.delivery() == Delivery::No {
                // It was not sent this time, and may have been before.
                verdict.set_delivery(Delivery::Maybe);
            }
            item.answer(verdict);
        }
    }

    /// Ends the stream's books: a push without a verdict was never read, or is in doubt.
    fn settle(self, status: Option<Status>) -> StreamEnd {
        let ended = || Status::unknown("the stream ended without a verdict on the push");
        let cause = status.clone().unwrap_or_else(ended);
        let taken = self.taken.load(Ordering::Acquire);
        // A gateway that ends a stream by itself sends its last progress before. Any other end may come from the connection,
        // which may have lost a later one. Without a status the stream ended with OK.
        let last = self.progress.filter(|_| status.as_ref().is_none_or(nothing_sent));
        let unread = last.map_or(taken, |progress| progress.items_read.cast_unsigned().min(taken));
        for (number, mut item) in self.open {
            let options = item.push.options.as_ref();
            let is_dry_run = options.is_some_and(|options| options.dry_run);
            let is_repeatable = options.is_some_and(|options| options.repeatable) || is_dry_run;
            if number < unread && !is_dry_run {
                item.in_doubt = Some(cause.clone());
            }
            if number >= unread || is_repeatable {
                self.run.again(item, &cause);
            } else {
                item.end(&cause);
            }
        }
        StreamEnd { status, begun: self.begun, fruitful: self.fruitful }
    }
}

async fn begin(client: Client, outgoing: Outgoing) -> Result<Streaming<SendBatchResponse>, Status> {
    let request = client.shown(outgoing).await?;
    Ok(client.stub().send_batch(request).await?.into_inner())
}

async fn reserve(messages: Option<&mpsc::Sender<Numbered>>) -> Option<mpsc::Permit<'_, Numbered>> {
    messages?.reserve().await.ok()
}

/// A message, and the number of the first push that is not in it or in an earlier one.
struct Numbered {
    request: SendBatchRequest,
    end: u64,
}

/// The messages of the call. A push counts as taken when the connection pulls its message.
struct Outgoing {
    messages: mpsc::Receiver<Numbered>,
    taken: Arc<AtomicU64>,
}

impl Stream for Outgoing {
    type Item = SendBatchRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_recv(cx).map(|message| {
            let Numbered { request, end } = message?;
            self.taken.store(end, Ordering::Release);
            Some(request)
        })
    }
}
