//! What earlier runs wrote: a push that has its verdict is not sent again, however its file was edited since.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::again::Again;
use super::identity::Key;
use crate::files::without_byte_order_mark;
use crate::proto::{Delivery, Outcome, TokenAction};

/// A result is far shorter than this.
const MAX_RESULT_BYTES: u64 = 1024 * 1024;

/// How each result begins.
const BEGINNING: &[u8] = b"{\"line\":";

/// The last verdict of each push: some 36 bytes each.
#[derive(Default)]
pub(super) struct Earlier {
    known: HashMap<Key, Known>,
    /// Bytes of whole lines.
    whole: u64,
}

/// What is known of a push that was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Accepted,
    /// It stands for another dry run only.
    Validated,
    /// It may have been delivered, and goes again only where that does no harm.
    InDoubt,
    /// The same, and it was asked for by name.
    Asked,
    /// Another verdict that stands.
    Other,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It is sent.
    Send,
    /// It is sent, and may have been delivered before.
    Repeat,
    /// It has its verdict; whether that is a good one.
    Skip { good: bool },
}

/// Of a result, what says which push it is of, and whether it stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    #[serde(borrow, default)]
    content: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    id: std::borrow::Cow<'a, str>,
    #[serde(default)]
    occurrence: u32,
    #[serde(borrow)]
    outcome: &'a RawValue,
    #[serde(borrow, default)]
    delivery: Name<'a>,
    #[serde(borrow, default)]
    token_action: Name<'a>,
    #[serde(default)]
    retryable: bool,
}

/// A name of an enum; one that is newer than this program is a number.
#[derive(Deserialize, Default)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl Name<'_> {
    fn text(&self) -> &str {
        self.0.map_or("", |raw| raw.get().trim_matches('"'))
    }
}

impl Earlier {
    /// Reads results of this content; `from` is told of each push whose result begins at its first byte or behind
    /// it. Of several results of one push the last stands.
    ///
    /// # Errors
    /// Where a line is no result: then it is some other file, and nothing must be appended to it. Where results are
    /// of another content: then a line of this run would be taken for one of that. Only the last line may be cut,
    /// which is what a killed run leaves behind; it is not counted in `whole`.
    pub(super) fn read(
        mut results: impl BufRead,
        content: &str,
        again: &Again,
        from: u64,
        mut told: impl FnMut(Key),
    ) -> anyhow::Result<Self> {
        let mut earlier = Self::default();
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            text.clear();
            let read = (&mut results).take(MAX_RESULT_BYTES).read_until(b'\n', &mut text)?;
            number += 1;
            let text = if number == 1 { without_byte_order_mark(&text) } else { &text };
            match serde_json::from_slice::<Line<'_>>(text) {
                _ if read == 0 => return Ok(earlier),
                Ok(line) => {
                    ensure!(
                        line.content.is_empty() || line.content == content,
                        "line {number} is a result of another content ({}, and this is {content}): another app, \
                         title, body, data, topic or environment; take another file for the results",
                        line.content
                    );
                    let key = Key::of(&line.id, line.occurrence);
                    if earlier.whole >= from {
                        told(key);
                    }
                    match known(&line, again) {
                        Some(known) => earlier.known.insert(key, known),
                        None => earlier.known.remove(&key),
                    };
                }
                Err(_) if (read as u64) < MAX_RESULT_BYTES && is_cut(text) => return Ok(earlier),
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("line {number} is no result of `fanfare batch`"));
                }
            }
            earlier.whole += read as u64;
        }
    }

    /// Bytes of the lines that were read in full.
    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// Takes in a push that a killed run left in doubt.
    pub(super) fn doubt(&mut self, key: Key, again: &Again) {
        let asked = again.asks_for(Outcome::Unconfirmed, TokenAction::Keep);
        self.known.insert(key, if asked { Known::Asked } else { Known::InDoubt });
    }

    /// What becomes of a line with this identity.
    pub(super) fn next(&self, key: Key, repeatable: bool, dry_run: bool) -> Next {
        match self.known.get(&key) {
            None => Next::Send,
            Some(Known::Validated) if !dry_run => Next::Send,
            Some(Known::InDoubt) if repeatable => Next::Repeat,
            Some(Known::Asked) => Next::Repeat,
            Some(Known::Accepted | Known::Validated) => Next::Skip { good: true },
            Some(Known::InDoubt | Known::Other) => Next::Skip { good: false },
        }
    }
}

