//! Decides what becomes of the messages to a subscription.

use std::time::Duration;

use super::refusal::{VapidFault, WebPushRefusal};
use super::vendor::Vendor;
use crate::retry_after::RetryAfter;

/// How long the answer to a slow subscription takes.
const SLOW: Duration = Duration::from_secs(2);

/// What a push service does with a message that is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebPushScriptedOutcome {
    /// The message is taken.
    Good,
    /// The message is refused, in the words of the vendor.
    Refused(WebPushRefusal),
    /// The message is taken and thrown away, which only the headers of Microsoft tell, with this word.
    Discarded(&'static str),
    /// The message is taken after this long.
    Slow(Duration),
    /// The message is taken and never answered.
    Silent,
}

/// A subscription whose outcome is scripted from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebPushScriptedSubscription {
    /// The outcome in a word, which is unique together with the vendor.
    pub word: &'static str,
    /// The vendor of the push service.
    pub vendor: Vendor,
    /// What becomes of a message.
    pub outcome: WebPushScriptedOutcome,
    /// What becomes of a message, in words.
    pub description: &'static str,
}

impl WebPushScriptedSubscription {
    /// Returns the name of the subscription, such as `mozilla-gone`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.vendor.name(), self.word)
    }
}

const fn row(
    word: &'static str,
    vendor: Vendor,
    outcome: WebPushScriptedOutcome,
    description: &'static str,
) -> WebPushScriptedSubscription {
    WebPushScriptedSubscription { word, vendor, outcome, description }
}

const fn refused(
    word: &'static str,
    vendor: Vendor,
    refusal: WebPushRefusal,
    description: &'static str,
) -> WebPushScriptedSubscription {
    row(word, vendor, WebPushScriptedOutcome::Refused(refusal), description)
}

static SCRIPTED: [WebPushScriptedSubscription; 32] = {
    use RetryAfter::{Absent, Date, Seconds};
    use Vendor::{Apple, Google, Microsoft, Mozilla};
    use WebPushRefusal::{
        Bridge, DomainBlocked, Gone, IdleTimeout, Internal, KeyMismatch, Overloaded, Throttled, TooLarge,
        TryAgain, Unknown, Vapid,
    };
    [
        row("good", Mozilla, WebPushScriptedOutcome::Good, "delivered"),
        refused("gone", Mozilla, Gone, "410: it has ended"),
        refused("unknown", Mozilla, Unknown, "404: there is none"),
        refused("mismatch", Mozilla, KeyMismatch, "401: made with another key"),
        refused("throttled", Mozilla, Throttled(Seconds(7)), "429, Retry-After in seconds"),
        refused("too-large", Mozilla, TooLarge, "413"),
        refused("internal", Mozilla, Internal, "500"),
        refused("bridge", Mozilla, Bridge, "502: the way to the phone is broken"),
        refused("overloaded", Mozilla, Overloaded(Absent), "503, Retry-After 120"),
        refused("again", Mozilla, TryAgain, "503: again at once"),
        row("late", Mozilla, WebPushScriptedOutcome::Slow(SLOW), "delivered, answered after 2 seconds"),
        row("deaf", Mozilla, WebPushScriptedOutcome::Silent, "delivered, never answered"),
        row("good", Google, WebPushScriptedOutcome::Good, "delivered"),
        refused("gone", Google, Gone, "410"),
        refused("unknown", Google, Unknown, "404"),
        refused("mismatch", Google, KeyMismatch, "403"),
        refused("unauthorized", Google, Vapid(VapidFault::Missing), "400 UnauthorizedRegistration"),
        refused("throttled", Google, Throttled(Date(9)), "429, Retry-After as a date"),
        refused("overloaded", Google, Overloaded(Seconds(5)), "503, Retry-After in seconds"),
        row("good", Apple, WebPushScriptedOutcome::Good, "delivered"),
        refused("gone", Apple, Gone, "410"),
        refused("mismatch", Apple, KeyMismatch, "400 VapidPkHashMismatch"),
        refused("throttled", Apple, Throttled(Absent), "429, no Retry-After"),
        refused("idle", Apple, IdleTimeout, "400 IdleTimeout"),
        row("good", Microsoft, WebPushScriptedOutcome::Good, "delivered"),
        refused("gone", Microsoft, Gone, "410"),
        refused("unknown", Microsoft, Unknown, "404"),
        refused("blocked", Microsoft, DomainBlocked, "410 Domain Blocked: about the sender"),
        refused("throttled", Microsoft, Throttled(Seconds(7)), "406, Retry-After in seconds"),
        refused("overloaded", Microsoft, Overloaded(Absent), "503"),
        row("dropped", Microsoft, WebPushScriptedOutcome::Discarded("dropped"), "201, and thrown away"),
        row(
            "limited",
            Microsoft,
            WebPushScriptedOutcome::Discarded("channelthrottled"),
            "201, and thrown away: too many",
        ),
    ]
};

/// Returns one subscription of each kind that a test may want.
pub fn web_push_scripted_subscriptions() -> &'static [WebPushScriptedSubscription] {
    &SCRIPTED
}
