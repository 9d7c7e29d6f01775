//! The task of one feed. It gathers events, sends them, and sends them again until their receiver has them, they are too old, or
//! the feed ends.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::batch::{Batch, Gathered};
use super::event::FeedEvent;
use super::one::{Feed, OfWorker};
use super::pace;
use super::receiver::{Problem, Receiver, Taken};
use super::standing::FailureKind;
use crate::metrics::FeedMetrics;

/// A batch that is about to be too old is not asked for more often than this, since there may be many of them.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// The task of one feed.
pub(crate) struct Worker {
    feed: Arc<Feed>,
    events: mpsc::Receiver<Arc<FeedEvent>>,
    receiver: watch::Receiver<Arc<Receiver>>,
    /// An event that did not fit into the batch before.
    next: Option<Arc<FeedEvent>>,
    /// How many events were taken out of the queue and are not settled.
    in_hand: usize,
    /// How often in a row the receiver took nothing, and how long nothing is sent therefore.
    failures: u32,
    pause: Duration,
    /// Whether the drain has cut a pause short already.
    hurried: bool,
    /// Whether the receiver said that nothing is wanted there any more.
    gone: bool,
    /// How many events had found no room when that was logged last.
    full_before: u64,
}

impl Worker {
    /// A new feed to this receiver, and its worker.
    pub(crate) fn of_new_feed(receiver: Receiver, metrics: &FeedMetrics) -> (Arc<Feed>, Self) {
        let (feed, OfWorker { events, receiver }) = Feed::new(receiver, metrics);
        let (next, pause) = Default::default();
        let worker = Self {
            feed: Arc::clone(&feed),
            events,
            receiver,
            next,
            in_hand: 0,
            failures: 0,
            pause,
            hurried: false,
            gone: false,
            full_before: 0,
        };
        (feed, worker)
    }

    /// Sends events until the feed is drained or stopped. What is left then is lost, and counted.
    pub(crate) async fn run(mut self) {
        let stop = self.feed.stop.clone();
        let _ = stop.run_until_cancelled(self.send_all()).await;
        self.events.close();
        let mut lost = self.in_hand;
        while self.events.try_recv().is_ok() {
            lost += 1;
        }
        let Feed { name: feed, queue, .. } = &*self.feed;
        queue.release(lost);
        queue.metrics.lost.inc_by(lost as u64);
        if lost > 0 {
            tracing::warn!(
                feed = &**feed,
                lost,
                "a feed ends with events that its receiver did not take: they are lost"
            );
        }
    }

    async fn send_all(&mut self) {
        while let Some(first) = self.first().await {
            let _shown = self.feed.queue.metrics.waits_since(first.time());
            let batch = self.gather(&first).await;
            self.bring(&batch).await;
            self.tell_full();
        }
    }

    async fn first(&mut self) -> Option<Arc<FeedEvent>> {
        match self.next.take() {
            Some(next) => Some(next),
            None => self.take().await,
        }
    }

    /// The next event of the queue; none where no more will come.
    async fn take(&mut self) -> Option<Arc<FeedEvent>> {
        let event = tokio::select! {
            biased;
            event = self.events.recv() => event,
            () = self.feed.draining.cancelled(), if !self.events.is_closed() => {
                self.events.close();
                self.events.recv().await
            }
        };
        self.in_hand += usize::from(event.is_some());
        event
    }

    /// Waits a while for events that are sent with this one.
    async fn gather(&mut self, first: &FeedEvent) -> Batch {
        let (most, delay) = {
            let receiver = self.receiver.borrow();
            (receiver.settings.batch_max, receiver.settings.batch_delay)
        };
        let (mut gathered, until) = (Gathered::first(first), Instant::now() + delay);
        while gathered.len() < most {
            let Ok(Some(event)) = timeout_at(until, self.take()).await else { break };
            if let Err(event) = gathered.add(event) {
                self.next = Some(event);
                break;
            }
        }
        gathered.close()
    }

    /// Sends a batch until it is taken or given up.
    async fn bring(&mut self, batch: &Batch) {
        let feed = Arc::clone(&self.feed);
        let (name, events, metrics) = (&*feed.name, batch.events, &feed.queue.metrics);
        loop {
            self.wait(batch).await;
            self.gone &= !self.receiver.has_changed().unwrap_or(false);
            if self.gone {
                return self.settle(batch, &metrics.refused);
            }
            let receiver = Arc::clone(&self.receiver.borrow_and_update());
            match receiver.post(batch).await {
                Taken::Yes => {
                    self.failures = 0;
                    feed.standing.took(name);
                    return self.settle(batch, &metrics.delivered);
                }
                Taken::NotYet { why, asked } => {
                    self.failures = self.failures.saturating_add(1);
                    self.pause = pace::pause(self.failures, asked, fastrand::f64());
                    feed.standing.failed(name, FailureKind::Waits, why, 0);
                    if batch.oldest.elapsed() >= receiver.settings.max_age {
                        feed.standing.expired(name, events);
                        return self.settle(batch, &metrics.expired);
                    }
                }
                Taken::Never(why) => return self.refused(batch, FailureKind::Refuses, why),
                Taken::Gone(why) => {
                    self.gone = true;
                    return self.refused(batch, FailureKind::Gone, why);
                }
            }
            self.tell_full();
        }
    }

    fn refused(&mut self, batch: &Batch, kind: FailureKind, why: Problem) {
        self.failures = 0;
        let feed = Arc::clone(&self.feed);
        feed.standing.failed(&feed.name, kind, why, batch.events);
        self.settle(batch, &feed.queue.metrics.refused);
    }

    /// Waits after a failure: for a while, for a newer configuration, or once for the drain. An event is asked for once more at
    /// the end of its time.
    async fn wait(&mut self, batch: &Batch) {
        if self.failures == 0 {
            return;
        }
        let left = self.receiver.borrow().settings.max_age.saturating_sub(batch.oldest.elapsed());
        tokio::select! {
            () = sleep(self.pause.min(left.max(SHORTEST_PAUSE))) => {}
            _ = self.receiver.changed() => {}
            () = self.feed.draining.cancelled(), if !self.hurried => self.hurried = true,
        }
    }

    /// Every event of a batch has come to its end.
    fn settle(&mut self, batch: &Batch, counter: &Counter) {
        self.in_hand = self.in_hand.saturating_sub(batch.events);
        self.feed.queue.release(batch.events);
        counter.inc_by(batch.events as u64);
    }

    /// Logs how many events found no room since the last look. A push that hands an event over logs nothing.
    fn tell_full(&mut self) {
        let full = self.feed.queue.metrics.queue_full.get();
        let dropped = full - std::mem::replace(&mut self.full_before, full);
        if dropped > 0 {
            let feed = &*self.feed.name;
            tracing::warn!(feed, dropped, "the queue of a feed is full: its newest events are dropped");
        }
    }
}
