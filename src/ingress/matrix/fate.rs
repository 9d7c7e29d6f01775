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
        // Only a device that was registered and is gone is rejected, since that cannot be taken back. What was never valid
        // here may be the fault of the configuration: a wrong environment, topic or project makes it look so for every device,
        // before any guard can know.
        if (result.outcome, result.token_action) == (Outcome::Unregistered, TokenAction::Delete) {
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
            // Among these is a device that is set aside and not deleted, because so many fail at once.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(outcome: Outcome, change: impl FnOnce(&mut PushResult)) -> Fate {
        let mut result = PushResult::unsent(outcome, Reason::UpstreamAnswered, "");
        change(&mut result);
        Fate::of(&result)
    }

    #[test]
    fn only_a_device_that_is_gone_is_rejected() {
        for outcome in Outcome::ALL {
            for action in [TokenAction::Keep, TokenAction::Delete, TokenAction::Quarantine] {
                let fate = fate(outcome, |result| result.token_action = action);
                let gone = (outcome, action) == (Outcome::Unregistered, TokenAction::Delete);
                assert_eq!(fate == Fate::Rejected, gone, "{outcome:?} {action:?}");
            }
        }
    }

    #[test]
    fn whatever_may_have_been_delivered_is_not_repeated() {
        for outcome in Outcome::ALL {
            for delivery in [Delivery::Maybe, Delivery::Accepted] {
                assert_eq!(fate(outcome, |result| result.delivery = delivery), Fate::Served, "{outcome:?}");
            }
        }
    }

    #[test]
    fn what_a_repeat_or_an_operator_can_mend_is_repeated() {
        let because = |reason| move |result: &mut PushResult| result.reason = Some(reason);
        for (outcome, reason, expected) in [
            (Outcome::Accepted, Reason::UpstreamAnswered, Fate::Served),
            (Outcome::RateLimited, Reason::UpstreamAnswered, Fate::Later),
            (Outcome::UpstreamUnavailable, Reason::UpstreamUnreachable, Fate::Later),
            (Outcome::NotAttempted, Reason::Overloaded, Fate::Overloaded),
            (Outcome::NotAttempted, Reason::BreakerOpen, Fate::Overloaded),
            (Outcome::NotAttempted, Reason::Draining, Fate::Overloaded),
            (Outcome::NotAttempted, Reason::Expired, Fate::GivenUp),
            (Outcome::NotAttempted, Reason::NotPermitted, Fate::Misconfigured),
            (Outcome::Credential, Reason::UpstreamAnswered, Fate::Misconfigured),
            (Outcome::InvalidPush, Reason::TopicNotAllowed, Fate::Misconfigured),
            (Outcome::InvalidPush, Reason::IdReused, Fate::Served),
            (Outcome::InvalidPush, Reason::UpstreamAnswered, Fate::GivenUp),
            (Outcome::PayloadTooLarge, Reason::PayloadOverLimit, Fate::GivenUp),
            (Outcome::InvalidToken, Reason::UpstreamAnswered, Fate::GivenUp),
            (Outcome::Internal, Reason::GatewayBug, Fate::GivenUp),
        ] {
            assert_eq!(fate(outcome, because(reason)), expected, "{outcome:?} {reason:?}");
        }
    }
}
