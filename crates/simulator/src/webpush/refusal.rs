//! Why a push service refuses a message, before its vendor's words.

use std::borrow::Cow;

use crate::retry_after::RetryAfter;

/// Why a message is refused. Each vendor has its own status and words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebPushRefusal {
    /// Not POST.
    Method,
    /// There is no such subscription, or there was: 404.
    Unknown,
    /// The subscription has ended: 410.
    Gone,
    /// No `TTL`, or one that is no number.
    NoTtl,
    /// A `TTL` that cannot be.
    BadTtl,
    /// Microsoft's: `TTL: 0` while the message is to be kept.
    CachePolicy,
    /// An `Urgency` that is none, or two.
    BadUrgency,
    /// A `Topic` that is none, or two.
    BadTopic,
    /// A body without exactly one `Content-Encoding`, which is `aes128gcm`; or that without a body.
    BadEncoding,
    /// A body that does not decrypt. A real service cannot know, and the browser drops the message.
    BadContent,
    /// The body is too large.
    TooLarge,
    /// Who sends is not proved.
    Vapid(VapidFault),
    /// The subscription was made with another key than that of the sender.
    KeyMismatch,
    /// Too many messages.
    Throttled(RetryAfter),
    /// The service fails.
    Internal,
    /// The service has too much to do.
    Overloaded(RetryAfter),
    /// Mozilla's: the service asks for the message again at once.
    TryAgain,
    /// Mozilla's: the way to a phone is broken.
    Bridge,
    /// Apple's: the connection was idle for too long.
    IdleTimeout,
    /// Microsoft's: this sender is blocked, whatever the channel. With the status of a channel that ended.
    DomainBlocked,
}

impl WebPushRefusal {
    /// In words, for the journal and for vendors that say it in words.
    pub(super) fn words(self) -> Cow<'static, str> {
        match self {
            Self::Method => "method not allowed",
            Self::Unknown => "no such subscription",
            Self::Gone => "push subscription has unsubscribed or expired.",
            Self::NoTtl => "TTL is missing or no number",
            Self::BadTtl => "TTL is invalid",
            Self::CachePolicy => "Ttl value conflicts with X-WNS-Cache-Policy.",
            Self::BadUrgency => "Urgency is invalid",
            Self::BadTopic => "Topic is invalid",
            Self::BadEncoding => "Content-Encoding is invalid",
            Self::BadContent => "the body does not decrypt",
            Self::TooLarge => "the body is too large",
            Self::Vapid(fault) => return format!("VAPID: {}", fault.words()).into(),
            Self::KeyMismatch => {
                "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions."
            }
            Self::Throttled(_) => "too many messages",
            Self::Internal => "internal error",
            Self::Overloaded(_) => "overloaded",
            Self::TryAgain => "try again",
            Self::Bridge => "the bridge cannot be reached",
            Self::IdleTimeout => "idle for too long",
            Self::DomainBlocked => "Domain Blocked",
        }
        .into()
    }

    /// `Retry-After`, where it was set.
    pub(super) fn retry_after(self) -> RetryAfter {
        match self {
            Self::Throttled(retry_after) | Self::Overloaded(retry_after) => retry_after,
            Self::Method
            | Self::Unknown
            | Self::Gone
            | Self::NoTtl
            | Self::BadTtl
            | Self::CachePolicy
            | Self::BadUrgency
            | Self::BadTopic
            | Self::BadEncoding
            | Self::BadContent
            | Self::TooLarge
            | Self::Vapid(_)
            | Self::KeyMismatch
            | Self::Internal
            | Self::TryAgain
            | Self::Bridge
            | Self::IdleTimeout
            | Self::DomainBlocked => RetryAfter::Absent,
        }
    }
}

/// What is wrong with an `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VapidFault {
    /// There is none.
    Missing,
    /// It is not `vapid t=…, k=…`, or its token is none.
    Malformed,
    /// `k` is no public key.
    PublicKey,
    /// The token is not signed with `k`.
    Signature,
    /// `aud` is another origin.
    Audience,
    /// `exp` is missing or past.
    Expired,
    /// `exp` is more than a day ahead.
    TooFarAhead,
    /// `sub` is missing where it is asked for, or neither a `mailto:` nor an `https:` URL.
    Subject,
}

impl VapidFault {
    fn words(self) -> &'static str {
        match self {
            Self::Missing => "no authorization",
            Self::Malformed => "the authorization is malformed",
            Self::PublicKey => "k is no public key",
            Self::Signature => "the signature is not k's",
            Self::Audience => "aud is another origin",
            Self::Expired => "the token has expired",
            Self::TooFarAhead => "exp is more than 24 hours ahead",
            Self::Subject => "sub is no contact",
        }
    }
}
