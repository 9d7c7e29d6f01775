//! Which pushes that have their verdict are sent again, because the caller says so.

use std::str::FromStr;

use crate::proto::{Outcome, TokenAction};

/// One word of `--retry`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this outcome.
    With(Outcome),
    /// With this advice about its target.
    Quarantined,
}

impl FromStr for Ended {
    type Err = String;

    /// An outcome of the contract without its prefix, or QUARANTINE; in any case.
    fn from_str(word: &str) -> Result<Self, String> {
        let name = word.trim().to_ascii_uppercase().replace('-', "_");
        if name == "QUARANTINE" {
            return Ok(Self::Quarantined);
        }
        match Outcome::from_str_name(&format!("OUTCOME_{name}")) {
            Some(Outcome::Accepted | Outcome::Validated) => {
                Err(format!("{name} is what a push should end with; it is never sent again"))
            }
            Some(Outcome::Unspecified) | None => {
                Err(format!("expected an outcome such as CREDENTIAL, or QUARANTINE, found {word:?}"))
            }
            Some(outcome) => Ok(Self::With(outcome)),
        }
    }
}

/// What is sent again.
#[derive(Debug, Clone, Default)]
pub(super) struct Again(Vec<Ended>);

impl Again {
    pub(super) fn new(ended: impl IntoIterator<Item = Ended>) -> Self {
        Self(ended.into_iter().collect())
    }

    /// Whether `--retry` names what a push ended with.
    pub(super) fn asks_for(&self, outcome: Outcome, action: TokenAction) -> bool {
        self.0.iter().any(|ended| match ended {
            Ended::With(asked) => *asked == outcome,
            Ended::Quarantined => action == TokenAction::Quarantine,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_outcomes_or_quarantine() {
        assert_eq!("credential".parse(), Ok(Ended::With(Outcome::Credential)));
        assert_eq!("INVALID-TOKEN".parse(), Ok(Ended::With(Outcome::InvalidToken)));
        assert_eq!("Quarantine".parse(), Ok(Ended::Quarantined));
        for (word, why) in [("accepted", "never sent again"), ("nonsense", "expected"), ("", "expected")] {
            assert!(word.parse::<Ended>().unwrap_err().contains(why), "{word}");
        }
    }
}
