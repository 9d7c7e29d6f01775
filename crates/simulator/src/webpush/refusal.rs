//! Why a push service refuses a message, before the vendor puts it into words.

use std::borrow::Cow;

use crate::retry_after::RetryAfter;

/// Why a message is refused. Each vendor has its own status and words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebPushRefusal {
    /// The method is not POST.
    Method,
    /// There is no such subscription.
    Unknown,
    /// The subscription has ended.
    Gone,
    /// There is no `TTL`, or it is not a number.
    NoTtl,
    /// The `TTL` is negative or comes twice.
    BadTtl,
    /// Microsoft refuses `TTL: 0` for a message that it is to keep.
    CachePolicy,
    /// The `Urgency` is not one of the four, or comes twice.
    BadUrgency,
    /// The `Topic` is malformed, or comes twice.
    BadTopic,
    /// A body comes without exactly one `Content-Encoding: aes128gcm`, or that header without a body.
    BadEncoding,
    /// The body does not decrypt. A real service cannot know that, and the browser drops the message.
    BadContent,
    /// The body is too large.
    TooLarge,
    /// The sender has not proved who it is.
    Vapid(VapidFault),
    /// The subscription was made with another key than that of the sender.
    KeyMismatch,
    /// There were too many messages.
    Throttled(RetryAfter),
    /// The service failed.
    Internal,
    /// The service has too much to do.
    Overloaded(RetryAfter),
    /// Mozilla asks for the message again at once.
    TryAgain,
    /// Mozilla cannot reach a phone.
    Bridge,
    /// Apple says that the connection was idle for too long.
    IdleTimeout,
    /// Microsoft blocks this sender, whatever the channel, with the status of a channel that has ended.
    DomainBlocked,
}

impl WebPushRefusal {
    /// Returns the refusal in words, for the journal and for vendors that answer in words.
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

    /// Returns the `Retry-After` header, where one was set.
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

/// What is wrong with an `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VapidFault {
    /// There is none.
    Missing,
    /// It is not `vapid t=…, k=…`, or what stands there is not a token.
    Malformed,
    /// `k` is not a public key.
    PublicKey,
    /// The token is not signed with `k`.
    Signature,
    /// `aud` is another origin.
    Audience,
    /// `exp` is missing or past.
    Expired,
    /// `exp` is more than a day ahead.
    TooFarAhead,
    /// `sub` is missing where the vendor asks for it, or is neither a `mailto:` nor an `https:` URL.
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
