//! Many pushes over one stream after another.

use std::collections::VecDeque;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use crate::client::{Client, named};
use crate::ended::{Answered, Ended, NotRead, Unknown};
use crate::status::{advised_wait, goes_on, is_unreached};
use crate::stream::{BatchStream, MAX_MESSAGE_ITEMS};
use crate::v1::{Push, PushResult};

/// On how many streams a push is written at most.
const MAX_STREAMS: u32 = 5;
/// How many streams in a row may fail without a verdict before the batch does.
const MAX_FRUITLESS: u32 = 5;
/// The wait between two streams of which the first brought nothing. It doubles, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How the pushes of a batch end, as they do. See [`Client::send_batch`].
#[derive(Debug)]
pub struct Batch {
    results: mpsc::Receiver<Result<Ended, Status>>,
    /// Until it was seen to end.
    task: Option<JoinHandle<()>>,
}

impl Batch {
    pub(crate) fn start(client: Client, input: Pushes) -> Self {
        // Each push has its place here from when it is taken, so that the task never waits for the caller, and a gateway never
        // waits for the task and ends the stream as that of a reader that stopped.
        let (sender, results) = mpsc::channel(client.window);
        let queue = VecDeque::new();
        let run = BatchRun { client, input, input_open: true, place: None, queue, results: sender };
        // It ends by itself when nobody takes results any more.
        let task = tokio::spawn(async move {
            let _ = run.run().await;
        });
        Self { results, task: Some(task) }
    }

    /// The next push that ends. `None` once all have.
    ///
    /// # Panics
    ///
    /// If the stream of pushes panics, which is no end.
    pub async fn next(&mut self) -> Option<Result<Ended, Status>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Batch {
    type Item = Result<Ended, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(result) = ready!(self.results.poll_recv(cx)) {
            return Poll::Ready(Some(result));
        }
        if let Some(task) = &mut self.task {
            let ended = ready!(Pin::new(task).poll(cx));
            self.task = None;
            if let Err(error) = ended
                && let Ok(panicked) = error.try_into_panic()
            {
                resume_unwind(panicked);
            }
        }
        Poll::Ready(None)
    }
}

pub(crate) type Pushes = Pin<Box<dyn Stream<Item = Push> + Send>>;

/// Where the result of a push will lie. It is there before the push is.
type Place = mpsc::OwnedPermit<Result<Ended, Status>>;

/// Nobody takes results any more.
#[derive(Debug)]
pub(crate) struct Left;

/// A push on its way.
pub(crate) struct Item {
    pub(crate) push: Push,
    place: Place,
    pub(crate) streams: u32,
    /// Why an earlier stream may have sent it.
    pub(crate) in_doubt: Option<Status>,
}

impl Item {
    /// Gives the push its verdict.
    pub(crate) fn answer(self, verdict: PushResult) {
        self.place.send(Ok(Ended::Answered(Answered { push: self.push, verdict })));
    }

    /// Ends the push without a verdict.
    pub(crate) fn end(self, cause: &Status) {
        let push = self.push;
        self.place.send(Ok(match self.in_doubt {
            Some(cause) => Ended::Unknown(Unknown { push, cause }),
            None => Ended::NotRead(NotRead { push, cause: cause.clone() }),
        }));
    }
}

/// The task of a batch.
pub(crate) struct BatchRun {
    pub(crate) client: Client,
    pub(crate) input: Pushes,
    pub(crate) input_open: bool,
    /// That of the next push.
    pub(crate) place: Option<Place>,
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
                push = next_push(&mut self.input, &mut self.place, &self.results) => self.take_with_others(push),
                () = self.results.closed() => return Err(Left),
            }
        }
        Ok(!self.queue.is_empty())
    }

    /// Takes a push, and those behind it that are there, while there are places for them.
    pub(crate) fn take_with_others(&mut self, push: Option<Push>) {
        self.take(push);
        for _ in 1..MAX_MESSAGE_ITEMS {
            self.place = self.place.take().or_else(|| self.results.clone().try_reserve_owned().ok());
            let there =
                if self.input_open && self.place.is_some() { self.input.next().now_or_never() } else { None };
            let Some(push) = there else { return };
            self.take(push);
        }
    }

    fn take(&mut self, push: Option<Push>) {
        match push.zip(self.place.take()) {
            Some((push, place)) => {
                self.queue.push_back(Item { push: named(push), place, streams: 0, in_doubt: None });
            }
            None => self.input_open = false,
        }
    }

    /// Puts a push back that a stream did not settle, or gives it up.
    pub(crate) fn again(&mut self, item: Item, cause: &Status) {
        if item.streams < MAX_STREAMS {
            self.queue.push_back(item);
        } else {
            item.end(cause);
        }
    }

    /// Ends what was taken, and then the batch.
    async fn give_up(mut self, status: Status) -> Result<(), Left> {
        while let Some(item) = self.queue.pop_front() {
            item.end(&status);
        }
        self.place = None;
        self.results.send(Err(status)).await.map_err(|_| Left)
    }
}

/// The next push, once there is a place for its result.
pub(crate) async fn next_push(
    input: &mut Pushes,
    place: &mut Option<Place>,
    results: &mpsc::Sender<Result<Ended, Status>>,
) -> Option<Push> {
    if place.is_none() {
        *place = results.clone().reserve_owned().await.ok();
    }
    if place.is_none() {
        // Nobody takes results any more, which is seen beside this.
        return pending().await;
    }
    input.next().await
}
