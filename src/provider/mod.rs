//! In which words: how a push is said to each push service, and what its answer means.
//!
//! A provider is a folder that implements [`Provider`]. Everything here is pure: it does no I/O, reads no clock and
//! spawns nothing. `dispatch` pairs each provider with its targets once, by type, so that no payload meets another
//! provider's target.

pub mod apns;
pub mod fcm;
mod front;
#[cfg(test)]
mod known_answers;
pub mod mattermost;
mod meaning;
mod message;
#[cfg(test)]
mod replies;
mod retry_after;
mod verdict;
pub mod webpush;
mod words;

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanfare_upstream::{FieldName, Head, Indexing, Request};

pub use fanfare_upstream::Reply;
pub use front::Front502;
pub use message::Message;
pub(crate) use retry_after::retry_after;
pub use verdict::{Heal, Pace, Refuses, Retry, Verdict};

use crate::push::{Audience, Body, Outcome, ProviderKind, PushId, Reason, Refusal, ToldTarget};

/// How one app speaks to one push service.
///
/// ```text
/// body ── encode ──▶ payload ── SEAL ──▶ sealed ── address ──▶ message ──▶ the push service
///         (once for all         (where one target        (anew for                 │
///          targets)              alone can read it)       each attempt)            ▼
///                                                    verdict ◀── classify ────── reply
/// ```
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// The provider's name, and its number in the contract.
    const KIND: ProviderKind;

    /// What an operator checks where almost every target is refused, as the object of "check".
    const SUSPECTS: &'static str;

    /// How a payload is encrypted so that one target alone can read it; none where every target is sent the payload
    /// itself. It costs a hundred times what [`Provider::encode`] does, so `dispatch` bounds how many run at once.
    const SEAL: Option<Seal<Self>> = None;

    /// Whether the push service itself answers a dry run, and delivers nothing.
    const ANSWERS_DRY_RUNS: bool = false;

    /// Where a push goes. It prints without what would let a reader of the log send to it. Its hash tells whether two pushes
    /// with one id go to the same target.
    type Target: fmt::Debug + Hash + Send + Sync;

    /// What a body becomes for all targets; a multicast encodes it once.
    type Payload: fmt::Debug + Send + Sync;

    /// What [`Provider::SEAL`] makes of a payload for one target, and `()` where nothing is encrypted.
    type Sealed: Default + Send + Sync;

    /// What an answer is read by beside the answer itself, such as what the message held, and `()` where the answer
    /// says it all.
    type Context: Copy + Send + Sync;

    /// Makes the payload that all targets share.
    ///
    /// # Errors
    /// Fails if the body cannot be said, because it is too large or has a bad option.
    fn encode(&self, body: &Body) -> Result<Self::Payload, Refusal>;

    /// Directs a payload to one target, to be sent at `now`.
    ///
    /// # Errors
    /// Fails if this target cannot be addressed, because the app does not list its topic, for example.
    fn address(&self, push: &Outgoing<'_, Self>, now: SystemTime) -> Result<Message<Self::Context>, Refusal>;

    /// What the answer to a message means that came at `now`.
    fn classify(&self, context: Self::Context, reply: &Reply, now: SystemTime) -> Verdict;

    /// Whom a push to a target reaches, which its caller needs a permission for.
    fn audience(_target: &Self::Target) -> Audience<'_>
    where
        Self: Sized,
    {
        Audience::Device
    }

    /// The target as a feed tells of it: what stood in the contract, without the keys that one needs beside it to send there.
    fn tell(target: &Self::Target) -> ToldTarget<'_>;

    /// The topic of a push, where a push service may refuse a credential for one topic and take it for others. It is
    /// asked for only while a topic is refused.
    fn topic<'a>(&'a self, _target: &'a Self::Target, _payload: &Self::Payload) -> Option<Cow<'a, str>> {
        None
    }

    /// Whether the app may send to a target. It is asked before an expensive [`Provider::SEAL`] takes its turn;
    /// [`Provider::address`] refuses the same targets in any case.
    ///
    /// # Errors
    /// Fails if the app may not.
    fn may_send_to(&self, _target: &Self::Target) -> Result<(), Refusal> {
        Ok(())
    }

    /// Whether the head of an answer decides what became of the push although its body did not come whole.
    fn head_decides(&self, _head: &Head) -> bool {
        false
    }

    /// The answers that the push service is known to give, each by its status, and by its reason as the service writes it. The
    /// first is what it answers when all is well. Metrics count each of them by itself, and all others together.
    #[must_use]
    fn known_answers() -> Vec<(u16, &'static str)>
    where
        Self: Sized,
    {
        Vec::new()
    }

    /// What the head alone means, if the body of the answer did not come whole; `None` if the body would have decided.
    fn classify_head(&self, context: Self::Context, head: &Head, now: SystemTime) -> Option<Verdict> {
        self.head_decides(head).then(|| {
            let Head { status, fields } = head.clone();
            self.classify(context, &Reply { status, fields, body: Bytes::new() }, now)
        })
    }
}

/// A push to one target, with everything that its message is made from.
pub struct Outgoing<'a, P: Provider + ?Sized> {
    /// The name of the push.
    pub id: &'a PushId,
    /// What it says, and how it is treated.
    pub body: &'a Body,
    /// Where it goes.
    pub target: &'a P::Target,
    /// The body, encoded for all targets.
    pub payload: &'a P::Payload,
    /// The payload, encrypted for this target alone.
    pub sealed: &'a P::Sealed,
}

/// Encrypts a payload for one target, and fails where the target has no keys to encrypt with.
pub type Seal<P> =
    fn(&P, &<P as Provider>::Payload, &<P as Provider>::Target) -> Result<<P as Provider>::Sealed, Refusal>;

/// The first `limit` bytes of `text`, cut where a character ends.
#[must_use]
pub fn cut(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// The text, where it is not empty: the contract cannot tell an empty text from an absent one.
fn text(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// Seconds since the Unix epoch, rounded down; 0 for what was before it.
fn epoch_seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The header that says what a body is.
pub(crate) const CONTENT_TYPE: FieldName = FieldName::constant("content-type");

/// Adds a header whose value is the gateway's own, so that only a bug can make it one that cannot be sent.
fn push_own(request: &mut Request, name: FieldName, value: &str, indexing: Indexing) -> Result<(), Refusal> {
    request.push_known(name, value, indexing).map_err(|error| bug("content", &error))
}

/// A library failed at a step that should never fail. The push is answered with INTERNAL, so that nothing panics.
pub(crate) fn bug(field: &'static str, detail: &dyn std::fmt::Display) -> Refusal {
    Refusal {
        outcome: Outcome::Internal,
        reason: Reason::GatewayBug,
        field: field.into(),
        detail: detail.to_string(),
    }
}
