//! Reads the results of earlier runs, so that a push that has its verdict is not sent again, however the input file was
//! edited since.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::identity::LineKey;
use super::retry::RetryCases;
use crate::files::without_byte_order_mark;
use crate::proto::{Delivery, Outcome, TokenAction};

/// The longest line that is read. A result is far shorter.
const MAX_RESULT_BYTES: u64 = 1024 * 1024;

/// Every result begins with these bytes.
const BEGINNING: &[u8] = b"{\"line\":";

/// The last verdict of each push. It takes some 36 bytes of memory for each.
#[derive(Default)]
pub(super) struct EarlierResults {
    known: HashMap<LineKey, EarlierVerdict>,
    /// How many bytes the lines that were read in full have together.
    whole: u64,
}

/// The verdict of an earlier run, as far as it decides whether the push is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EarlierVerdict {
    /// The push was accepted and is not sent again.
    Accepted,
    /// The push was validated by a dry run, which only another dry run skips.
    Validated,
    /// The push may have been delivered and is sent again only if it is repeatable.
    InDoubt,
    /// The push may have been delivered and is sent again because `--retry UNCONFIRMED` says so.
    InDoubtButAsked,
    /// The push ended with another verdict that stands.
    Other,
}

/// What the run does with a line of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineAction {
    /// The line is sent for the first time.
    Send,
    /// The line is sent again and may have been delivered before.
    Repeat,
    /// The line has its verdict already. `good` says whether the push was accepted or validated.
    Skip { good: bool },
}

/// The members of a result that say which push it belongs to, and whether its verdict stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResultLine<'a> {
    #[serde(borrow, default)]
    content: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    id: std::borrow::Cow<'a, str>,
    #[serde(default)]
    occurrence: u32,
    #[serde(borrow)]
    outcome: &'a RawValue,
    #[serde(borrow, default)]
    delivery: EnumName<'a>,
    #[serde(borrow, default)]
    token_action: EnumName<'a>,
    #[serde(default)]
    retryable: bool,
}

/// The name of an enum's value. A value that is newer than this program is written as a number.
#[derive(Deserialize, Default)]
#[serde(transparent)]
struct EnumName<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl EnumName<'_> {
    fn text(&self) -> &str {
        self.0.map_or("", |raw| raw.get().trim_matches('"'))
    }
}

