//! One feed that runs: what routes, the application and its worker share of it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::event::FeedEvent;
use super::queue::FeedQueue;
use super::receiver::Receiver;
use super::standing::{FailureLook, Standing};
use crate::metrics::FeedMetrics;

/// One feed that runs. It is the same one as long as the configuration names it, so that what is queued stays queued.
pub(crate) struct Feed {
    pub(super) name: Arc<str>,
    pub(super) queue: FeedQueue,
    pub(super) standing: Standing,
    /// To whom its events are sent.
    receiver: watch::Sender<Arc<Receiver>>,
    /// The worker sends what is queued, and ends.
    pub(super) draining: CancellationToken,
    /// The worker ends now.
    pub(super) stop: CancellationToken,
}

/// What the worker of a feed has of it beside what all share.
pub(super) struct OfWorker {
    pub(super) events: mpsc::Receiver<Arc<FeedEvent>>,
    pub(super) receiver: watch::Receiver<Arc<Receiver>>,
}

/// How a feed is.
pub(crate) struct FeedLook {
    pub(crate) name: Arc<str>,
    /// How many events its receiver has not taken yet.
    pub(crate) queued: usize,
    /// How many events its receiver took since the start.
    pub(crate) delivered: u64,
    /// What is wrong with its receiver.
    pub(crate) failure: Option<FailureLook>,
}

impl Feed {
    /// A feed to this receiver, and what its worker needs.
    pub(super) fn new(receiver: Receiver, metrics: &FeedMetrics) -> (Arc<Self>, OfWorker) {
        let name = Arc::clone(&receiver.settings.name);
        let (queue, events) = FeedQueue::new(receiver.settings.max_queue, metrics.feed(&name));
        let (sends_to, receiver) = watch::channel(Arc::new(receiver));
        let [draining, stop] = std::array::from_fn(|_| CancellationToken::new());
        let standing = Standing::default();
        let feed = Self { name, queue, standing, receiver: sends_to, draining, stop };
        (Arc::new(feed), OfWorker { events, receiver })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Sends to this receiver from now on, also what is queued already.
    pub(crate) fn send_to(&self, receiver: Receiver) {
        self.queue.resize(receiver.settings.max_queue);
        self.receiver.send_replace(Arc::new(receiver));
    }

    /// Lets the worker send what is queued, and end.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
    }

    /// Lets the worker end now. What it has not sent is lost.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn look(&self) -> FeedLook {
        FeedLook {
            name: Arc::clone(&self.name),
            queued: self.queue.held(),
            delivered: self.queue.metrics.delivered.get(),
            failure: self.standing.look(),
        }
    }
}
