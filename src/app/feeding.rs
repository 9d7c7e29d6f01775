//! The feeds that run, and their tasks. A feed that is named again keeps its queue, whichever of its settings changed; the task
//! of one that is not named again ends, and what it has queued is lost.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use fanfare_upstream::{TooManyPeers, Upstream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::feed::{Feed, FeedLook, FeedSettings, Receiver, RouteFeeds, Worker};
use crate::metrics::FeedMetrics;
use crate::push::AppId;

/// The feeds that run.
#[derive(Default)]
pub(super) struct Feeding {
    running: ArcSwap<Vec<Arc<Feed>>>,
    tasks: TaskTracker,
}

/// The feeds of a configuration. While they are not used, nothing but peers has changed.
#[derive(Default)]
pub(super) struct NamedFeeds(Vec<NamedFeed>);

struct NamedFeed {
    feed: Arc<Feed>,
    settings: FeedSettings,
    begins: Begins,
}

/// What happens once the configuration holds.
enum Begins {
    /// A new feed begins.
    Anew(Worker),
    /// One that runs sends to this receiver from now on.
    With(Receiver),
}

impl Feeding {
    /// The feeds that a configuration names.
    pub(super) fn named(
        &self,
        config: &Config,
        upstream: &Upstream,
        metrics: &FeedMetrics,
    ) -> Result<NamedFeeds, TooManyPeers> {
        let running = self.running.load();
        let named = config.feeds.iter().map(|settings| {
            let settings = settings.clone();
            let receiver = Receiver::new(settings.clone(), upstream.peer(settings.peer.clone())?);
            let known = running.iter().find(|feed| feed.name() == &*settings.name);
            let (feed, begins) = match known {
                Some(known) => (Arc::clone(known), Begins::With(receiver)),
                None => {
                    let (feed, worker) = Worker::of_new_feed(receiver, metrics);
                    (feed, Begins::Anew(worker))
                }
            };
            Ok(NamedFeed { feed, settings, begins })
        });
        named.collect::<Result<_, _>>().map(NamedFeeds)
    }

    /// These feeds run from now on, and no others.
    pub(super) fn run(&self, NamedFeeds(named): NamedFeeds) {
        let mut feeds = Vec::new();
        for NamedFeed { feed, begins, .. } in named {
            match begins {
                Begins::Anew(worker) => _ = self.tasks.spawn(worker.run()),
                Begins::With(receiver) => feed.send_to(receiver),
            }
            feeds.push(feed);
        }
        let former = self.running.swap(Arc::new(feeds));
        let running = self.running.load();
        let ended = former.iter().filter(|former| !running.iter().any(|feed| Arc::ptr_eq(feed, former)));
        ended.for_each(|feed| feed.stop());
    }

    /// How each feed is.
    pub(super) fn look(&self) -> Vec<FeedLook> {
        self.running.load().iter().map(|feed| feed.look()).collect()
    }

    /// Sends what is queued, until then at the latest.
    pub(super) async fn drain(&self, until: Instant) {
        self.running.load().iter().for_each(|feed| feed.drain());
        self.tasks.close();
        let _ = timeout_at(until, self.tasks.wait()).await;
    }

    /// Ends every task, which takes no longer than this. What was not sent is lost.
    pub(super) async fn end(&self, within: Duration) {
        self.running.load().iter().for_each(|feed| feed.stop());
        self.tasks.close();
        let _ = timeout(within, self.tasks.wait()).await;
    }
}

impl NamedFeeds {
    /// Those that are told of the pushes of an app.
    pub(super) fn of_app(&self, app: &AppId) -> RouteFeeds {
        let told = self.0.iter().filter(|named| named.settings.tells_of(app));
        RouteFeeds::new(told.map(|named| (named.settings.wanted, Arc::clone(&named.feed))).collect())
    }
}