impl EarlierResults {
    /// Reads the results of this content, and calls `told` with each push whose result begins at byte `from` or later. If a
    /// push has several results, the last one stands.
    ///
    /// # Errors
    /// Fails if a line is no result, because the file is some other one that nothing must be appended to; and if a result
    /// belongs to another content, because its push would be taken for one of this run. Only the last line may be cut,
    /// which is what a killed run leaves behind; it is not counted in `whole`.
    pub(super) fn read(
        mut results: impl BufRead,
        content: &str,
        retry: &RetryCases,
        from: u64,
        mut told: impl FnMut(LineKey),
    ) -> anyhow::Result<Self> {
        let mut earlier = Self::default();
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            text.clear();
            let read = (&mut results).take(MAX_RESULT_BYTES).read_until(b'\n', &mut text)?;
            number += 1;
            let text = if number == 1 { without_byte_order_mark(&text) } else { &text };
            match serde_json::from_slice::<ResultLine<'_>>(text) {
                _ if read == 0 => return Ok(earlier),
                Ok(line) => {
                    ensure!(
                        line.content.is_empty() || line.content == content,
                        "line {number} is a result of another content ({}, and this is {content}): the app, title, \
                         body, data, topic or environment was another; use another file for the results",
                        line.content
                    );
                    let key = LineKey::of(&line.id, line.occurrence);
                    if earlier.whole >= from {
                        told(key);
                    }
                    match known(&line, retry) {
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

    /// How many bytes the lines that were read in full have together.
    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// Remembers a push that a killed run left in doubt.
    pub(super) fn doubt(&mut self, key: LineKey, retry: &RetryCases) {
        let asked = retry.covers(Outcome::Unconfirmed, TokenAction::Keep);
        self.known.insert(key, if asked { EarlierVerdict::InDoubtButAsked } else { EarlierVerdict::InDoubt });
    }

    /// Decides what the run does with the line that has this key.
    pub(super) fn next(&self, key: LineKey, repeatable: bool, dry_run: bool) -> LineAction {
        match self.known.get(&key) {
            None => LineAction::Send,
            Some(EarlierVerdict::Validated) if !dry_run => LineAction::Send,
            Some(EarlierVerdict::InDoubt) if repeatable => LineAction::Repeat,
            Some(EarlierVerdict::InDoubtButAsked) => LineAction::Repeat,
            Some(EarlierVerdict::Accepted | EarlierVerdict::Validated) => LineAction::Skip { good: true },
            Some(EarlierVerdict::InDoubt | EarlierVerdict::Other) => LineAction::Skip { good: false },
        }
    }
}

/// Whether this is the beginning of a result that was cut, which only the end of a file may be.
fn is_cut(text: &[u8]) -> bool {
    !text.ends_with(b"\n") && (text.starts_with(BEGINNING) || BEGINNING.starts_with(text))
}

/// The verdict as far as it stands. `None` means that the push was not delivered and is still to be sent.
fn known(line: &ResultLine<'_>, retry: &RetryCases) -> Option<EarlierVerdict> {
    let outcome =
        Outcome::from_str_name(line.outcome.get().trim_matches('"')).unwrap_or(Outcome::Unspecified);
    let action = TokenAction::from_str_name(line.token_action.text()).unwrap_or(TokenAction::Unspecified);
    let in_doubt = outcome == Outcome::Unconfirmed
        || Delivery::from_str_name(line.delivery.text()) == Some(Delivery::Maybe);
    let goes_on = match outcome {
        Outcome::Accepted => return Some(EarlierVerdict::Accepted),
        Outcome::Validated if !in_doubt => return Some(EarlierVerdict::Validated),
        // A dry run delivers nothing, so a push that was in doubt before it still is.
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
    match (goes_on || retry.covers(outcome, action), in_doubt) {
        (false, _) => Some(EarlierVerdict::Other),
        (true, false) => None,
        // A push that may have been delivered is repeated only if the caller names UNCONFIRMED itself.
        (true, true) if retry.covers(Outcome::Unconfirmed, action) => Some(EarlierVerdict::InDoubtButAsked),
        (true, true) => Some(EarlierVerdict::InDoubt),
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

    fn earlier(words: &[&str]) -> EarlierResults {
        let retry = RetryCases::new(words.iter().map(|word| word.parse().unwrap()));
        EarlierResults::read(RESULTS.as_bytes(), "c", &retry, 0, |_| {}).unwrap()
    }

    const BAD: LineAction = LineAction::Skip { good: false };

    #[test]
    fn only_what_has_a_verdict_is_skipped() {
        let earlier = earlier(&[]);
        let next = |id, occurrence| earlier.next(LineKey::of(id, occurrence), false, false);
        assert_eq!(next("a", 0), LineAction::Skip { good: true });
        for (id, occurrence) in
            [("new", 0), ("a", 1), ("l", 0), ("b", 0), ("c", 0), ("h", 0), ("i", 0), ("f", 0)]
        {
            assert_eq!(next(id, occurrence), LineAction::Send, "{id}");
        }
        for (id, occurrence) in [("d", 0), ("e", 0), ("g", 0), ("i", 1), ("j", 0), ("k", 0)] {
            assert_eq!(next(id, occurrence), BAD, "{id}");
        }
        assert_eq!(earlier.next(LineKey::of("f", 0), false, true), LineAction::Skip { good: true });
    }

    #[test]
    fn what_is_in_doubt_goes_again_where_a_duplicate_does_no_harm_or_where_it_is_asked_for() {
        let next = |words: &[&str], repeatable| {
            ["e", "k"].map(|id| earlier(words).next(LineKey::of(id, 0), repeatable, false))
        };
        assert_eq!(next(&[], true), [LineAction::Repeat; 2]);
        assert_eq!(next(&["unconfirmed"], false), [LineAction::Repeat; 2]);
        assert_eq!(next(&["upstream_unavailable"], false), [BAD; 2]);
    }

    #[test]
    fn what_is_asked_for_by_its_outcome_is_sent_again() {
        let asked = earlier(&["credential", "QUARANTINE"]);
        assert_eq!(
            [("i", 1), ("j", 0)].map(|(id, n)| asked.next(LineKey::of(id, n), false, false)),
            [LineAction::Send; 2]
        );
        assert_eq!(asked.next(LineKey::of("d", 0), false, false), BAD);
    }

    #[test]
    fn another_file_is_not_taken_for_results() {
        let read = |text: &str| {
            EarlierResults::read(text.as_bytes(), "c", &RetryCases::default(), 0, |_| {}).map(|_| ())
        };
        for text in ["ab12\n", "ab12", "{\"app\":\"shop\"}\n", "{\"line\":1,\"outcome\":\"X\"}\nab12\n"] {
            assert!(read(text).is_err(), "{text}");
        }
        let other = read(r#"{"line":1,"content":"d","id":"a","outcome":"OUTCOME_ACCEPTED"}"#).unwrap_err();
        assert!(other.to_string().contains("another content"), "{other}");
    }

    #[test]
    fn a_last_result_may_be_cut_anywhere_and_no_other_line_counts_as_cut() {
        let whole = "{\"line\":1,\"id\":\"a\",\"outcome\":\"OUTCOME_ACCEPTED\"}\n";
        let read = |text: &str| EarlierResults::read(text.as_bytes(), "c", &RetryCases::default(), 0, |_| {});
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
        EarlierResults::read(RESULTS.as_bytes(), "c", &RetryCases::default(), from, |key| told.push(key))
            .unwrap();
        assert_eq!(told, [LineKey::of("k", 0)]);
    }
}
