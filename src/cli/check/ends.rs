//! When a certificate ends.

use std::time::{Duration, SystemTime};

use fanfare_upstream::Validity;

use super::row::Row;

/// When a certificate ends, and how many days are left until then. Those that have passed are less than 0.
pub(super) fn ends(validity: Validity, now: SystemTime) -> Row {
    const DAY: u64 = 24 * 60 * 60;
    let days = |time: Duration| i64::try_from(time.as_secs() / DAY).unwrap_or(i64::MAX);
    let until = validity.until();
    let left = until.duration_since(now).map(days);
    let left = left.unwrap_or_else(|passed| -1 - days(passed.duration()));
    Row::new("")
        .fact("valid_until", humantime::format_rfc3339_seconds(until).to_string())
        .fact("days_left", left)
}
