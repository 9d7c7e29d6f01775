//! What a test can do to the push services of browsers and ask of them.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::mailbox::WebPushMessage;
use super::scripted::WebPushScriptedOutcome;
use super::services::PushServices;
use super::subscriber::{Subscription, SubscriptionState};
use super::vapid::VapidKey;
use super::vendor::Vendor;
use crate::error::SimulatorError;
use crate::origin::origin;
use crate::sync::lock;

/// The stand-in for the push services of browsers, which share one address.
#[derive(Clone, Copy)]
pub struct WebPush<'a> {
    pub(crate) services: &'a PushServices,
    pub(crate) address: SocketAddr,
}

impl WebPush<'_> {
    /// Returns the address on which they listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the origin of all endpoints that name no other, `https://localhost:<port>`.
    pub fn origin(&self) -> String {
        origin(self.address)
    }

    /// Makes a key of an application server.
    ///
    /// # Errors
    ///
    /// It fails when no key can be made.
    pub fn new_key(&self) -> Result<VapidKey, SimulatorError> {
        VapidKey::new()
    }

    /// Subscribes a new browser with an `applicationServerKey` in base64url. With an empty one anybody may send.
    ///
    /// # Errors
    ///
    /// It fails when no keys can be made.
    pub fn subscribe(
        &self,
        vendor: Vendor,
        application_server_key: &str,
        outcome: WebPushScriptedOutcome,
    ) -> Result<Subscription, SimulatorError> {
        self.subscribe_at(&self.origin(), vendor, application_server_key, outcome)
    }

    /// Subscribes a new browser whose endpoint has another origin, for clients that resolve names in their own way;
    /// see [`SimulatorBuilder::names`](crate::SimulatorBuilder::names).
    ///
    /// # Errors
    ///
    /// It fails when no keys can be made.
    pub fn subscribe_at(
        &self,
        origin: &str,
        vendor: Vendor,
        application_server_key: &str,
        outcome: WebPushScriptedOutcome,
    ) -> Result<Subscription, SimulatorError> {
        // A text that is not a key belongs to nobody, so no sender matches it.
        let key = URL_SAFE_NO_PAD.decode(application_server_key).unwrap_or_else(|_| b"no key".to_vec());
        let key = Some(key).filter(|key| !key.is_empty());
        self.services.subscribe(vendor, origin, key, outcome)
    }

    /// Scripts another outcome for a subscription.
    pub fn script_outcome(&self, subscription: &Subscription, outcome: WebPushScriptedOutcome) {
        self.with(subscription, |state| state.outcome = outcome);
    }

    /// Takes the browser offline: messages wait for it.
    pub fn go_away(&self, subscription: &Subscription) {
        self.with(subscription, |state| state.mailbox.go_away());
    }

    /// Takes the browser online again, which delivers the messages that waited and have not expired.
    pub fn come_back(&self, subscription: &Subscription) {
        let now_ms = self.services.clock.now_ms();
        self.with(subscription, |state| state.mailbox.come_back(now_ms));
    }

    /// Returns the messages that wait for the browser, in order.
    pub fn held(&self, subscription: &Subscription) -> Vec<WebPushMessage> {
        let now_ms = self.services.clock.now_ms();
        self.with(subscription, |state| state.mailbox.held(now_ms)).unwrap_or_default()
    }

    /// Returns the last 10,000 messages that the browser got, in order.
    pub fn delivered(&self, subscription: &Subscription) -> Vec<WebPushMessage> {
        self.with(subscription, |state| state.mailbox.delivered()).unwrap_or_default()
    }

    /// A subscription of another simulator is not found.
    fn with<T>(
        &self,
        subscription: &Subscription,
        act: impl FnOnce(&mut SubscriptionState) -> T,
    ) -> Option<T> {
        let subscriber = self.services.subscribers.at(&subscription.path)?;
        Some(act(&mut lock(&subscriber.state)))
    }
}
