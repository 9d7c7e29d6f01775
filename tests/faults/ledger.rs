//! The verdicts that callers were told, and the rule that is broken if one is not true.

use std::fmt;

use fanfare::proto::{self, Delivery, Outcome, Reason};

use crate::marker::Marker;

/// A rule that was broken, and the push that shows it.
pub(crate) struct Broken {
    rule: &'static str,
    push: Option<u64>,
    found: String,
    /// The faults of the world until then.
    after: String,
}

impl Broken {
    pub(crate) fn rule(rule: &'static str, found: impl Into<String>) -> Self {
        Self { rule, push: None, found: found.into(), after: String::new() }
    }

    pub(crate) fn push(rule: &'static str, push: u64, found: impl Into<String>) -> Self {
        Self { rule, push: Some(push), found: found.into(), after: String::new() }
    }

    /// Adds the faults of the world until then.
    pub(crate) fn after(self, after: String) -> Self {
        Self { after, ..self }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken rule: {}; ", self.rule)?;
        if let Some(number) = self.push {
            write!(f, "push {} (number {number}); ", Marker(number).id())?;
        }
        f.write_str(&self.found)?;
        if self.after.is_empty() { Ok(()) } else { write!(f, "; after {}", self.after) }
    }
}

/// The text that `unwrap` prints.
impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a caller was told about one push. It is as small as it can be, because there is one for each push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) delivery: Delivery,
    pub(crate) reason: Reason,
    pub(crate) status: u16,
    pub(crate) attempts: u8,
}

impl Verdict {
    pub(crate) fn of(result: &proto::PushResult) -> Self {
        Self {
            outcome: result.outcome(),
            delivery: result.delivery(),
            reason: result.reason(),
            status: u16::try_from(result.upstream_status).unwrap_or(u16::MAX),
            attempts: u8::try_from(result.attempts).unwrap_or(u8::MAX),
        }
    }
}

/// The verdicts of the pushes from number `first` on.
pub(crate) struct Ledger {
    pub(crate) first: u64,
    pub(crate) verdicts: Vec<Option<Verdict>>,
    repeatable_every: u64,
}

impl Ledger {
    pub(crate) fn new(first: u64, pushes: u64, repeatable_every: u64) -> Self {
        Self { first, verdicts: vec![None; usize::try_from(pushes).unwrap()], repeatable_every }
    }

    pub(crate) fn enter(&mut self, number: u64, verdict: Verdict) -> Result<(), Broken> {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        match at.and_then(|at| self.verdicts.get_mut(at)) {
            Some(entry @ None) => *entry = Some(verdict),
            Some(Some(_)) => return Err(Broken::push("a push has one verdict", number, "two came")),
            None => return Err(Broken::push("a verdict is of a push that was sent", number, "none was")),
        }
        Ok(())
    }

    pub(crate) fn is_repeatable(&self, number: u64) -> bool {
        self.repeatable_every > 0 && number.is_multiple_of(self.repeatable_every)
    }
}