/// Whether this is the beginning of a result, and no more: all that a file ends with is cut there.
fn is_cut(text: &[u8]) -> bool {
    !text.ends_with(b"\n") && (text.starts_with(BEGINNING) || BEGINNING.starts_with(text))
}

/// None: the push is still to be sent, and was not delivered.
fn known(line: &Line<'_>, again: &Again) -> Option<Known> {
    let outcome =
        Outcome::from_str_name(line.outcome.get().trim_matches('"')).unwrap_or(Outcome::Unspecified);
    let action = TokenAction::from_str_name(line.token_action.text()).unwrap_or(TokenAction::Unspecified);
    let in_doubt = outcome == Outcome::Unconfirmed
        || Delivery::from_str_name(line.delivery.text()) == Some(Delivery::Maybe);
    let goes_on = match outcome {
        Outcome::Accepted => return Some(Known::Accepted),
        Outcome::Validated if !in_doubt => return Some(Known::Validated),
        // A dry run of what is in doubt leaves it so.
        Outcome::Validated | Outcome::NotAttempted | Outcome::Unconfirmed => true,
        Outcome::RateLimited | Outcome::UpstreamUnavailable => line.retryable,
        Outcome::Unspecified
        | Outcome::Unregistered
        | Outcome::InvalidToken
        | Outcome::InvalidPush
        | Outcome::PayloadTooLarge
        | Outcome::Credential
        | Outcome::Internal => false,
    };
    match (goes_on || again.asks_for(outcome, action), in_doubt) {
        (false, _) => Some(Known::Other),
        (true, false) => None,
        // What may have been delivered is asked for in so many words.
        (true, true) if again.asks_for(Outcome::Unconfirmed, action) => Some(Known::Asked),
        (true, true) => Some(Known::InDoubt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = r#"{"line":1,"content":"c","id":"a","outcome":"OUTCOME_ACCEPTED","delivery":"DELIVERY_ACCEPTED"}
{"line":2,"content":"c","id":"b","outcome":"OUTCOME_NOT_ATTEMPTED"}
{"line":3,"content":"c","id":"c","outcome":"OUTCOME_RATE_LIMITED","retryable":true}
{"line":4,"content":"c","id":"d","outcome":"OUTCOME_UPSTREAM_UNAVAILABLE"}
{"line":5,"content":"c","id":"e","outcome":"OUTCOME_UNCONFIRMED","retryable":true}
{"line":6,"content":"c","id":"f","outcome":"OUTCOME_VALIDATED"}
{"line":7,"content":"c","id":"g","outcome":99}
{"line":8,"content":"c","id":"h","outcome":"OUTCOME_ACCEPTED"}
{"line":8,"content":"c","id":"h","outcome":"OUTCOME_NOT_ATTEMPTED"}
{"line":9,"content":"c","id":"i","occurrence":1,"outcome":"OUTCOME_CREDENTIAL"}
{"line":10,"content":"c","id":"j","outcome":"OUTCOME_INVALID_TOKEN","tokenAction":"TOKEN_ACTION_QUARANTINE"}
{"line":11,"content":"c","id":"k","outcome":"OUTCOME_UPSTREAM_UNAVAILABLE","delivery":"DELIVERY_MAYBE","retryable":true}
{"line":12,"id":"l","outc"#;

    fn earlier(words: &[&str]) -> Earlier {
        let again = Again::new(words.iter().map(|it| it.parse().unwrap()));
        Earlier::read(RESULTS.as_bytes(), "c", &again, 0, |_| {}).unwrap()
    }

    const BAD: Next = Next::Skip { good: false };

    #[test]
    fn only_what_has_a_verdict_is_skipped() {
        let earlier = earlier(&[]);
        let next = |id, occurrence| earlier.next(Key::of(id, occurrence), false, false);
        assert_eq!(next("a", 0), Next::Skip { good: true });
        for (id, occurrence) in
            [("new", 0), ("a", 1), ("l", 0), ("b", 0), ("c", 0), ("h", 0), ("i", 0), ("f", 0)]
        {
            assert_eq!(next(id, occurrence), Next::Send, "{id}");
        }
        for (id, occurrence) in [("d", 0), ("e", 0), ("g", 0), ("i", 1), ("j", 0), ("k", 0)] {
            assert_eq!(next(id, occurrence), BAD, "{id}");
        }
        assert_eq!(earlier.next(Key::of("f", 0), false, true), Next::Skip { good: true });
    }

    #[test]
    fn what_is_in_doubt_goes_again_where_a_duplicate_does_no_harm_or_where_it_is_asked_for() {
        let next = |words: &[&str], repeatable| {
            ["e", "k"].map(|id| earlier(words).next(Key::of(id, 0), repeatable, false))
        };
        assert_eq!(next(&[], true), [Next::Repeat; 2]);
        assert_eq!(next(&["unconfirmed"], false), [Next::Repeat; 2]);
        assert_eq!(next(&["upstream_unavailable"], false), [BAD; 2]);
    }

    #[test]
    fn what_is_asked_for_by_its_outcome_is_sent_again() {
        let asked = earlier(&["credential", "QUARANTINE"]);
        assert_eq!(
            [("i", 1), ("j", 0)].map(|(id, n)| asked.next(Key::of(id, n), false, false)),
            [Next::Send; 2]
        );
        assert_eq!(asked.next(Key::of("d", 0), false, false), BAD);
    }

    #[test]
    fn another_file_is_not_taken_for_results() {
        let read = |text: &str| Earlier::read(text.as_bytes(), "c", &Again::default(), 0, |_| {}).map(|_| ());
        for text in ["ab12\n", "ab12", "{\"app\":\"shop\"}\n", "{\"line\":1,\"outcome\":\"X\"}\nab12\n"] {
            assert!(read(text).is_err(), "{text}");
        }
        let other = read(r#"{"line":1,"content":"d","id":"a","outcome":"OUTCOME_ACCEPTED"}"#).unwrap_err();
        assert!(other.to_string().contains("another content"), "{other}");
    }

    #[test]
    fn a_last_result_may_be_cut_anywhere_and_no_other_line_counts_as_cut() {
        let whole = "{\"line\":1,\"id\":\"a\",\"outcome\":\"OUTCOME_ACCEPTED\"}\n";
        let read = |text: &str| Earlier::read(text.as_bytes(), "c", &Again::default(), 0, |_| {});
        for cut in 0..whole.len() - 2 {
            let earlier = read(&format!("{whole}{}", &whole[..cut])).unwrap();
            assert_eq!(earlier.whole(), whole.len() as u64, "{cut}");
        }
        // What follows a line that is too long is not given up with it.
        let long = "x".repeat(usize::try_from(MAX_RESULT_BYTES).unwrap());
        let error = read(&format!("{{\"line\":1,\"id\":\"{long}\"}}\n{whole}")).err().unwrap();
        assert!(error.to_string().contains("line 1 is no result"), "{error}");
    }

    #[test]
    fn results_from_a_byte_on_are_told() {
        let from = RESULTS.find("{\"line\":11").unwrap() as u64;
        let mut told = Vec::new();
        Earlier::read(RESULTS.as_bytes(), "c", &Again::default(), from, |key| told.push(key)).unwrap();
        assert_eq!(told, [Key::of("k", 0)]);
    }
}
