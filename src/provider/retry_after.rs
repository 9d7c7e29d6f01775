//! How long an answer asks to wait.
//!
//! Source: RFC 9110, section 10.2.3.

use std::time::{Duration, SystemTime};

use fanfare_upstream::Fields;

use super::Retry;

/// The longest `Retry-After` that is honoured, so that a broken answer parks no push for ever. The number is the
/// gateway's own.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Reads seconds, or a date. A date is measured from the answer's own `Date`, so that the two clocks need not agree;
/// where the answer has no `Date`, it is measured from `now`.
pub(crate) fn retry_after(fields: &Fields, now: SystemTime) -> Option<Duration> {
    let value = fields.get_str("retry-after")?.trim();
    let in_seconds = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if in_seconds {
        // More seconds than fit are longer than the longest wait anyway.
        value.parse().map_or(MAX_RETRY_AFTER, Duration::from_secs)
    } else {
        let until = httpdate::parse_http_date(value).ok()?;
        until.duration_since(date(fields).unwrap_or(now)).unwrap_or_default()
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn date(fields: &Fields) -> Option<SystemTime> {
    httpdate::parse_http_date(fields.get_str("date")?).ok()
}

impl Retry {
    /// The wait that an answer asks for counts more than the wait in the table, and more than an attempt at once.
    pub(super) fn asked_to_wait(self, asked: Option<Duration>) -> Self {
        match self {
            Self::Never | Self::Once | Self::IfRepeatable => self,
            Self::OnceThen(_) | Self::After(_) => asked.map_or(self, Self::After),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;
    use crate::provider::replies::reply;

    /// Sun, 06 Nov 1994 08:49:37 GMT.
    const NOW: Duration = Duration::from_secs(784_111_777);

    fn wait(fields: &[(&str, &str)]) -> Option<u64> {
        let reply = reply(503, fields, "");
        retry_after(&reply.fields, UNIX_EPOCH + NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn it_is_seconds_or_a_date() {
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "7")]), Some(7));
        assert_eq!(wait(&[("retry-after", "0")]), Some(0));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(60));
        let earlier = ("date", "Sun, 06 Nov 1994 08:49:07 GMT");
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), earlier]), Some(90));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), earlier]), Some(0));
        for odd in ["soon", "", "-1", "1.5", "7 s", "+7"] {
            assert_eq!(wait(&[("retry-after", odd)]), None, "{odd}");
        }
    }

    #[test]
    fn it_never_overflows() {
        for long in ["99999999999", "18446744073709551615", "18446744073709551616", &"9".repeat(200)] {
            assert_eq!(wait(&[("retry-after", long)]), Some(86_400), "{long}");
        }
        assert_eq!(wait(&[("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT")]), Some(86_400));
    }

    #[test]
    fn what_is_asked_replaces_a_wait_and_no_verdict() {
        let (asked, own) = (Duration::from_secs(7), Duration::from_secs(900));
        for (retry, becomes) in [
            (Retry::After(own), Retry::After(asked)),
            (Retry::OnceThen(own), Retry::After(asked)),
            (Retry::Once, Retry::Once),
            (Retry::Never, Retry::Never),
        ] {
            assert_eq!(retry.asked_to_wait(Some(asked)), becomes);
            assert_eq!(retry.asked_to_wait(None), retry);
        }
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(
            value in prop_oneof!["[0-9]{1,60}", "[ -~]{0,40}"], date in "[ -~]{0,40}", seconds: u32,
        ) {
            let reply = reply(503, &[("retry-after", &value), ("date", &date)], "");
            let now = UNIX_EPOCH + Duration::from_secs(seconds.into());
            prop_assert!(retry_after(&reply.fields, now).is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        }
    }
}
