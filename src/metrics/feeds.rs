//! Metrics of the feeds that tell webhooks of verdicts. There are as many feeds as the configuration names.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::moments::{HeldMoment, Moments};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeedLabels {
    feed: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    feed: String,
    result: &'static str,
}

/// What becomes of an event.
const RESULTS: [&str; 5] = ["delivered", "queue_full", "refused", "expired", "lost"];

/// Metrics of feeds.
#[derive(Clone, Default)]
pub struct FeedMetrics {
    events: Family<ResultLabels, Counter>,
    queue: Family<FeedLabels, Gauge>,
    oldest: Moments<FeedLabels>,
    /// The feeds that have metrics. A family cannot be asked for its labels.
    known: Arc<Mutex<BTreeSet<String>>>,
}

impl FeedMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let feed = registry.sub_registry_with_prefix("feed");
        feed.register("events", "Events of a feed, by what became of them", metrics.events.clone());
        feed.register("queue", "Events that a feed's receiver has not taken yet", metrics.queue.clone());
        let help = "When the verdict was reached that a feed tries to tell now, since the Unix epoch";
        metrics.oldest.register(feed, "oldest_event_timestamp", help);
        metrics
    }

    /// Returns the handles of one feed. Its counters exist from now on.
    pub(crate) fn feed(&self, name: &str) -> OneFeed {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let labels = FeedLabels { feed: name.to_owned() };
        let [delivered, queue_full, refused, expired, lost] =
            labels.results().map(|labels| self.events.get_or_create_owned(&labels));
        let queue = self.queue.get_or_create_owned(&labels);
        OneFeed { delivered, queue_full, refused, expired, lost, queue, oldest: self.oldest.clone(), labels }
    }

    /// Forgets all other feeds.
    pub(crate) fn keep(&self, kept: impl Fn(&str) -> bool) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|name| {
            let stays = kept(name);
            if !stays {
                let labels = FeedLabels { feed: name.clone() };
                labels.results().iter().for_each(|labels| _ = self.events.remove(labels));
                self.queue.remove(&labels);
            }
            stays
        });
    }
}

impl FeedLabels {
    fn results(&self) -> [ResultLabels; RESULTS.len()] {
        RESULTS.map(|result| ResultLabels { feed: self.feed.clone(), result })
    }
}

/// The handles of one feed.
pub(crate) struct OneFeed {
    /// Events that the receiver took.
    pub(crate) delivered: Counter,
    /// Events for which there was no room.
    pub(crate) queue_full: Counter,
    /// Events that the receiver refused for good.
    pub(crate) refused: Counter,
    /// Events that the receiver did not take in time.
    pub(crate) expired: Counter,
    /// Events that were left when the feed ended.
    pub(crate) lost: Counter,
    /// Events that the receiver has not taken yet.
    pub(crate) queue: Gauge,
    oldest: Moments<FeedLabels>,
    labels: FeedLabels,
}

impl OneFeed {
    /// Shows since when the oldest event waits, until what is returned is dropped.
    pub(crate) fn waits_since(&self, moment: SystemTime) -> WaitingSince {
        let held = self.oldest.hold(self.labels.clone());
        held.set(moment);
        WaitingSince { _held: held }
    }
}

/// Shows since when the oldest event of a feed waits.
pub(crate) struct WaitingSince {
    _held: HeldMoment<FeedLabels>,
}
