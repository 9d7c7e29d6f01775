//! Moments, in JSON and in sentences.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// The same moment by both clocks. A moment is told by it in the same way each time, however long ago it was.
static ANCHOR: LazyLock<(Instant, SystemTime)> = LazyLock::new(|| (Instant::now(), SystemTime::now()));

/// A moment by the wall clock.
pub(crate) fn at(moment: Instant) -> SystemTime {
    let (instant, system) = *ANCHOR;
    let told = match moment.checked_duration_since(instant) {
        Some(after) => system.checked_add(after),
        None => system.checked_sub(instant.saturating_duration_since(moment)),
    };
    told.unwrap_or(system)
}

/// A moment as a sentence names it: `12:04 UTC`, with its date where that is another than today's.
pub(crate) fn clock(moment: SystemTime, now: SystemTime) -> String {
    let text = |moment| humantime::format_rfc3339_seconds(moment).to_string();
    let (said, today) = (text(moment), text(now));
    let (date, time) = (said.get(..10).unwrap_or_default(), said.get(11..16).unwrap_or_default());
    if today.starts_with(date) { format!("{time} UTC") } else { format!("{date} {time} UTC") }
}

/// A moment as seconds since the Unix epoch.
pub(super) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A moment in JSON.
pub(super) mod rfc3339 {
    use std::time::SystemTime;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::status) fn serialize<S: Serializer>(
        moment: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_seconds(*moment))
    }

    pub(in crate::status) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        humantime::parse_rfc3339(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A moment in JSON, or `null`.
pub(super) mod maybe {
    use std::time::SystemTime;

    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde hands the member itself")]
    pub(in crate::status) fn serialize<S: Serializer>(
        moment: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => super::rfc3339::serialize(moment, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::status) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        #[derive(Deserialize)]
        struct Moment(#[serde(with = "super::rfc3339")] SystemTime);
        Ok(Option::<Moment>::deserialize(deserializer)?.map(|moment| moment.0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_sentence_names_the_date_of_another_day_alone() {
        let noon = UNIX_EPOCH + Duration::from_secs(12 * 3600 + 4 * 60);
        assert_eq!(clock(noon, noon + Duration::from_secs(3600)), "12:04 UTC");
        assert_eq!(clock(noon, noon + Duration::from_secs(24 * 3600)), "1970-01-01 12:04 UTC");
    }
}
