//! What a route knows of feeds.

use std::fmt;
use std::sync::Arc;

use super::event::FeedEvent;
use super::one::Feed;
use super::wanted::Wanted;
use crate::push::PushResult;

/// The feeds that are told what becomes of the pushes of one app. The default is none.
#[derive(Default)]
pub struct RouteFeeds {
    /// What any of the feeds wants, so that one test tells whether there is anything to do.
    wanted: Wanted,
    feeds: Vec<(Wanted, Arc<Feed>)>,
}

impl RouteFeeds {
    /// These feeds, each with what it wants.
    pub(crate) fn new(feeds: Vec<(Wanted, Arc<Feed>)>) -> Self {
        let wanted = feeds.iter().fold(Wanted::default(), |all, (wanted, _)| all.or(*wanted));
        Self { wanted, feeds }
    }

    /// Whether any verdict is told.
    pub(crate) fn tells_something(&self) -> bool {
        !self.wanted.is_nothing()
    }

    /// Hands the event of a result to each feed that wants it. The event is made once, and only where there is such a feed.
    pub(crate) fn tell(&self, result: &PushResult, event: impl FnOnce() -> FeedEvent) {
        if !self.wanted.has(result.outcome, result.token_action) {
            return;
        }
        let event = Arc::new(event());
        for (wanted, feed) in &self.feeds {
            if wanted.has(result.outcome, result.token_action) {
                feed.queue.hand_over(Arc::clone(&event));
            }
        }
    }
}

impl fmt::Debug for RouteFeeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteFeeds").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
