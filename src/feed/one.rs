//! One feed that runs: what routes, the application and its worker share of it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::queue::FeedQueue;
use super::receiver::Receiver;
use super::standing::{FailureLook, Standing};
use super::worker::Worker;
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
    /// A feed and its worker, which begins once it is [run](Worker::run).
    pub(crate) fn new(receiver: Receiver, metrics: &FeedMetrics) -> (Arc<Self>, Worker) {
        let name = Arc::clone(&receiver.settings.name);
        let (queue, events) = FeedQueue::new(receiver.settings.max_queue, metrics.feed(&name));
        let (receiver, of_worker) = watch::channel(Arc::new(receiver));
        let [draining, stop] = std::array::from_fn(|_| CancellationToken::new());
        let feed = Arc::new(Self { name, queue, standing: Standing::default(), receiver, draining, stop });
        let worker = Worker::new(Arc::clone(&feed), events, of_worker);
        (feed, worker)
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
