//! Bounds what a rule may ask for: it is enough for any test, and cannot hurt the machine that runs it.

use std::fmt::Display;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::kinds::Fault;
use super::parts::{Front, ScriptedAnswer};
use super::rule::{FaultRule, Trigger};

/// The longest pause of a fault.
const MAX_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The most bytes that a body of spaces may have.
const MAX_HUGE_BODY: usize = 64 * 1024 * 1024;

/// The most DATA frames that a scripted answer may be cut into.
const MAX_PIECES: usize = 1000;

/// A value of a rule that is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: found {found}, expected {expected}")]
pub struct UnfitRule {
    /// The path of the value in the JSON of the rule.
    pub field: String,
    /// The value that was found.
    pub found: String,
    /// What may stand there.
    pub expected: &'static str,
}

fn unfit(field: &str, found: &dyn Display, expected: &'static str) -> Result<(), UnfitRule> {
    Err(UnfitRule { field: field.to_owned(), found: found.to_string(), expected })
}

impl FaultRule {
    /// Checks that everything in the rule is within bounds.
    ///
    /// # Errors
    ///
    /// It returns the first value that is out of bounds.
    pub fn check(&self) -> Result<(), UnfitRule> {
        if let Trigger::Probability(share) = self.when
            && !(0.0..=1.0).contains(&share)
        {
            return unfit("when.probability", &share, "a share from 0 to 1");
        }
        self.fault.check()
    }
}

impl Fault {
    /// Checks that everything in the fault is within bounds.
    ///
    /// # Errors
    ///
    /// It returns the first value that is out of bounds.
    pub fn check(&self) -> Result<(), UnfitRule> {
        match self {
            Self::Answer(answer) => answer.check(),
            Self::Front(Front { status, .. }) if !matches!(status, 502..=504) => {
                unfit("fault.front.status", status, "502, 503 or 504")
            }
            Self::Delay(time) => pause("fault.delay", *time),
            Self::HugeBody(len) if *len > MAX_HUGE_BODY => {
                unfit("fault.huge_body", len, "at most 67108864 bytes")
            }
            Self::Trickle { every } => pause("fault.trickle.every", *every),
            Self::GracefulGoAway { pause: time, .. } => pause("fault.graceful_goaway.pause", *time),
            Self::Throttle { every, .. } => pause("fault.throttle.every", *every),
            Self::Front(_)
            | Self::Refuse(_)
            | Self::Silence
            | Self::HeadersWithoutBody
            | Self::BodyWithoutEnd
            | Self::HugeBody(_)
            | Self::ResetStream { .. }
            | Self::RefuseThenClosed
            | Self::GoAway(_)
            | Self::SetMaxStreams(_)
            | Self::HangUp { .. }
            | Self::HalfOpen
            | Self::RefuseTcp
            | Self::RefuseTls
            | Self::SilentTls
            | Self::WrongName
            | Self::ExpiredCertificate
            | Self::NoSettings => Ok(()),
        }
    }
}

impl ScriptedAnswer {
    fn check(&self) -> Result<(), UnfitRule> {
        if !matches!(self.status, 0 | 200..=599) {
            return unfit("fault.answer.status", &self.status, "a status from 200 to 599");
        }
        if self.pieces > MAX_PIECES {
            return unfit("fault.answer.pieces", &self.pieces, "at most 1000 pieces");
        }
        for (field, pairs) in
            [("fault.answer.headers", &self.headers), ("fault.answer.trailers", &self.trailers)]
        {
            for (at, (name, value)) in pairs.iter().enumerate() {
                if HeaderName::try_from(name).is_err() {
                    return unfit(
                        &format!("{field}[{at}]"),
                        &format!("{name:?}"),
                        "the name of an HTTP header",
                    );
                }
                if HeaderValue::try_from(value).is_err() {
                    return unfit(
                        &format!("{field}[{at}]"),
                        &format!("{value:?}"),
                        "the value of an HTTP header",
                    );
                }
            }
        }
        Ok(())
    }
}

fn pause(field: &str, time: Duration) -> Result<(), UnfitRule> {
    if time > MAX_PAUSE {
        return unfit(field, &humantime::format_duration(time), "at most 24h");
    }
    Ok(())
}
