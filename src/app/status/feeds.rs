//! The feeds, as the status tells of them: those in trouble first.

use std::cmp::Reverse;
use std::time::SystemTime;

use crate::feed::{FailureKind, FailureLook, FeedLook};
use crate::status::{AppHealth, FeedStatus, at, clock};

pub(super) fn told(looks: Vec<FeedLook>, now: SystemTime) -> Vec<FeedStatus> {
    let mut feeds: Vec<_> = looks.into_iter().map(|look| of(look, now)).collect();
    feeds.sort_by_cached_key(|feed| (Reverse(feed.health), feed.name.clone()));
    feeds
}

fn of(look: FeedLook, now: SystemTime) -> FeedStatus {
    let FeedLook { name, queued, delivered, failure } = look;
    let (name, dropped) = (name.to_string(), failure.as_ref().map_or(0, |failure| failure.dropped));
    let Some(FailureLook { kind, since, why, remedy, .. }) = failure else {
        let (health, sentence) = match delivered {
            0 => (AppHealth::Unused, "Its receiver was sent nothing yet."),
            _ => (AppHealth::Well, "Its receiver takes its events."),
        };
        let sentence = sentence.to_owned();
        return FeedStatus { name, health, since: None, sentence, remedy: "".into(), queued, dropped };
    };
    let since = at(since);
    let said = match kind {
        FailureKind::Waits => "takes no events",
        FailureKind::Refuses => "refuses its events, which are dropped,",
        FailureKind::Gone => "wants no events any more, which are dropped,",
    };
    let sentence = format!("Its receiver {said} since {}: {why}.", clock(since, now));
    FeedStatus {
        name,
        health: AppHealth::Failing,
        since: Some(since),
        sentence,
        remedy: remedy.into(),
        queued,
        dropped,
    }
}
