//! What the push services of browsers check and what they answer, over HTTP/2 and HTTP/1.1.
//!
//! One address stands for all of them; the path tells whose a subscription is. A real service cannot read what it
//! carries: this one is the browser as well, decrypts each message and refuses what its browser would have dropped.
//!
//! Source: RFC 8030 (the protocol), RFC 8291 (encryption), RFC 8292 (VAPID); each vendor's pages in `vendor/`.

mod control;
mod fate;
mod mailbox;
mod open;
mod refusal;
mod request;
mod subscriber;
mod vapid;
mod vendor;

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::Method;
use http::request::Parts;

pub use self::control::WebPush;
pub use self::fate::{WebPushFate, WebPushFateRow, web_push_fates};
pub use self::mailbox::WebPushMessage;
pub use self::refusal::WebPushRefusal;
pub use self::request::Urgency;
pub use self::subscriber::Subscription;
pub use self::vapid::{VapidFault, VapidKey};
pub use self::vendor::Vendor;

use self::request::Asked;
use self::subscriber::{Subscriber, Subscribers, Subscribing};
use self::vapid::{Expected, Tokens};
use self::vendor::Taken;
use super::body::{Body, Opened};
use super::decision::{Decision, Pace};
use super::fault::Refusal;
use super::sync::lock;
use super::world::World;
use super::{RetryAfter, SimulatorError};

/// Settings of the stand-in for the push services of browsers.
#[derive(Clone, Debug)]
pub struct WebPushSettings {
    /// Where it listens. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// MAX_CONCURRENT_STREAMS. Default 100, the least that HTTP/2 recommends. Source: RFC 9113, 6.5.2.
    pub max_concurrent_streams: u32,
    /// False: nothing newer than HTTP/1.1 is spoken, and ALPN says so. Default true.
    pub http2: bool,
}

impl Default for WebPushSettings {
    fn default() -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { listen, max_concurrent_streams: 100, http2: true }
    }
}

/// What the services know: subscriptions, and tokens that were checked.
pub(super) struct PushServices {
    settings: WebPushSettings,
    subscribers: Subscribers,
    tokens: Tokens,
}

impl PushServices {
    pub(super) fn new(settings: WebPushSettings) -> Self {
        Self { settings, subscribers: Subscribers::default(), tokens: Tokens::default() }
    }

    pub(super) fn max_concurrent_streams(&self) -> u32 {
        self.settings.max_concurrent_streams
    }

    pub(super) fn speaks_http2(&self) -> bool {
        self.settings.http2
    }

    /// How many there are.
    pub(super) fn subscriptions(&self) -> usize {
        self.subscribers.len()
    }

    /// Subscribes a new browser; without a key anybody may send to it.
    pub(super) fn subscribe(
        &self,
        vendor: Vendor,
        origin: &str,
        key: Option<Vec<u8>>,
        fate: WebPushFate,
    ) -> Result<Subscription, SimulatorError> {
        self.subscribers.add(Subscribing { vendor, origin, key, fate })
    }

    /// Gives a subscription a fate; none is the one that it was made with. False if there is no such subscription.
    pub(super) fn set_fate(&self, path: &str, fate: Option<WebPushFate>) -> bool {
        let Some(subscriber) = self.subscribers.at(path) else { return false };
        let mut state = lock(&subscriber.state);
        state.fate = fate.unwrap_or(state.first_fate);
        true
    }

    fn subscriber(&self, parts: &Parts) -> Option<std::sync::Arc<Subscriber>> {
        self.subscribers.at(parts.uri.path_and_query()?.as_str())
    }
}

/// What a body holds for the browser that it is sent to.
pub(super) fn open(world: &World, parts: &Parts, body: &Body) -> Option<Opened> {
    let subscriber = world.web_push.subscriber(parts).filter(|_| body.len > 0)?;
    Some(match subscriber.user_agent.open(&body.bytes) {
        Ok(plaintext) => Opened::Plaintext(plaintext),
        Err(why) => Opened::Undecipherable(why),
    })
}

/// The answer to a request that was read in full.
pub(super) fn decide(world: &World, parts: &Parts, body: &Body) -> Decision {
    let vendor = Vendor::of_path(parts.uri.path());
    judge(world, vendor, parts, body).unwrap_or_else(|refusal| vendor.refuse(refusal, world.clock.now_ms()))
}

/// A refusal by what it means.
pub(super) fn refuse(world: &World, parts: &Parts, refusal: Refusal) -> Decision {
    let refusal = match refusal {
        Refusal::Quota => WebPushRefusal::Throttled(RetryAfter::Absent),
        Refusal::RevokedKey => WebPushRefusal::Vapid(VapidFault::Signature),
        Refusal::Unavailable => WebPushRefusal::Overloaded(RetryAfter::Absent),
        Refusal::Internal => WebPushRefusal::Internal,
    };
    Vendor::of_path(parts.uri.path()).refuse(refusal, world.clock.now_ms())
}

/// The answer that a script asks for, in the words of the vendor whose path it is.
pub(super) fn told(parts: &Parts, status: u16, reason: Option<&str>) -> Decision {
    Vendor::of_path(parts.uri.path()).told(status, reason)
}

/// No service documents the order of its checks; this one asks to whom, from whom, then what.
fn judge(world: &World, vendor: Vendor, parts: &Parts, body: &Body) -> Result<Decision, WebPushRefusal> {
    let now_ms = world.clock.now_ms();
    let subscriber = world.web_push.subscriber(parts).ok_or(WebPushRefusal::Unknown)?;
    if parts.method != Method::POST {
        return Err(WebPushRefusal::Method);
    }
    let expected = Expected {
        origin: &subscriber.origin,
        key: subscriber.key.as_deref(),
        subject: vendor.asks_for_subject(),
        now_s: now_ms / 1000,
    };
    let sender = world.web_push.tokens.check(&parts.headers, &expected)?;
    if sender.new {
        world.tally.add(&world.tally.vapid_tokens_seen);
    }
    let asked = Asked::read(vendor, &parts.headers, body.len)?;
    let plaintext = match &body.opened {
        None => Bytes::new(),
        Some(Opened::Plaintext(plaintext)) => plaintext.clone(),
        Some(Opened::Undecipherable(_)) => return Err(WebPushRefusal::BadContent),
    };
    // The key of the signature must not be that of the encryption. Source: RFC 8292, 5.
    if sender.key.is_some() && open::sender_key(&body.bytes) == sender.key.as_deref() {
        return Err(WebPushRefusal::BadContent);
    }
    let mut state = lock(&subscriber.state);
    let (discarded, pace) = match state.fate {
        WebPushFate::Good => (None, Pace::Now),
        WebPushFate::Refused(refusal) => return Err(refusal),
        WebPushFate::Discarded(word) => (Some(word), Pace::Now),
        WebPushFate::Slow(pause) => (None, Pace::After(pause)),
        WebPushFate::Silent => (None, Pace::Never),
    };
    let taken =
        Taken { origin: &subscriber.origin, ttl: asked.ttl, away: state.mailbox.is_away(), discarded };
    let decision = vendor.accept(&taken);
    if discarded.is_none() {
        state.mailbox.put(asked, plaintext, now_ms);
    }
    Ok(Decision { pace, ..decision })
}
