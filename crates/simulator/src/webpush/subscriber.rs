//! Subscriptions from both sides: what the script of a page is given, and what the browser and its service keep.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::decrypt::UserAgent;
use super::mailbox::Mailbox;
use super::scripted::WebPushScriptedOutcome;

use super::vendor::Vendor;
use crate::error::SimulatorError;
use crate::sync::lock;

/// A subscription as its owner holds it, which is what `PushManager.subscribe()` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The URL to which messages are posted.
    pub endpoint: String,
    /// The public key of the browser, in base64url.
    pub p256dh: String,
    /// The authentication secret, in base64url.
    pub auth: String,
    /// The path and query of the endpoint, as the journal records them.
    pub path: String,
}

impl Subscription {
    /// Writes the subscription as `PushSubscription.toJSON()` does. Source: W3C, Push API, 8.
    pub fn json(&self) -> String {
        json!({
            "endpoint": self.endpoint,
            "expirationTime": null,
            "keys": { "p256dh": self.p256dh, "auth": self.auth },
        })
        .to_string()
    }
}

/// A browser that is to be subscribed.
pub(super) struct NewSubscriber<'a> {
    pub(super) vendor: Vendor,
    pub(super) origin: &'a str,
    /// The `applicationServerKey`. With `None` anybody may send.
    pub(super) key: Option<Vec<u8>>,
    pub(super) outcome: WebPushScriptedOutcome,
}

/// A browser with one subscription, and what its service knows of it.
pub(super) struct Subscriber {
    pub(super) origin: String,
    pub(super) key: Option<Vec<u8>>,
    pub(super) user_agent: UserAgent,
    pub(super) state: Mutex<SubscriptionState>,
}

pub(super) struct SubscriptionState {
    pub(super) outcome: WebPushScriptedOutcome,
    /// The outcome that it was made with.
    pub(super) first_outcome: WebPushScriptedOutcome,
    pub(super) mailbox: Mailbox,
}

/// All subscribers, by path and query in the form of [`normal`].
#[derive(Default)]
pub(super) struct Subscribers(Mutex<HashMap<String, Arc<Subscriber>>>);

impl Subscribers {
    pub(super) fn add(&self, subscribing: NewSubscriber<'_>) -> Result<Subscription, SimulatorError> {
        let NewSubscriber { vendor, origin, key, outcome } = subscribing;
        let mut random = [0; 96];
        rand::fill(&mut random)?;
        let user_agent = UserAgent::new()?;
        let path = vendor.path(&random);
        let subscription = Subscription {
            endpoint: format!("{origin}{path}"),
            p256dh: URL_SAFE_NO_PAD.encode(user_agent.public()),
            auth: URL_SAFE_NO_PAD.encode(user_agent.auth()),
            path: path.clone(),
        };
        let state =
            Mutex::new(SubscriptionState { outcome, first_outcome: outcome, mailbox: Mailbox::default() });
        let subscriber = Subscriber { origin: origin.to_owned(), key, user_agent, state };
        lock(&self.0).insert(normal(&path), Arc::new(subscriber));
        Ok(subscription)
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(super) fn at(&self, path: &str) -> Option<Arc<Subscriber>> {
        lock(&self.0).get(&normal(path)).cloned()
    }
}

/// Writes the hexadecimal digits of percent-encodings in capitals, as some clients do. They mean the same, and WNS
/// accepts them, whereas `%2b` decoded would be another token. Source: RFC 3986, 6.2.2.1.
fn normal(path: &str) -> String {
    let mut pieces = path.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        normal.extend(["%", &digits.to_ascii_uppercase(), rest]);
    }
    normal
}
