//! What is wrong with JSON that is no message, for whoever wrote it: where it stands, what was expected there, and of what
//! kind is what was found. No value is repeated, since it may be secret.

use std::fmt;

use prost_reflect::MessageDescriptor;

use super::place::Walk;
use super::wrong_member::wrong_member;

/// A mistake in JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// The member that is wrong, as a path such as `target.apns.token`. Empty: the whole, or what is no JSON at all.
    pub(super) path: String,
    /// Where it ends or is seen to be wrong, counted from 1.
    pub(super) line: usize,
    pub(super) column: usize,
    /// What is wrong, in one sentence.
    pub(super) what: String,
}

impl Mistake {
    /// Finds out why JSON is no message of this type, for which `error` was the first sign.
    pub(super) fn find(of: &MessageDescriptor, json: &str, error: &serde_json::Error) -> Self {
        let mistake = Self::plain(error);
        if !error.is_data() {
            return mistake;
        }
        match serde_json::from_str(json) {
            Ok(found) => {
                let (path, what) = wrong_member(of, json, &found);
                Self { path, what, ..mistake }
            }
            // What is behind the wrong member is no JSON, as where an object was written over many lines.
            Err(error) => Self::plain(&error),
        }
    }

    /// What serde_json says by itself, which repeats no value where the text is no JSON at all, or is read as types of serde's.
    pub(super) fn plain(error: &serde_json::Error) -> Self {
        let said = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let said = said.strip_suffix(&place).unwrap_or(&said);
        let what = if error.is_data() { said.to_owned() } else { format!("this is no JSON: {said}") };
        // Columns are counted from 1, but for what is wrong before anything was read.
        Self { path: String::new(), line: error.line(), column: error.column().max(1), what }
    }

    /// Something that concerns the whole, at its beginning.
    pub(super) fn of_whole(what: impl Into<String>) -> Self {
        Self { path: String::new(), line: 1, column: 1, what: what.into() }
    }

    /// The same mistake in a text of which the JSON is a part that begins at this line and column.
    pub(super) fn at(self, (line, column): (usize, usize)) -> Self {
        let column =
            if self.line == 1 { self.column.saturating_add(column.saturating_sub(1)) } else { self.column };
        Self { line: self.line.saturating_add(line.saturating_sub(1)), column, ..self }
    }
}

/// What editors and shells of Windows put before a text. Whoever reads JSON may skip it. Source: RFC 8259, section 8.1.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads bytes as text.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Mistake> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes
            .get(..error.valid_up_to())
            .and_then(|good| std::str::from_utf8(good).ok())
            .unwrap_or_default();
        Mistake::of_whole("expected UTF-8, found other bytes").at(Walk::over(good).to(&good[good.len()..]))
    })
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, what } = self;
        let colon = if path.is_empty() { "" } else { ": " };
        write!(f, "line {line}, column {column}: {path}{colon}{what}")
    }
}
