//! The kinds of answers that were logged. Each kind is logged once, in the push service's own words, however many pushes get
//! such an answer; the metrics count them. A kind that an operator may have to act on is logged again while it goes on, at most
//! once a minute, with how many there were.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// How often a kind that goes on is logged again.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// The kinds of answers of one app on one provider. An accepted push never takes the lock.
#[derive(Debug, Default)]
pub(super) struct Kinds(Mutex<HashMap<u64, Seen>>);

/// A kind that was logged.
#[derive(Debug)]
struct Seen {
    logged: Instant,
    /// How many answers of the kind came since.
    since: u64,
}

/// What the log is told of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// It is the first of its kind.
    First,
    /// The same, and it is the last kind that is kept.
    LastKind,
    /// So many of its kind came since one was logged.
    GoesOn(u64),
}

impl Kinds {
    /// Logs an answer that was not an acceptance, where it is the first of its kind, or its kind is trouble that goes on.
    pub(super) fn note(&self, id: &PushId, guard: &Guard, verdict: &Verdict, status: u16) {
        let Some(told) = self.told(status, verdict, Instant::now()) else { return };
        let (app, provider, outcome) = (guard.app(), guard.provider().name(), verdict.outcome.name());
        let (reason, detail) = (Logged(&verdict.upstream_reason), Logged(&verdict.detail));
        if let Told::GoesOn(answers) = told {
            tracing::warn!(%app, provider, status, outcome, %reason, %detail, answers, "such answers go on");
            return;
        }
        if is_trouble(verdict.outcome) {
            tracing::warn!(%id, %app, provider, status, outcome, %reason, %detail, "first answer of its kind");
        } else {
            tracing::info!(%id, %app, provider, status, outcome, %reason, %detail, "first answer of its kind");
        }
        if told == Told::LastKind {
            tracing::info!(%app, provider, "further kinds of answers are counted, and not logged any more");
        }
    }

    /// What the log is told of an answer that comes now; none where it was told lately, or there are too many kinds.
    fn told(&self, status: u16, verdict: &Verdict, now: Instant) -> Option<Told> {
        let mut hasher = DefaultHasher::new();
        let reason = verdict.upstream_reason.as_bytes();
        (status, verdict.outcome, &reason[..reason.len().min(TOLD_BY_BYTES)]).hash(&mut hasher);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kinds = known.len();
        match known.entry(hasher.finish()) {
            Entry::Occupied(mut seen) => {
                let seen = seen.get_mut();
                seen.since += 1;
                let is_due = now.saturating_duration_since(seen.logged) >= AGAIN_AFTER;
                if !is_due || !is_trouble(verdict.outcome) {
                    return None;
                }
                seen.logged = now;
                Some(Told::GoesOn(std::mem::take(&mut seen.since)))
            }
            Entry::Vacant(_) if kinds >= MAX_KINDS => None,
            Entry::Vacant(new) => {
                new.insert(Seen { logged: now, since: 0 });
                Some(if kinds + 1 == MAX_KINDS { Told::LastKind } else { Told::First })
            }
        }
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
        let (kinds, now) = (Kinds::default(), Instant::now());
        let told =
            |status, outcome, reason: &str| kinds.told(status, &verdict(outcome, reason.to_owned()), now);
        assert_eq!(told(400, Outcome::InvalidPush, "A"), Some(Told::First));
        assert_eq!(told(400, Outcome::InvalidPush, "A"), None);
        assert_eq!(told(400, Outcome::InvalidPush, "B"), Some(Told::First));
        assert_eq!(told(500, Outcome::UpstreamUnavailable, "A"), Some(Told::First));
        let news: Vec<_> =
            (0..1000).filter_map(|it| told(429, Outcome::RateLimited, &it.to_string())).collect();
        assert_eq!((news.len(), news.last()), (MAX_KINDS - 3, Some(&Told::LastKind)));
        // The reason is cut inside a character.
        let long = verdict(Outcome::InvalidPush, "é".repeat(200));
        assert_eq!(Kinds::default().told(400, &long, now), Some(Told::First));
    }

    #[test]
    fn trouble_that_goes_on_is_told_each_minute_with_its_number() {
        let (kinds, now) = (Kinds::default(), Instant::now());
        let told = |outcome, after| kinds.told(403, &verdict(outcome, String::new()), now + after);
        let (trouble, fault) = (Outcome::Credential, Outcome::InvalidPush);
        assert_eq!([trouble, fault].map(|it| told(it, Duration::ZERO)), [const { Some(Told::First) }; 2]);
        for second in 1..60 {
            assert_eq!([trouble, fault].map(|it| told(it, Duration::from_secs(second))), [const { None }; 2]);
        }
        assert_eq!(told(trouble, AGAIN_AFTER), Some(Told::GoesOn(60)));
        assert_eq!(told(trouble, AGAIN_AFTER), None);
        assert_eq!(told(trouble, 2 * AGAIN_AFTER), Some(Told::GoesOn(2)));
        assert_eq!(told(fault, 2 * AGAIN_AFTER), None, "it is for the callers to mend");
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
