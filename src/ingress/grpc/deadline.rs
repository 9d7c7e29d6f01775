//! By when a push has its verdict: a margin before the caller stops waiting.

use std::time::Duration;

use tokio::time::Instant;
use tonic::metadata::MetadataMap;

/// From the gateway's verdict to the caller's deadline, at most. A gRPC client gives up by itself, and would
/// never see a verdict that comes later.
const MARGIN: Duration = Duration::from_millis(50);

/// The earlier of what a single push and what its call allow.
pub(super) fn single(arrived: Instant, max_wait: Duration, metadata: &MetadataMap) -> Instant {
    arrived + less_margin(metadata).map_or(max_wait, |call| call.min(max_wait))
}

/// By when every item of a stream has its verdict. None: the stream has no deadline, or one beyond a year.
pub(super) fn stream(arrived: Instant, metadata: &MetadataMap) -> Option<Instant> {
    less_margin(metadata).filter(|timeout| *timeout < YEAR).map(|timeout| arrived + timeout)
}

/// Short timeouts keep four fifths.
fn less_margin(metadata: &MetadataMap) -> Option<Duration> {
    grpc_timeout(metadata).map(|timeout| timeout - MARGIN.min(timeout / 5))
}

/// Beyond it a deadline is none; an instant so far away need not exist.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `grpc-timeout`: up to eight digits and a unit. One that is malformed counts as absent, as tonic treats it.
/// Source: gRPC over HTTP/2, "Requests".
fn grpc_timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 60 * 60)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(timeout: &str) -> Duration {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", timeout.parse().unwrap());
        let now = Instant::now();
        single(now, Duration::from_secs(30), &metadata) - now
    }

    #[test]
    fn the_verdict_comes_before_the_caller_leaves() {
        assert_eq!(wait("1S"), Duration::from_millis(950));
        assert_eq!(wait("100m"), Duration::from_millis(80));
        assert_eq!(wait("1n"), Duration::from_nanos(1));
        assert_eq!(wait("99999999H"), Duration::from_secs(30));
    }

    #[test]
    fn a_malformed_timeout_is_none() {
        for text in ["", "S", "1", "1x", "-1S", "123456789S", "1 S"] {
            assert_eq!(wait(text), Duration::from_secs(30), "{text:?}");
        }
    }
}
