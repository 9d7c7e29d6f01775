//! Which verdicts a feed is told.

use std::fmt;

use crate::push::{Outcome, TokenAction};

/// A set of outcomes, and of what callers are told to do with a target. A verdict is wanted where one of the two is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted(u32);

/// The bits of token actions stand above those of outcomes.
const FIRST_ACTION: u32 = 16;

impl Wanted {
    /// Every verdict.
    pub const ALL: Self = Self((1 << Outcome::ALL.len()) - 1);

    /// The verdicts by which a caller is told to delete a target.
    pub const DELETE: Self = Self(action_bit(TokenAction::Delete));

    /// The set of one name: an outcome's as metrics have it, `delete`, `quarantine` or `all`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let by_name = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
        match (name, by_name) {
            ("all", _) => Some(Self::ALL),
            ("delete", _) => Some(Self::DELETE),
            ("quarantine", _) => Some(Self(action_bit(TokenAction::Quarantine))),
            (_, Some(outcome)) => Some(Self(outcome_bit(outcome))),
            (_, None) => None,
        }
    }

    /// Every name that [`named`](Self::named) knows.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        ["delete", "quarantine", "all"].into_iter().chain(Outcome::ALL.map(Outcome::name))
    }

    /// What either of the two has.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a verdict is wanted.
    pub(super) fn has(self, outcome: Outcome, action: TokenAction) -> bool {
        self.0 & (outcome_bit(outcome) | action_bit(action)) != 0
    }

    /// Whether no verdict is wanted.
    pub(super) fn is_nothing(self) -> bool {
        self.0 == 0
    }
}

/// Its names, as a configuration has them.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let is_in =
            |name: &&str| Self::named(name).is_some_and(|it| it != Self::ALL && self.0 & it.0 == it.0);
        f.write_str(&Self::names().filter(is_in).collect::<Vec<_>>().join(", "))
    }
}

const fn outcome_bit(outcome: Outcome) -> u32 {
    1 << outcome as u32
}

const fn action_bit(action: TokenAction) -> u32 {
    1 << (FIRST_ACTION + action as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_wanted_by_its_outcome_or_by_its_action() {
        for outcome in Outcome::ALL {
            for action in TokenAction::ALL {
                let has = |wanted: Wanted| wanted.has(outcome, action);
                assert!(has(Wanted::ALL) && !has(Wanted::default()));
                assert_eq!(has(Wanted::DELETE), action == TokenAction::Delete);
                let credential = Wanted::named("credential").unwrap();
                assert_eq!(has(credential), outcome == Outcome::Credential);
                let either = credential.or(Wanted::named("quarantine").unwrap());
                assert_eq!(has(either), has(credential) || action == TokenAction::Quarantine);
            }
        }
        assert!(Wanted::names().all(|name| Wanted::named(name).is_some()));
        assert_eq!(Wanted::named("removed"), None);
        let two = Wanted::DELETE.or(Wanted::named("credential").unwrap());
        assert_eq!([two, Wanted::ALL].map(|it| it.to_string()), ["delete, credential", "all"]);
    }
}
