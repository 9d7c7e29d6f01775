//! What became of a push.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use super::{InvalidValue, Reason};

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The push service took it.
    Accepted,
    /// The target was good and is gone.
    Unregistered,
    /// The target was never valid here.
    InvalidToken,
    /// The push itself is at fault.
    InvalidPush,
    /// The payload is over the push service's limit.
    PayloadTooLarge,
    /// The gateway's credential or configuration is at fault.
    Credential,
    /// The push service asks to slow down.
    RateLimited,
    /// The push service cannot be reached, or failed.
    UpstreamUnavailable,
    /// There is a bug, in the push service or in the gateway.
    Internal,
    /// It was sent and not answered.
    Unconfirmed,
    /// The gateway made no attempt, for a reason of its own.
    NotAttempted,
    /// It was a dry run, and would have been sent.
    Validated,
}

impl Outcome {
    /// Every outcome, in the order of the contract.
    pub(crate) const ALL: [Self; 12] = [
        Self::Accepted,
        Self::Unregistered,
        Self::InvalidToken,
        Self::InvalidPush,
        Self::PayloadTooLarge,
        Self::Credential,
        Self::RateLimited,
        Self::UpstreamUnavailable,
        Self::Internal,
        Self::Unconfirmed,
        Self::NotAttempted,
        Self::Validated,
    ];

    /// Its name in metrics and on terminals.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unregistered => "unregistered",
            Self::InvalidToken => "invalid_token",
            Self::InvalidPush => "invalid_push",
            Self::PayloadTooLarge => "payload_too_large",
            Self::Credential => "credential",
            Self::RateLimited => "rate_limited",
            Self::UpstreamUnavailable => "upstream_unavailable",
            Self::Internal => "internal",
            Self::Unconfirmed => "unconfirmed",
            Self::NotAttempted => "not_attempted",
            Self::Validated => "validated",
        }
    }
}

/// What is known of delivery to the push service, over all attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// No attempt can have been taken.
    No,
    /// An attempt was taken.
    Accepted,
    /// An attempt was sent and not answered.
    Maybe,
}

/// What to do with the target in the caller's database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenAction {
    /// Keep it.
    Keep,
    /// Delete it.
    Delete,
    /// Set it aside, because too many targets look invalid at once.
    Quarantine,
}

impl TokenAction {
    /// Every action, in the order of its variants.
    pub(crate) const ALL: [Self; 3] = [Self::Keep, Self::Delete, Self::Quarantine];

    /// Its name in metrics.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Delete => "delete",
            Self::Quarantine => "quarantine",
        }
    }
}

/// Which provider carries a push. A value and not an enum, so that each provider's folder says its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProviderKind {
    name: &'static str,
    contract_number: i32,
}

impl ProviderKind {
    /// A provider by its name in configuration, metrics and logs, and by its number in the contract's `Provider`.
    #[must_use]
    pub const fn new(name: &'static str, contract_number: i32) -> Self {
        Self { name, contract_number }
    }

    /// Its name in configuration, metrics and logs.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    /// Its number in the contract's `Provider`.
    #[must_use]
    pub(crate) const fn contract_number(self) -> i32 {
        self.contract_number
    }
}

/// The verdict on one push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushResult {
    /// What became of it.
    pub outcome: Outcome,
    /// What is known of delivery, over all attempts.
    pub delivery: Delivery,
    /// What to do with the target.
    pub token_action: TokenAction,
    /// Whether the same push may succeed later.
    pub retryable: bool,
    /// How long the caller should wait before it sends the push again.
    pub retry_after: Option<Duration>,
    /// Why, as a code.
    pub reason: Option<Reason>,
    /// Why, in one sentence.
    pub detail: Cow<'static, str>,
    /// The field at fault, as a path from the push. It is empty where no field is at fault.
    pub field: Cow<'static, str>,
    /// The provider that carried it, or would have carried it.
    pub provider: Option<ProviderKind>,
    /// The HTTP status of the last answer.
    pub upstream_status: Option<u16>,
    /// The last answer's reason, verbatim, cut to 256 bytes.
    pub upstream_reason: String,
    /// The push service's name for this push.
    pub upstream_id: String,
    /// Since when the target is known to be gone.
    pub token_invalid_since: Option<SystemTime>,
    /// How often it was handed to the push service.
    pub attempts: u32,
    /// Whether this is the verdict of the first push with the same id, and this one was not sent.
    pub of_first: bool,
}

impl PushResult {
    /// The result of a push that was not sent. Only its outcome, a reason and a sentence are known.
    #[must_use]
    pub(crate) fn unsent(outcome: Outcome, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            outcome,
            delivery: Delivery::No,
            token_action: TokenAction::Keep,
            retryable: false,
            retry_after: None,
            reason: Some(reason),
            detail: detail.into(),
            field: Cow::Borrowed(""),
            provider: None,
            upstream_status: None,
            upstream_reason: String::new(),
            upstream_id: String::new(),
            token_invalid_since: None,
            attempts: 0,
            of_first: false,
        }
    }
}

/// Why a push cannot be sent: the field, what was found, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// One of `INVALID_PUSH`, `INVALID_TOKEN`, `UNREGISTERED`, `PAYLOAD_TOO_LARGE` and `CREDENTIAL`.
    pub outcome: Outcome,
    /// Why, as a code.
    pub reason: Reason,
    /// The field at fault, as a path from the push.
    pub field: Cow<'static, str>,
    /// Why, in one sentence.
    pub detail: String,
}

impl Refusal {
    /// Refuses a push because one of its fields is at fault.
    #[must_use]
    pub fn field(field: impl Into<Cow<'static, str>>, reason: Reason, detail: impl Into<String>) -> Self {
        Self { outcome: Outcome::InvalidPush, reason, field: field.into(), detail: detail.into() }
    }

    /// Refuses a push because one of its values cannot be what it should be.
    #[must_use]
    pub(crate) fn value(field: impl Into<Cow<'static, str>>, error: &InvalidValue) -> Self {
        Self::field(field, error.reason, error.to_string())
    }
}
