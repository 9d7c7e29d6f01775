//! The kinds of answers that were logged. Each kind is logged once, in the push service's own words, however many
//! pushes get such an answer; the metrics count them.

use std::collections::HashSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::guard::Guard;
use crate::provider::Verdict;
use crate::push::{Outcome, PushId, Shortened};

/// The most kinds of one app on one provider that are logged. Some services put numbers into their sentences, so
/// each sentence would be a kind of its own.
const MAX_KINDS: usize = 64;

/// Kinds are told apart by so many bytes of their reasons.
const TOLD_BY_BYTES: usize = 64;

/// A word of this length may be a token or an id that a sentence repeats; the longest words of sentences are shorter.
const SHORTENED_BYTES: usize = 24;

/// No word of a sentence is as long as a device token. A word that long is shortened even without a digit, because a
/// token in hexadecimal may consist of letters alone.
const TOKEN_BYTES: usize = 64;

/// The kinds of answers of one app on one provider. An accepted push never takes the lock.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<HashSet<u64>>);

impl Kinds {
    /// Logs an answer that was not an acceptance, where it is the first of its kind.
    pub(super) fn note(&self, id: &PushId, guard: &Guard, verdict: &Verdict, status: u16) {
        let Some(last) = self.is_new(status, verdict) else { return };
        let (app, provider, outcome) = (guard.app(), guard.provider().name(), verdict.outcome.name());
        let (reason, detail) = (Logged(&verdict.upstream_reason), Logged(&verdict.detail));
        if is_trouble(verdict.outcome) {
            tracing::warn!(%id, %app, provider, status, outcome, %reason, %detail, "first answer of its kind");
        } else {
            tracing::info!(%id, %app, provider, status, outcome, %reason, %detail, "first answer of its kind");
        }
        if last {
            tracing::info!(%app, provider, "further kinds of answers are counted, and not logged any more");
        }
    }

    /// None where the kind is known, or where there are too many; else whether it is the last that is kept.
    fn is_new(&self, status: u16, verdict: &Verdict) -> Option<bool> {
        let mut hasher = DefaultHasher::new();
        let reason = verdict.upstream_reason.as_bytes();
        (status, verdict.outcome, &reason[..reason.len().min(TOLD_BY_BYTES)]).hash(&mut hasher);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = known.len() < MAX_KINDS && known.insert(hasher.finish());
        new.then(|| known.len() == MAX_KINDS)
    }
}

/// Whether an operator may have to act. What is wrong with single targets and pushes is for their callers to mend.
fn is_trouble(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Credential
        | Outcome::RateLimited
        | Outcome::UpstreamUnavailable
        | Outcome::Internal
        | Outcome::Unconfirmed => true,
        Outcome::Accepted
        | Outcome::Unregistered
        | Outcome::InvalidToken
        | Outcome::InvalidPush
        | Outcome::PayloadTooLarge
        | Outcome::NotAttempted
        | Outcome::Validated => false,
    }
}

/// Words of a push service in a log. They are shortened only where the log takes the line.
pub(super) struct Logged<'a>(pub(super) &'a str);

impl fmt::Display for Logged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", shortened(self.0))
    }
}

/// Shortens what may be a token: a push service's sentence may repeat the token of its push, which no log may hold.
pub(super) fn shortened(sentence: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_:%+/=".contains(character);
    let mut shortened = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while !rest.is_empty() {
        let end = rest.find(|character| !is_part(character)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let has_digit = || word.bytes().any(|byte| byte.is_ascii_digit());
        if word.len() >= TOKEN_BYTES || (word.len() >= SHORTENED_BYTES && has_digit()) {
            shortened.push_str(&Shortened(word).to_string());
        } else {
            shortened.push_str(word);
        }
        let other = after.find(is_part).unwrap_or(after.len());
        shortened.push_str(&after[..other]);
        rest = &after[other..];
    }
    shortened
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Heal, Pace, Refuses, Retry};
    use crate::push::{Reason, TokenAction};

    fn verdict(outcome: Outcome, reason: String) -> Verdict {
        Verdict {
            outcome,
            token_action: TokenAction::Keep,
            retry: Retry::Never,
            retryable: false,
            heal: Heal::Nothing,
            pace: Pace::Nothing,
            refuses: Refuses::Nothing,
            reason: Reason::UpstreamAnswered,
            field: "".into(),
            detail: "".into(),
            upstream_reason: reason,
            upstream_id: String::new(),
            token_invalid_since: None,
        }
    }

    #[test]
    fn each_kind_is_new_once_and_there_are_so_many() {
        let kinds = Kinds::default();
        let is_new =
            |status, outcome, reason: &str| kinds.is_new(status, &verdict(outcome, reason.to_owned()));
        assert_eq!(is_new(400, Outcome::InvalidPush, "A"), Some(false));
        assert_eq!(is_new(400, Outcome::InvalidPush, "A"), None);
        assert_eq!(is_new(400, Outcome::InvalidPush, "B"), Some(false));
        assert_eq!(is_new(500, Outcome::UpstreamUnavailable, "A"), Some(false));
        let news: Vec<_> =
            (0..1000).filter_map(|it| is_new(429, Outcome::RateLimited, &it.to_string())).collect();
        assert_eq!((news.len(), news.last()), (MAX_KINDS - 3, Some(&true)));
        // The reason is cut inside a character.
        assert_eq!(
            Kinds::default().is_new(400, &verdict(Outcome::InvalidPush, "é".repeat(200))),
            Some(false)
        );
    }

    #[test]
    fn a_sentence_that_repeats_a_token_is_logged_without_it() {
        for (sentence, logged) in [
            (
                "token 5f1c0000000000000000000000000000000000000000000000000000000000e2 is gone",
                "token 5f1c0000… is gone",
            ),
            (
                "token cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe is gone",
                "token cafecafe… is gone",
            ),
            ("'fGx1:APA91bH-abcdefghijklmnopqrstuvwxyz'", "'fGx1:APA…'"),
            (
                "the VAPID credentials in the authorization header",
                "the VAPID credentials in the authorization header",
            ),
            ("cloudmessaging.messages.create denied", "cloudmessaging.messages.create denied"),
            ("é…", "é…"),
            ("", ""),
        ] {
            assert_eq!(shortened(sentence), logged);
        }
    }
}
