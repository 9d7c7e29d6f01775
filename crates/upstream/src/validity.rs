//! The time in which a certificate is valid.

use std::fmt;
use std::time::{Duration, SystemTime};

use x509_parser::time::ASN1Time;

/// The last second of the year 9999, which X.509 writes where a certificate has no end. Source: RFC 5280, section
/// 4.1.2.5.
const NO_END: u64 = 253_402_300_799;

/// How long before its end a certificate ends soon. Client certificates are often valid for a year, and a person has to
/// ask for the next one.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The time in which a certificate is valid, from its first second to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    from: SystemTime,
    until: SystemTime,
}

impl Validity {
    /// Reads it from a certificate in DER. It is `None` if that cannot be read.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Some(Self { from: moment(parsed.validity().not_before), until: moment(parsed.validity().not_after) })
    }

    /// The last second in which the certificate is valid.
    #[must_use]
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// Whether the last second has passed.
    #[must_use]
    pub fn has_ended(&self, now: SystemTime) -> bool {
        // The certificate is valid until the end of its last second.
        now.duration_since(self.until).is_ok_and(|since| since >= Duration::from_secs(1))
    }

    /// Whether the first second is still to come.
    #[must_use]
    pub fn has_not_begun(&self, now: SystemTime) -> bool {
        now < self.from
    }

    /// Whether the last second is 30 days away or less, or has passed.
    #[must_use]
    pub fn ends_soon(&self, now: SystemTime) -> bool {
        self.left(now) <= SOON
    }

    /// Since when the last second is 30 days away or less.
    #[must_use]
    pub fn soon_since(&self) -> SystemTime {
        self.until.checked_sub(SOON).unwrap_or(self.until)
    }

    /// The time until the last second. It is zero if that has passed.
    #[must_use]
    pub fn left(&self, now: SystemTime) -> Duration {
        self.until.duration_since(now).unwrap_or_default()
    }
}

/// Shows both ends as RFC 3339 dates, in UTC.
impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = humantime::format_rfc3339_seconds;
        write!(f, "from {} until {}", date(self.from), date(self.until))
    }
}

/// A moment between 1970 and the year 9999. X.509 can write others, but not everything can show them.
fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0).min(NO_END);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
