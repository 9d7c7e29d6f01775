//! Counts what is asked and answered. The counters are taken once, so that nothing is looked up on the way of a push.

use prometheus_client::metrics::counter::Counter;

use super::forward::NotForwarded;
use super::kind::Kind;
use super::push_response::PushResponse;
use super::request::Ack;
use crate::metrics::MattermostMetrics;

/// The platforms of acknowledgements. Source: github.com/mattermost/mattermost-mobile, which sends them.
const PLATFORMS: [&str; 3] = ["ios", "android", "other"];

/// What is counted.
pub(super) struct Counters {
    pushes: [[Counter; PushResponse::NAMES.len()]; Kind::NAMES.len()],
    acks: [Counter; PLATFORMS.len()],
    forwards: [Counter; NotForwarded::OUTCOMES.len()],
}

impl Counters {
    pub(super) fn of(metrics: &MattermostMetrics) -> Self {
        Self {
            pushes: Kind::NAMES.map(|kind| metrics.pushes(kind, PushResponse::NAMES)),
            acks: metrics.acks(PLATFORMS),
            forwards: metrics.forwards(NotForwarded::OUTCOMES),
        }
    }

    /// Counts a push that was answered here. One that could not be read has no kind.
    pub(super) fn push(&self, kind: Option<Kind>, response: &PushResponse) {
        let kind = kind.map_or(Kind::UNREADABLE, |kind| kind as usize);
        self.pushes[kind][response.number()].inc();
    }

    /// Counts an acknowledgement.
    pub(super) fn ack(&self, ack: &Ack<'_>) {
        let known = PLATFORMS.iter().position(|platform| *platform == ack.platform);
        self.acks[known.unwrap_or(PLATFORMS.len() - 1)].inc();
    }

    /// Counts a push that was forwarded.
    pub(super) fn forward<T>(&self, forwarded: &Result<T, NotForwarded>) {
        self.forwards[forwarded.as_ref().map_or_else(NotForwarded::number, |_| 0)].inc();
    }
}
