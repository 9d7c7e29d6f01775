//! `--retry`: pushes that already have a verdict are sent again when it is one of those the caller names.

use std::str::FromStr;

use crate::proto::{Outcome, TokenAction};

/// One word of `--retry`: a kind of verdict whose pushes are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RetryCase {
    /// The push ended with this outcome.
    Outcome(Outcome),
    /// The verdict advised to set the push's target aside (TOKEN_ACTION_QUARANTINE).
    Quarantine,
}

impl FromStr for RetryCase {
    type Err = String;

    /// Reads an outcome of the contract without its prefix, or QUARANTINE. Upper and lower case are the same.
    fn from_str(word: &str) -> Result<Self, String> {
        let name = word.trim().to_ascii_uppercase().replace('-', "_");
        if name == "QUARANTINE" {
            return Ok(Self::Quarantine);
        }
        match Outcome::from_str_name(&format!("OUTCOME_{name}")) {
            Some(Outcome::Accepted | Outcome::Validated) => {
                Err(format!("a push that ended with {name} has succeeded and is never sent again"))
            }
            Some(Outcome::Unspecified) | None => {
                Err(format!("expected an outcome such as CREDENTIAL, or QUARANTINE, found {word:?}"))
            }
            Some(outcome) => Ok(Self::Outcome(outcome)),
        }
    }
}

/// All words of `--retry`.
#[derive(Debug, Clone, Default)]
pub(super) struct RetryCases(Vec<RetryCase>);

impl RetryCases {
    pub(super) fn new(cases: impl IntoIterator<Item = RetryCase>) -> Self {
        Self(cases.into_iter().collect())
    }

    /// Whether `--retry` names the verdict with this outcome and this token action.
    pub(super) fn covers(&self, outcome: Outcome, action: TokenAction) -> bool {
        self.0.iter().any(|case| match case {
            RetryCase::Outcome(named) => *named == outcome,
            RetryCase::Quarantine => action == TokenAction::Quarantine,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_outcomes_or_quarantine() {
        assert_eq!("credential".parse(), Ok(RetryCase::Outcome(Outcome::Credential)));
        assert_eq!("INVALID-TOKEN".parse(), Ok(RetryCase::Outcome(Outcome::InvalidToken)));
        assert_eq!("Quarantine".parse(), Ok(RetryCase::Quarantine));
        for (word, why) in [("accepted", "never sent again"), ("nonsense", "expected"), ("", "expected")] {
            assert!(word.parse::<RetryCase>().unwrap_err().contains(why), "{word}");
        }
    }
}
