//! How a push ended.

use std::time::Duration;

use tonic::Status;

use crate::v1::{Delivery, Push, PushResult, TokenAction};

/// How a push of a batch ended.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "nearly all are answered")]
pub enum Ended {
    /// It has its verdict.
    Answered(Answered),
    /// No gateway read it: nothing was sent, and sending it again is safe.
    NotRead(NotRead),
    /// It may have been sent, and its verdict was lost. Send it again only if a duplicate does no harm.
    Unknown(Unknown),
}

/// A push that has its verdict.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The push, with the id that it was given if it had none.
    pub push: Push,
    /// What became of it.
    pub verdict: PushResult,
}

/// A push that no gateway read.
#[derive(Debug, Clone)]
pub struct NotRead {
    /// The push, with the id that it was given if it had none.
    pub push: Push,
    /// Why it was not read.
    pub cause: Status,
}

/// A push that may have been sent.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The push, with the id that it was given if it had none.
    pub push: Push,
    /// How its stream ended.
    pub cause: Status,
}

impl Answered {
    /// Whether the target is to be deleted, unless it was registered again after the verdict's `token_invalid_since`.
    ///
    /// ```
    /// use fanfare_client::Answered;
    /// use fanfare_client::v1::{Push, PushResult, TokenAction};
    ///
    /// let verdict = PushResult { token_action: TokenAction::Delete.into(), ..Default::default() };
    /// assert!(Answered { push: Push::default(), verdict }.is_dead());
    /// ```
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.verdict.token_action() == TokenAction::Delete
    }

    /// How long to wait at least before the push is sent again. `None` if it would fail again, or if a duplicate could come
    /// of it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use fanfare_client::Answered;
    /// use fanfare_client::v1::{Delivery, Push, PushResult};
    ///
    /// let mut verdict = PushResult { retryable: true, delivery: Delivery::No.into(), ..Default::default() };
    /// let answered = Answered { push: Push::default(), verdict: verdict.clone() };
    /// assert_eq!(answered.retry_after(), Some(Duration::ZERO));
    ///
    /// verdict.set_delivery(Delivery::Maybe);
    /// assert_eq!(Answered { push: Push::default(), verdict }.retry_after(), None);
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let may = self.verdict.retryable && self.verdict.delivery() == Delivery::No;
        let wait = self.verdict.retry_after.map(Duration::try_from).and_then(Result::ok);
        may.then(|| wait.unwrap_or_default())
    }
}

impl Ended {
    /// The push, with the id that it was given if it had none.
    #[must_use]
    pub fn push(&self) -> &Push {
        match self {
            Self::Answered(Answered { push, .. })
            | Self::NotRead(NotRead { push, .. })
            | Self::Unknown(Unknown { push, .. }) => push,
        }
    }

    /// The verdict, if there is one.
    #[must_use]
    pub fn verdict(&self) -> Option<&PushResult> {
        match self {
            Self::Answered(answered) => Some(&answered.verdict),
            Self::NotRead(_) | Self::Unknown(_) => None,
        }
    }

    /// As [`Answered::is_dead`].
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self, Self::Answered(answered) if answered.is_dead())
    }

    /// As [`Answered::retry_after`]. A push that was not read may be sent again at once.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered(answered) => answered.retry_after(),
            Self::NotRead(_) => Some(Duration::ZERO),
            Self::Unknown(_) => None,
        }
    }
}

/// A call that failed. It says nothing of the push but whether it may have been sent.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: {}", .status.code(), .status.message())]
pub struct CallError {
    /// The push, with the id that it was given if it had none.
    pub push: Box<Push>,
    /// How the call ended.
    pub status: Status,
    /// Whether the push was surely not sent. Otherwise it is in doubt.
    pub nothing_sent: bool,
}
