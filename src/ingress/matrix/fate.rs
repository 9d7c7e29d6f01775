//! What a homeserver is to do about a device, by the verdict on its push.

use crate::push::{Delivery, Outcome, PushResult, Reason, TokenAction};

/// What a homeserver is to do about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The push was taken, or nobody knows: a repeat could be shown twice.
    Served,
    /// There is nothing to say to it.
    NothingToSay,
    /// Nothing will make the push succeed. It is given up, because later pushes of the user wait behind one that is repeated.
    GivenUp,
    /// The pusher is to be deleted.
    Rejected,
    /// The push service cannot take it now.
    Later,
    /// The gateway cannot take it now.
    Overloaded,
    /// Somebody has to mend the gateway's configuration.
    Misconfigured,
    /// The configuration has no such app.
    UnknownApp,
}

impl Fate {
    /// What follows from a verdict.
    pub(super) fn of(result: &PushResult) -> Self {
        if result.token_action == TokenAction::Delete {
            return Self::Rejected;
        }
        // Whatever may have been delivered is not repeated.
        if result.delivery != Delivery::No {
            return Self::Served;
        }
        match result.outcome {
            Outcome::Accepted | Outcome::Validated | Outcome::Unconfirmed => Self::Served,
            Outcome::RateLimited | Outcome::UpstreamUnavailable => Self::Later,
            Outcome::Credential => Self::Misconfigured,
            Outcome::NotAttempted => match result.reason {
                Some(Reason::NotPermitted) => Self::Misconfigured,
                Some(Reason::Expired) => Self::GivenUp,
                _ => Self::Overloaded,
            },
            Outcome::InvalidPush => match result.reason {
                Some(Reason::AppUnknown | Reason::ProviderNotConfigured | Reason::TopicNotAllowed) => {
                    Self::Misconfigured
                }
                // The event was sent already, and its numbers of unread messages have changed since.
                Some(Reason::IdReused) => Self::Served,
                _ => Self::GivenUp,
            },
            // Among these is a target that is set aside and not deleted, because so many fail at once.
            Outcome::Unregistered | Outcome::InvalidToken | Outcome::PayloadTooLarge | Outcome::Internal => {
                Self::GivenUp
            }
        }
    }

    /// Each of them.
    pub(super) const ALL: [Self; 8] = [
        Self::Served,
        Self::NothingToSay,
        Self::GivenUp,
        Self::Rejected,
        Self::Later,
        Self::Overloaded,
        Self::Misconfigured,
        Self::UnknownApp,
    ];

    /// Its name in metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::NothingToSay => "nothing_to_say",
            Self::GivenUp => "given_up",
            Self::Rejected => "rejected",
            Self::Later => "later",
            Self::Overloaded => "overloaded",
            Self::Misconfigured => "misconfigured",
            Self::UnknownApp => "unknown_app",
        }
    }
}
