//! Many pushes over one stream after another.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::client::{Client, named};
use crate::ended::{Ended, NotRead, Unknown};
use crate::status::{advised_wait, goes_on, is_unreached};
use crate::stream::BatchStream;
use crate::v1::Push;

/// On how many streams a push is written at most.
const MAX_STREAMS: u32 = 5;
/// How many streams in a row may fail without a verdict before the batch does.
const MAX_FRUITLESS: u32 = 5;
/// The wait between two streams of which the first brought nothing. It doubles, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How the pushes of a batch end, as they do. See [`Client::send_batch`].
#[derive(Debug)]
pub struct Batch(mpsc::Receiver<Result<Ended, Status>>);

impl Batch {
    pub(crate) fn start(client: Client, input: Pushes) -> Self {
        // The task waits until a result is taken before it takes more pushes.
        let (results, receiver) = mpsc::channel(1);
        let run = BatchRun { client, input, input_open: true, queue: VecDeque::new(), results };
        // It ends by itself when nobody takes results any more.
        tokio::spawn(async move {
            let _ = run.run().await;
        });
        Self(receiver)
    }

    /// The next push that ends. `None` once all have.
    pub async fn next(&mut self) -> Option<Result<Ended, Status>> {
        self.0.recv().await
    }
}

impl Stream for Batch {
    type Item = Result<Ended, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

type Pushes = Pin<Box<dyn Stream<Item = Push> + Send>>;

/// Nobody takes results any more.
#[derive(Debug)]
pub(crate) struct Left;

/// A push on its way.
pub(crate) struct Item {
    pub(crate) push: Push,
    pub(crate) streams: u32,
    /// Why an earlier stream may have sent it.
    pub(crate) in_doubt: Option<Status>,
}

/// The task of a batch.
pub(crate) struct BatchRun {
    pub(crate) client: Client,
    pub(crate) input: Pushes,
    pub(crate) input_open: bool,
    pub(crate) queue: VecDeque<Item>,
    pub(crate) results: mpsc::Sender<Result<Ended, Status>>,
}

impl BatchRun {
    async fn run(mut self) -> Result<(), Left> {
        let (mut fruitless, mut unreached_since) = (0, None);
        while self.has_push().await? {
            // It is large, for it holds two verdicts, and is made once for a stream.
            let end = Box::pin(BatchStream::new(&mut self).run()).await?;
            let unreached = end.status.as_ref().is_some_and(is_unreached);
            let waits_since = *unreached_since.get_or_insert_with(Instant::now);
            if !unreached {
                unreached_since = None;
                fruitless = if end.status.is_none() || end.fruitful { 0 } else { fruitless + 1 };
            }
            let mut wait = LONGEST_WAIT.min(FIRST_WAIT * (1 << fruitless));
            if let Some(status) = end.status {
                let in_vain = unreached && waits_since.elapsed() > self.client.deadline;
                if in_vain || fruitless == MAX_FRUITLESS || !goes_on(&status, end.begun) {
                    return self.give_up(status).await;
                }
                wait = wait.max(advised_wait(&status));
            }
            if !end.fruitful {
                sleep(wait.mul_f64(1.0 + fastrand::f64() / 4.0)).await;
            }
        }
        Ok(())
    }

    /// Waits until there is a push to write, so that no stream is opened for nothing.
    async fn has_push(&mut self) -> Result<bool, Left> {
        while self.queue.is_empty() && self.input_open {
            tokio::select! {
                push = self.input.next() => self.take(push),
                () = self.results.closed() => return Err(Left),
            }
        }
        Ok(!self.queue.is_empty())
    }

    /// Takes a push, and those behind it that are there, while there is room for them.
    pub(crate) fn take_with_others(&mut self, push: Option<Push>, room: usize) {
        self.take(push);
        for _ in 1..room {
            let there = if self.input_open { self.input.next().now_or_never() } else { None };
            let Some(push) = there else { return };
            self.take(push);
        }
    }

    fn take(&mut self, push: Option<Push>) {
        match push {
            Some(push) => self.queue.push_back(Item { push: named(push), streams: 0, in_doubt: None }),
            None => self.input_open = false,
        }
    }

    /// Puts a push back that a stream did not settle, or gives it up.
    pub(crate) async fn again(&mut self, item: Item, cause: &Status) -> Result<(), Left> {
        if item.streams < MAX_STREAMS {
            self.queue.push_back(item);
            return Ok(());
        }
        self.end(item, cause).await
    }

    /// Ends a push without a verdict.
    pub(crate) async fn end(&mut self, item: Item, cause: &Status) -> Result<(), Left> {
        let push = item.push;
        self.give(match item.in_doubt {
            Some(cause) => Ended::Unknown(Unknown { push, cause }),
            None => Ended::NotRead(NotRead { push, cause: cause.clone() }),
        })
        .await
    }

    pub(crate) async fn give(&mut self, ended: Ended) -> Result<(), Left> {
        self.results.send(Ok(ended)).await.map_err(|_| Left)
    }

    /// Ends what was taken, and then the batch.
    async fn give_up(mut self, status: Status) -> Result<(), Left> {
        while let Some(item) = self.queue.pop_front() {
            self.end(item, &status).await?;
        }
        self.results.send(Err(status)).await.map_err(|_| Left)
    }
}
