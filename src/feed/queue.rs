//! The events of one feed that its receiver has not taken yet. Nobody waits for room: an event that finds none is dropped and
//! counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::event::FeedEvent;
use super::settings::LARGEST_QUEUE;
use crate::metrics::OneFeed;

/// The end of the queue where events come in.
pub(super) struct FeedQueue {
    /// Its own bound is that of any feed, since `held` bounds what is in it together with what is on its way.
    events: mpsc::Sender<Arc<FeedEvent>>,
    /// How many events are queued, or in the batch that is sent.
    held: AtomicUsize,
    /// How many may be.
    most: AtomicUsize,
    pub(super) metrics: OneFeed,
}

impl FeedQueue {
    /// A queue with room for so many events, and the end where they are taken out.
    pub(super) fn new(most: usize, metrics: OneFeed) -> (Self, mpsc::Receiver<Arc<FeedEvent>>) {
        let (events, taken) = mpsc::channel(LARGEST_QUEUE);
        (Self { events, held: AtomicUsize::new(0), most: AtomicUsize::new(most), metrics }, taken)
    }

    /// Has room for so many events from now on. Those that are queued stay.
    pub(super) fn resize(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Queues an event, or drops it where there is no room. It never waits.
    pub(super) fn hand_over(&self, event: Arc<FeedEvent>) {
        let most = self.most.load(Ordering::Relaxed);
        let one_more = |held: usize| (held < most).then_some(held + 1);
        if self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_err() {
            self.metrics.queue_full.inc();
            return;
        }
        self.metrics.queue.inc();
        match self.events.try_send(event) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.release(1);
                self.metrics.queue_full.inc();
            }
            // The worker has ended, and with it the feed.
            Err(TrySendError::Closed(_)) => {
                self.release(1);
                self.metrics.lost.inc();
            }
        }
    }

    /// So many events are held no more.
    pub(super) fn release(&self, events: usize) {
        self.held.fetch_sub(events, Ordering::Relaxed);
        self.metrics.queue.dec_by(i64::try_from(events).unwrap_or(i64::MAX));
    }

    /// How many events are queued, or in the batch that is sent.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}
