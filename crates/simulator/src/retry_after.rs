//! When a service wants to be asked again.

use std::time::{Duration, UNIX_EPOCH};

use http::HeaderValue;

/// The `retry-after` header of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAfter {
    /// The answer has no such header.
    #[default]
    Absent,
    /// The header holds this many seconds.
    Seconds(u64),
    /// The header holds a date that is this many seconds ahead. Source: RFC 9110, 10.2.3.
    Date(u64),
}

impl RetryAfter {
    pub(crate) fn header(self, now_ms: u64) -> Option<HeaderValue> {
        match self {
            Self::Absent => None,
            Self::Seconds(seconds) => Some(seconds.into()),
            Self::Date(seconds) => {
                let at = UNIX_EPOCH + Duration::from_millis(now_ms) + Duration::from_secs(seconds);
                HeaderValue::from_str(&httpdate::fmt_http_date(at)).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_so_many_seconds_from_now() {
        let header = RetryAfter::Date(10).header(784_111_767_000).unwrap();
        assert_eq!(header, "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
