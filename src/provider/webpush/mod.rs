//! Web Push: what is particular to it, its settings and its limits.
//!
//! Source: RFC 8030, RFC 8188, RFC 8291.

mod answers;
mod encrypt;
mod endpoint;
mod hosts;
mod payload;
mod request;
mod response;
mod subscription;
#[cfg(test)]
mod tests;

pub use hosts::Vendor;
pub use request::{Payload, Sealed};
pub use subscription::Subscription;

use std::time::SystemTime;

use super::{Front502, Message, Outgoing, Provider, Reply, Seal, Verdict};
use crate::push::{Body, InvalidValue, ProviderKind, Refusal};
use encrypt::Ephemeral;
use fanfare_upstream::Head;
use hosts::Hosts;

/// The largest payload before encryption, in bytes. Every push service takes 4,096 bytes, of which the header of the
/// content coding takes 86, the delimiter 1 and the authentication tag 16.
///
/// Source: RFC 8291, section 4, and RFC 8030, section 7.2.
pub const MAX_PLAINTEXT_BYTES: usize = 3993;

/// The longest `Topic`, in characters of base64url.
///
/// Source: RFC 8030, section 5.4.
pub const MAX_TOPIC_CHARS: usize = 32;

/// The time to live of a push that names none, in seconds: four weeks. Web Push has no default of its own, and a
/// request without `TTL` is refused.
///
/// Source: RFC 8030, section 5.2; the number is the gateway's own.
pub const DEFAULT_TTL_SECONDS: u64 = 2_419_200;

/// What an operator says about one app on Web Push.
#[derive(Debug, Clone, Default)]
pub struct WebPushSettings {
    /// Hosts of push services beside the known ones. `*.example.com` stands for all hosts below `example.com`.
    pub hosts: Vec<String>,
    /// Whether endpoints on other ports than 443 are taken, as private push servers and tests need it.
    pub any_port: bool,
    /// Payloads are padded to a multiple of this, in bytes, as far as the limit allows. 0 and 1 pad nothing.
    pub pad_to: usize,
}

/// How one app speaks to push services of browsers.
#[derive(Debug, Clone)]
pub struct WebPush {
    hosts: Hosts,
    any_port: bool,
    pad_to: usize,
    front_502: Front502,
}

impl WebPush {
    /// # Errors
    /// Where a host is not one.
    pub fn try_new(settings: WebPushSettings) -> Result<Self, InvalidValue> {
        let WebPushSettings { hosts, any_port, pad_to } = settings;
        Ok(Self { hosts: Hosts::try_new(&hosts)?, any_port, pad_to, front_502: Front502::default() })
    }

    /// The same, with what an operator knows about a 502 that is not a push service's own.
    #[must_use]
    pub fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }
}

impl Provider for WebPush {
    const KIND: ProviderKind = ProviderKind::new("web_push", 3);
    const SUSPECTS: &'static str = "the app's web_push.key_file, and what stands before the push services";
    const SEAL: Option<Seal<Self>> =
        Some(|web_push, payload, subscription| web_push.seal(payload, subscription, &Ephemeral::draw()));

    type Target = Subscription;
    type Payload = Payload;
    type Sealed = Sealed;
    /// Whose push service it is, because each vendor answers in its own words.
    type Context = Vendor;

    fn encode(&self, body: &Body) -> Result<Payload, Refusal> {
        request::encode(body)
    }

    fn address(&self, push: &Outgoing<'_, Self>, now: SystemTime) -> Result<Message<Vendor>, Refusal> {
        request::address(self, push, now)
    }

    fn classify(&self, vendor: Vendor, reply: &Reply, now: SystemTime) -> Verdict {
        response::classify(reply, vendor, self.front_502, now)
    }

    fn may_send_to(&self, subscription: &Subscription) -> Result<(), Refusal> {
        self.origin(subscription).map(drop)
    }

    fn head_decides(&self, head: &Head) -> bool {
        response::head_decides(head)
    }
}
