//! What the simulated push services of browsers know.

use std::sync::Arc;

use http::request::Parts;

use super::scripted::WebPushScriptedOutcome;
use super::settings::WebPushSettings;
use super::subscriber::{NewSubscriber, Subscriber, Subscribers, Subscription};
use super::vapid::VapidTokens;
use super::vendor::Vendor;
use crate::clock::Clock;
use crate::counters::LiveCounters;
use crate::error::SimulatorError;
use crate::sync::lock;

/// The subscriptions of all vendors, and the tokens that were checked.
pub(crate) struct PushServices {
    settings: WebPushSettings,
    pub(super) subscribers: Subscribers,
    pub(super) tokens: VapidTokens,
    pub(super) clock: Clock,
    pub(super) counters: Arc<LiveCounters>,
}

impl PushServices {
    pub(crate) fn new(settings: WebPushSettings, clock: Clock, counters: Arc<LiveCounters>) -> Self {
        let (subscribers, tokens) = (Subscribers::default(), VapidTokens::default());
        Self { settings, subscribers, tokens, clock, counters }
    }

    pub(crate) fn max_concurrent_streams(&self) -> u32 {
        self.settings.max_concurrent_streams
    }

    pub(crate) fn speaks_http2(&self) -> bool {
        self.settings.http2
    }

    /// Returns how many subscriptions there are.
    pub(crate) fn subscriptions(&self) -> usize {
        self.subscribers.len()
    }

    /// Subscribes a new browser. Without a key anybody may send to it.
    pub(crate) fn subscribe(
        &self,
        vendor: Vendor,
        origin: &str,
        key: Option<Vec<u8>>,
        outcome: WebPushScriptedOutcome,
    ) -> Result<Subscription, SimulatorError> {
        self.subscribers.add(NewSubscriber { vendor, origin, key, outcome })
    }

    /// Scripts the outcome of a subscription; `None` stands for the one that it was made with. The result is false if
    /// there is no such subscription.
    pub(crate) fn script_outcome(&self, path: &str, outcome: Option<WebPushScriptedOutcome>) -> bool {
        let Some(subscriber) = self.subscribers.at(path) else { return false };
        let mut state = lock(&subscriber.state);
        state.outcome = outcome.unwrap_or(state.first_outcome);
        true
    }

    pub(super) fn subscriber(&self, parts: &Parts) -> Option<Arc<Subscriber>> {
        self.subscribers.at(parts.uri.path_and_query()?.as_str())
    }
}
