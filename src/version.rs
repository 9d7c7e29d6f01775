//! Which build of the program this is.

use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

/// How many digits of a commit's hash are told.
const HASH_DIGITS: usize = 12;

/// How long a date is in RFC 3339, before its time.
const DATE_CHARS: usize = 10;

/// What is told where nobody said it.
const UNKNOWN: &str = "unknown";

/// The commit that a program is built from, as `fanfare_commit::commit!` has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Commit {
    /// Its hash.
    pub hash: Option<&'static str>,
    /// Its time, in seconds since 1970.
    pub seconds: Option<&'static str>,
}

/// The program says it once, as it starts. A library cannot know it: that is built once for many commits.
static COMMIT: OnceLock<Commit> = OnceLock::new();

/// Says which commit this program is built from.
pub(crate) fn is_built_from(commit: Commit) {
    // A second word about the same program changes nothing.
    let _ = COMMIT.set(commit);
}

/// The hash of the commit, shortened, or `unknown`.
pub(crate) fn commit() -> &'static str {
    let hash = COMMIT.get().and_then(|commit| commit.hash).unwrap_or(UNKNOWN);
    hash.get(..HASH_DIGITS).unwrap_or(hash)
}

/// The date of the commit in UTC, or `unknown`.
pub(crate) fn commit_date() -> String {
    let seconds = COMMIT.get().and_then(|commit| commit.seconds).and_then(|seconds| seconds.parse().ok());
    let date = seconds.and_then(date);
    date.unwrap_or_else(|| UNKNOWN.to_owned())
}

fn date(seconds: u64) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    // Writing fails on a year that has more than four digits.
    let mut text = String::new();
    std::fmt::write(&mut text, format_args!("{}", humantime::format_rfc3339_seconds(time))).ok()?;
    text.truncate(DATE_CHARS);
    Some(text)
}

/// The version with its commit, as `fanfare --version` has it behind the name of the program.
pub(crate) fn line() -> &'static str {
    static LINE: OnceLock<String> = OnceLock::new();
    LINE.get_or_init(|| {
        let version = env!("CARGO_PKG_VERSION");
        match (commit(), &*commit_date()) {
            (UNKNOWN, _) => version.to_owned(),
            // A package of a registry knows the hash alone.
            (commit, UNKNOWN) => format!("{version} ({commit})"),
            (commit, date) => format!("{version} ({commit} {date})"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_its_date() {
        assert_eq!(date(0).as_deref(), Some("1970-01-01"));
        assert_eq!(date(1_796_083_199).as_deref(), Some("2026-11-30"));
        assert_eq!(date(1_796_083_200).as_deref(), Some("2026-12-01"));
        assert_eq!(date(u64::MAX), None);
    }
}
