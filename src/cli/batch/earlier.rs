//! What an earlier run wrote: lines that have their verdict are not sent again.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io::{BufRead, Read};

use anyhow::Context;
use serde::Deserialize;

use crate::files::without_byte_order_mark;
use crate::proto::Outcome;

/// A result is far shorter than this.
const MAX_RESULT_BYTES: u64 = 1024 * 1024;

/// How each result begins.
const BEGINNING: &[u8] = b"{\"line\":";

/// The verdicts of an earlier run, by line: some 24 bytes each.
#[derive(Default)]
pub(super) struct Earlier {
    verdicts: HashMap<u64, (u64, Verdict)>,
    repeatable: bool,
    /// Bytes of whole lines.
    whole: u64,
}

#[derive(Clone, Copy)]
enum Verdict {
    Accepted,
    /// Final for another dry run only.
    Validated,
    /// Final, unless duplicates do no harm.
    Unconfirmed,
    /// Final, and not accepted.
    Other,
}

/// Of a result, what says whether it stands.
#[derive(Deserialize)]
struct Line<'a> {
    line: u64,
    #[serde(borrow, default)]
    id: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    outcome: OutcomeName<'a>,
    #[serde(default)]
    retryable: bool,
}

/// An outcome that is newer than this program is a number.
#[derive(Deserialize)]
#[serde(transparent)]
struct OutcomeName<'a>(#[serde(borrow)] &'a serde_json::value::RawValue);

impl Earlier {
    /// Reads results. Of several of one line the last stands.
    ///
    /// # Errors
    /// When a line is no result: then it is some other file, and nothing must be appended to it. Only the last
    /// line may be cut, which is what a killed run leaves behind; it is not counted in `whole`.
    pub(super) fn read(mut results: impl BufRead, repeatable: bool) -> anyhow::Result<Self> {
        let mut earlier = Self { repeatable, ..Self::default() };
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            text.clear();
            let read = (&mut results).take(MAX_RESULT_BYTES).read_until(b'\n', &mut text)?;
            number += 1;
            let text = if number == 1 { without_byte_order_mark(&text) } else { &text };
            match serde_json::from_slice::<Line<'_>>(text) {
                _ if read == 0 => return Ok(earlier),
                Ok(line) => earlier.take(&line),
                Err(_) if text.starts_with(BEGINNING) && !text.ends_with(b"\n") => return Ok(earlier),
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

    fn take(&mut self, line: &Line<'_>) {
        match verdict(line.outcome.0.get().trim_matches('"'), line.retryable) {
            Some(verdict) => self.verdicts.insert(line.line, (hash(&line.id), verdict)),
            None => self.verdicts.remove(&line.line),
        };
    }

    /// Whether the line has its verdict, and if so whether it was accepted.
    pub(super) fn verdict(&self, line: u64, id: &str, dry_run: bool) -> Option<bool> {
        let (known, verdict) = self.verdicts.get(&line)?;
        if *known != hash(id) {
            return None;
        }
        match verdict {
            Verdict::Accepted => Some(true),
            Verdict::Validated => dry_run.then_some(true),
            Verdict::Unconfirmed => (!self.repeatable).then_some(false),
            Verdict::Other => Some(false),
        }
    }
}

/// None: the push is still to be sent.
fn verdict(outcome: &str, retryable: bool) -> Option<Verdict> {
    match Outcome::from_str_name(outcome) {
        Some(Outcome::Accepted) => Some(Verdict::Accepted),
        Some(Outcome::Validated) => Some(Verdict::Validated),
        Some(Outcome::Unconfirmed) => Some(Verdict::Unconfirmed),
        Some(Outcome::NotAttempted) => None,
        Some(Outcome::RateLimited | Outcome::UpstreamUnavailable) => (!retryable).then_some(Verdict::Other),
        Some(
            Outcome::Unspecified
            | Outcome::Unregistered
            | Outcome::InvalidToken
            | Outcome::InvalidPush
            | Outcome::PayloadTooLarge
            | Outcome::Credential
            | Outcome::Internal,
        )
        | None => Some(Verdict::Other),
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = r#"{"line":1,"id":"a","outcome":"OUTCOME_ACCEPTED","delivery":"DELIVERY_ACCEPTED"}
{"line":2,"id":"b","outcome":"OUTCOME_NOT_ATTEMPTED"}
{"line":3,"id":"c","outcome":"OUTCOME_RATE_LIMITED","retryable":true}
{"line":4,"id":"d","outcome":"OUTCOME_UPSTREAM_UNAVAILABLE"}
{"line":5,"id":"e","outcome":"OUTCOME_UNCONFIRMED","retryable":true}
{"line":6,"id":"f","outcome":"OUTCOME_VALIDATED"}
{"line":7,"id":"g","outcome":99}
{"line":8,"id":"h","outcome":"OUTCOME_ACCEPTED"}
{"line":8,"id":"h","outcome":"OUTCOME_NOT_ATTEMPTED"}
{"line":9,"id":"i","outc"#;

    #[test]
    fn only_what_has_a_verdict_is_skipped() {
        let read = |repeatable| Earlier::read(RESULTS.as_bytes(), repeatable).unwrap();
        let earlier = read(false);
        let said = |line, id| earlier.verdict(line, id, false);
        assert_eq!(said(1, "a"), Some(true));
        assert_eq!(said(1, "another push by now"), None);
        assert_eq!([said(2, "b"), said(3, "c"), said(8, "h"), said(9, "i")], [None; 4]);
        assert_eq!([said(4, "d"), said(5, "e"), said(7, "g")], [Some(false); 3]);
        assert_eq!(read(true).verdict(5, "e", false), None);
        assert_eq!((said(6, "f"), earlier.verdict(6, "f", true)), (None, Some(true)));
    }

    #[test]
    fn another_file_is_not_taken_for_results() {
        for text in ["ab12\n", "ab12", "{\"app\":\"shop\"}\n", "{\"line\":1,\"outcome\":\"X\"}\nab12\n"] {
            assert!(Earlier::read(text.as_bytes(), false).is_err(), "{text}");
        }
    }
}
