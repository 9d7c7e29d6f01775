//! When a certificate is valid.

use std::fmt;
use std::time::{Duration, SystemTime};

use x509_parser::time::ASN1Time;

/// The last second that has four digits of a year, as X.509 writes it where there is no end. Source: RFC 5280, section
/// 4.1.2.5.
const NO_END: u64 = 253_402_300_799;

/// The end of a certificate is warned about so long before. Those of APNs are valid for about a year, and a person has to
/// ask for the next.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The first and the last second of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    from: SystemTime,
    until: SystemTime,
}

impl Validity {
    /// Of a certificate in DER; none where it cannot be read.
    pub(super) fn of(certificate: &[u8]) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Some(Self { from: moment(parsed.validity().not_before), until: moment(parsed.validity().not_after) })
    }

    /// Its last second.
    #[must_use]
    pub fn until(&self) -> SystemTime {
        self.until
    }

    /// Whether its last second has passed.
    #[must_use]
    pub fn has_ended(&self, now: SystemTime) -> bool {
        // The last second is counted in full.
        now.duration_since(self.until).is_ok_and(|since| since >= Duration::from_secs(1))
    }

    /// Whether its first second is still to come.
    #[must_use]
    pub fn has_not_begun(&self, now: SystemTime) -> bool {
        now < self.from
    }

    /// Whether its last second is less than 30 days away.
    #[must_use]
    pub fn ends_soon(&self, now: SystemTime) -> bool {
        self.left(now) <= SOON
    }

    /// The time until its last second; nothing where it has passed.
    #[must_use]
    pub fn left(&self, now: SystemTime) -> Duration {
        self.until.duration_since(now).unwrap_or_default()
    }
}

/// Both ends, in UTC.
impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = humantime::format_rfc3339_seconds;
        write!(f, "from {} until {}", date(self.from), date(self.until))
    }
}

/// Dates before 1970 and after the year 9999 can be written, but not by everything that shows them.
fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0).min(NO_END);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}
