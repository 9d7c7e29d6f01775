//! What an answer means for the push, for its caller, and for the gateway.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use crate::push::{Outcome, Reason, TokenAction};

/// What an answer means, as plain data. What follows from it is decided in `dispatch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What became of the push.
    pub outcome: Outcome,
    /// What to do with the target.
    pub token_action: TokenAction,
    /// What the gateway itself does next.
    pub retry: Retry,
    /// Whether the same push may succeed later. The caller is told.
    pub retryable: bool,
    /// What has to be mended before the next attempt.
    pub heal: Heal,
    /// What the answer says of the pace at which it may be sent to.
    pub pace: Pace,
    /// What the push service refuses, for every other push as well.
    pub refuses: Refuses,
    /// Why, as a code. It is not used for ACCEPTED.
    pub reason: Reason,
    /// The field at fault, as a path from the push. It is empty where no field is, or the answer names none.
    pub field: Cow<'static, str>,
    /// What the answer says, in one sentence for people. It is empty for ACCEPTED.
    pub detail: Cow<'static, str>,
    /// The answer's reason, verbatim, cut to [`Verdict::MAX_REASON_BYTES`].
    pub upstream_reason: String,
    /// The push service's name for this push.
    pub upstream_id: String,
    /// Since when the target is known to be gone.
    pub token_invalid_since: Option<SystemTime>,
}

impl Verdict {
    /// The longest upstream reason that is kept, in bytes.
    ///
    /// Source: the contract, `PushResult.upstream_reason`.
    pub const MAX_REASON_BYTES: usize = 256;
}

/// When the gateway may try again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It does not try again.
    Never,
    /// It tries again once, at once, after it mended what `heal` names.
    Once,
    /// It tries again once, at once, after it mended what `heal` names. A further attempt comes after this wait.
    OnceThen(Duration),
    /// It tries again after this wait.
    After(Duration),
    /// It tries again soon, but only where the caller says that a duplicate does no harm. The caller is told no wait.
    IfRepeatable,
}

impl Retry {
    /// The wait that the caller is told.
    #[must_use]
    pub fn wait(self) -> Option<Duration> {
        match self {
            Self::Never | Self::Once | Self::IfRepeatable => None,
            Self::OnceThen(wait) | Self::After(wait) => Some(wait),
        }
    }
}

/// What an answer says is broken on our side of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heal {
    /// Nothing is broken.
    Nothing,
    /// The credential's token is refused and has to be renewed.
    Renew,
    /// The connection is of no more use for new pushes.
    Retire,
    /// Both the token and the connection have to be replaced.
    RenewAndRetire,
    /// The token was renewed too often, so the present one has to be kept.
    HoldToken,
}

impl Heal {
    /// Whether the token has to be renewed.
    #[must_use]
    pub fn renews(self) -> bool {
        match self {
            Self::Renew | Self::RenewAndRetire => true,
            Self::Nothing | Self::Retire | Self::HoldToken => false,
        }
    }
}

/// What an answer says of the pace at which its push service may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It says nothing of that.
    Nothing,
    /// Too much was sent to this target, or to nobody knows what. It says something of the push service only where many
    /// targets are answered like this.
    Target,
    /// Too much was sent by the app, the project or the gateway.
    Sender,
}

/// What an answer refuses beside its push. Where a push service refuses the same twice in a row, nothing more is sent to
/// it in vain: see `credential/standing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuses {
    /// The answer concerns its push alone, or something that only others can mend.
    Nothing,
    /// The push service does not take the app's credential, in this environment or project.
    Credential,
    /// The push service does not take the app's credential for the topic of the push.
    Topic,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_token_is_waited_for_only_where_the_token_was_refused() {
        let refused = [Heal::Renew, Heal::RenewAndRetire].map(Heal::renews);
        let others = [Heal::Nothing, Heal::Retire, Heal::HoldToken].map(Heal::renews);
        assert_eq!((refused, others), ([true; 2], [false; 3]));
    }
}
