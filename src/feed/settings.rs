//! One feed, as the configuration has it.

use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::Peer;

use super::signature::SigningSecret;
use super::wanted::Wanted;
use crate::push::AppId;

/// The most events that may wait. An event takes about a kilobyte, so these take a gigabyte.
pub(crate) const LARGEST_QUEUE: usize = 1 << 20;

/// One feed. It prints without its secrets.
#[derive(Debug, Clone)]
pub struct FeedSettings {
    /// Its name in metrics, logs and the status.
    pub name: Arc<str>,
    /// Where its receiver is, and how it is verified.
    pub peer: Peer,
    /// Path and query of its receiver.
    pub path: String,
    /// Which verdicts are told.
    pub wanted: Wanted,
    /// The apps whose verdicts are told; none where all are.
    pub apps: Option<Vec<AppId>>,
    /// What signs each request. Each secret makes a signature of its own, so that a receiver may know either.
    pub secrets: Vec<SigningSecret>,
    /// How many events may wait to be taken.
    pub max_queue: usize,
    /// How many events are sent at once.
    pub batch_max: usize,
    /// How long events wait for others to be sent with.
    pub batch_delay: Duration,
    /// How long the receiver may take to answer.
    pub timeout: Duration,
    /// How long after its verdict an event is still tried again.
    pub max_age: Duration,
}

impl FeedSettings {
    /// A feed to a receiver that is told which targets to delete, of every app.
    #[must_use]
    pub fn new(name: &str, peer: Peer, path: String, secrets: Vec<SigningSecret>) -> Self {
        Self {
            name: name.into(),
            peer,
            path,
            wanted: Wanted::DELETE,
            apps: None,
            secrets,
            // An event takes about a kilobyte, so these take some ten megabytes.
            max_queue: 10_000,
            batch_max: 100,
            batch_delay: Duration::from_secs(1),
            // Source: Standard Webhooks specification, "Deliverability and reliability": 15 to 30 seconds.
            timeout: Duration::from_secs(15),
            max_age: Duration::from_secs(24 * 60 * 60),
        }
    }

    /// Whether the verdicts of an app are told.
    pub(crate) fn tells_of(&self, app: &AppId) -> bool {
        self.apps.as_ref().is_none_or(|apps| apps.contains(app))
    }
}
