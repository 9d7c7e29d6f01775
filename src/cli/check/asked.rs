//! What a push service was asked, and what came of it.

use std::fmt;

use serde::Serialize;

use super::advice;
use crate::push::{Outcome, ProviderKind, PushResult};

/// What was asked of a push service for one app, and what came of it.
#[derive(Serialize)]
pub(super) struct Asked {
    app: String,
    provider: &'static str,
    /// What was asked for, such as an environment and a topic.
    about: String,
    answer: State,
    /// The words of the push service, or why there are none.
    words: String,
    /// What an operator can do about it. It is empty where nothing needs to be done, or nothing is known.
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: &'static str,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The push service takes what the app shows.
    Works,
    /// The push service, or the endpoint of its tokens, answered otherwise.
    Refused,
    /// No answer came.
    NotReached,
    /// There was nothing to ask with.
    NotAsked,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Refused => "refused",
            Self::NotReached => "not reached",
            Self::NotAsked => "not asked",
        }
    }
}

impl Asked {
    pub(super) fn new(
        (app, kind, about): (&str, ProviderKind, &str),
        answer: State,
        words: impl Into<String>,
    ) -> Self {
        let (app, provider, about) = (app.to_owned(), kind.name(), about.to_owned());
        Self { app, provider, about, answer, words: words.into(), advice: "" }
    }

    /// The same, with what an operator can do about it.
    pub(super) fn with_advice(self, advice: &'static str) -> Self {
        Self { advice, ..self }
    }

    /// Judges the verdict on a push to a target that was made up. Where the push service speaks of the target, it has taken
    /// all else.
    pub(super) fn by_verdict(of: (&str, ProviderKind, &str), result: &PushResult) -> Self {
        let answer = match (result.outcome, result.upstream_status) {
            (Outcome::Validated | Outcome::Accepted, _) => State::Works,
            (Outcome::InvalidToken | Outcome::Unregistered, Some(_)) => State::Works,
            (Outcome::Unconfirmed, _) => State::NotReached,
            (_, Some(_)) | (Outcome::Credential, None) => State::Refused,
            (_, None) => State::NotReached,
        };
        let asked = Self::new(of, answer, words(answer, result));
        if answer != State::Refused {
            return asked;
        }
        let advice = advice::on(asked.provider, &result.upstream_reason, &result.detail);
        asked.with_advice(advice)
    }

    /// Whether nothing is to be done about it.
    pub(super) fn is_good(&self) -> bool {
        matches!(self.answer, State::Works | State::NotAsked)
    }
}

/// The answer's status and reason, and what the gateway makes of it. What it makes of a target that was made up, such as that
/// it is to be deleted, would only confuse.
fn words(answer: State, result: &PushResult) -> String {
    let status = result.upstream_status.map(|status| format!("status {status}"));
    let meaning = match (answer, result.outcome) {
        (State::Works, Outcome::InvalidToken | Outcome::Unregistered) => {
            "which is about the made-up target alone"
        }
        _ => &result.detail,
    };
    let parts = [status.unwrap_or_default(), result.upstream_reason.clone(), meaning.to_owned()];
    let said: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    said.join(": ")
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, provider, about, answer, words, advice } = self;
        let of = [app.as_str(), provider, about].join(" ");
        writeln!(f, "  {:11}  {}: {words}", answer.name(), of.trim_end())?;
        if !advice.is_empty() {
            writeln!(f, "  {:11}  what to do: {advice}", "")?;
        }
        Ok(())
    }
}
