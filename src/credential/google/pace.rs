//! When an access token is renewed, and how long a failed call waits. The functions are pure: the chance is an
//! argument.

use std::time::Duration;

use crate::credential::NoToken;

/// The shortest time between two calls of one token endpoint, however short a token lives.
pub(super) const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// How long before its end a token is renewed: time for failures of the endpoint to pass. Google's metadata
/// server gives a fresh token from five minutes before the end of the old one.
///
/// Source: Google, "Authenticate workloads using the metadata server", on the caching of access tokens.
const AHEAD: Duration = Duration::from_secs(5 * 60);

/// A token that lives shortly is renewed when so much of its life is left.
const SHORT_LIFE_LEFT: u32 = 5;

/// The wait after the first failed call.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// The longest wait after failed calls.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Returns how long after its receipt a token of this lifetime is renewed. `chance` is in 0..1, so that gateways that
/// started together do not call together.
pub(super) fn renew_after(lifetime: Duration, chance: f64) -> Duration {
    let ahead = AHEAD.min(lifetime / SHORT_LIFE_LEFT);
    lifetime - ahead - ahead.mul_f64(chance / 5.0)
}

/// Returns the wait after so many failures in a row. `chance` is in 0..1.
fn backoff(failures: u32, chance: f64) -> Duration {
    // Beyond this many doublings the longest wait is reached anyway.
    let doublings = failures.saturating_sub(1).min(10);
    let longest = (BACKOFF_MIN * (1 << doublings)).min(BACKOFF_MAX);
    longest.mul_f64(1.0 - chance / 4.0)
}

/// Returns the wait before the next call after so many that brought no token. An endpoint that is left alone was not asked,
/// so the wait is over when the breaker lets somebody ask again: a fresh token comes soon after the endpoint is well.
pub(super) fn after_failure(why: &NoToken, failures: u32, chance: f64) -> Duration {
    match why {
        NoToken::LeftAlone { retry_after, .. } => MIN_INTERVAL.max(*retry_after),
        NoToken::Refused(_) | NoToken::Unavailable(_) | NoToken::Deadline => backoff(failures, chance),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_token_is_renewed_five_minutes_before_its_end_or_at_four_fifths_of_a_short_life() {
        assert_eq!(renew_after(seconds(3599.0), 0.0), seconds(3299.0));
        assert_eq!(renew_after(seconds(3599.0), 0.5), seconds(3269.0));
        assert_eq!(renew_after(seconds(100.0), 0.0), seconds(80.0));
        assert_eq!(renew_after(seconds(100.0), 0.5), seconds(78.0));
        assert_eq!(renew_after(Duration::ZERO, 0.9), Duration::ZERO);
    }

    #[test]
    fn failures_back_off_from_a_second_to_a_minute() {
        let waits = (1..=9).map(|failures| backoff(failures, 0.0).as_secs());
        assert_eq!(waits.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(backoff(1, 0.4), seconds(0.9));
        assert_eq!(backoff(u32::MAX, 0.0), BACKOFF_MAX);
    }

    #[test]
    fn an_endpoint_that_is_left_alone_is_asked_when_that_is_over_however_often_it_failed() {
        let left_alone = |wait| NoToken::LeftAlone { why: "it fails".into(), retry_after: seconds(wait) };
        assert_eq!(after_failure(&left_alone(3.0), 9, 0.0), seconds(3.0));
        assert_eq!(after_failure(&left_alone(40.0), 1, 0.0), seconds(40.0));
        assert_eq!(after_failure(&left_alone(0.0), 1, 0.0), MIN_INTERVAL);
        assert_eq!(after_failure(&NoToken::Unavailable("it is down".into()), 4, 0.0), seconds(8.0));
    }
}
