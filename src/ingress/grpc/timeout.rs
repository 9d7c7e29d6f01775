//! How long the caller of a gRPC call waits, as its metadata says.

use std::time::Duration;

use tokio::time::Instant;
use tonic::Extensions;
use tonic::metadata::MetadataMap;

use super::incoming::ConnectInfo;
use crate::desk::Arrival;

/// A call that arrives now.
pub(super) fn arrival(metadata: &MetadataMap, extensions: &Extensions) -> Arrival {
    let timeout = grpc_timeout(metadata);
    // Nobody asks how far away a caller is that waits for as long as it takes.
    let connection = timeout.and_then(|_| extensions.get::<ConnectInfo>());
    let round_trip = connection.map_or(Duration::ZERO, |connection| connection.client.round_trip());
    Arrival { at: Instant::now(), timeout, round_trip }
}

/// Reads `grpc-timeout`: up to eight digits and a unit. One that is malformed counts as absent, as tonic treats it.
///
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

    fn timeout(text: &str) -> Option<Duration> {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", text.parse().unwrap());
        arrival(&metadata, &Extensions::new()).timeout
    }

    #[test]
    fn each_unit_is_read() {
        assert_eq!(timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 60 * 60)));
        assert_eq!(timeout("2M"), Some(Duration::from_secs(120)));
        assert_eq!(timeout("1S"), Some(Duration::from_secs(1)));
        assert_eq!(timeout("100m"), Some(Duration::from_millis(100)));
        assert_eq!(timeout("7u"), Some(Duration::from_micros(7)));
        assert_eq!(timeout("1n"), Some(Duration::from_nanos(1)));
    }

    #[test]
    fn a_malformed_timeout_is_none() {
        for text in ["", "S", "1", "1x", "-1S", "123456789S", "1 S"] {
            assert_eq!(timeout(text), None, "{text:?}");
        }
        assert_eq!(arrival(&MetadataMap::new(), &Extensions::new()).timeout, None);
    }
}
