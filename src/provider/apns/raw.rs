//! What a raw payload shows.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::push::{Reason, Refusal};

/// What a raw payload shows.
pub(super) struct Raw {
    /// Whether `aps` has an alert, a sound or a badge.
    pub(super) shows: bool,
    /// Whether `aps` has an event of a Live Activity.
    pub(super) live_activity: bool,
}

impl Raw {
    /// What is known of a payload that the gateway wrote itself. The push says by its type and its priority what else follows
    /// from a payload.
    pub(super) const OWN: Self = Self { shows: true, live_activity: false };

    /// # Errors
    /// Fails if it is not a JSON object.
    pub(super) fn parse(json: &str) -> Result<Self, Refusal> {
        let [aps] = members(json, ["aps"]).map_err(|error| {
            let detail = format!("a raw payload is a JSON object: {error}");
            Refusal::field("content.apns.payload_json", Reason::RawBodyInvalid, detail)
        })?;
        // An `aps` that is no dictionary shows nothing. Whether it is an error is left for APNs to say.
        let of_aps = |keys| aps.and_then(|aps| members(aps.get(), keys).ok()).unwrap_or_default();
        let [alert, sound, badge, event] = of_aps(["alert", "sound", "badge", "event"]);
        let is_there = |member: Option<&RawValue>| member.is_some_and(is_there);
        Ok(Self { shows: [alert, sound, badge].into_iter().any(is_there), live_activity: is_there(event) })
    }
}

/// The members of an object with these keys, each as it was written last. Nothing else of the object is kept, since every push with a
/// raw payload is looked at so.
fn members<'a, const N: usize>(
    object: &'a str,
    keys: [&'static str; N],
) -> Result<[Option<&'a RawValue>; N], serde_json::Error> {
    struct Members<const N: usize>([&'static str; N]);

    impl<'a, const N: usize> Visitor<'a> for Members<N> {
        type Value = [Option<&'a RawValue>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = [None; N];
            while let Some(Key(key)) = map.next_key()? {
                match self.0.iter().zip(&mut found).find(|(wanted, _)| **wanted == key) {
                    Some((_, place)) => *place = Some(map.next_value()?),
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(found)
        }
    }

    let mut reader = serde_json::Deserializer::from_str(object);
    let found = reader.deserialize_map(Members(keys))?;
    reader.end().map(|()| found)
}

/// A key, borrowed from the text where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether a member is really there. Serializers write `null` for what is not there, and a dictionary of nothing but
/// `null` for an alert that is not there.
fn is_there(value: &RawValue) -> bool {
    struct Dictionary;

    impl<'a> Visitor<'a> for Dictionary {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<bool, A::Error> {
            let (mut members, mut there) = (0, 0);
            while let Some((IgnoredAny, value)) = map.next_entry::<IgnoredAny, Option<IgnoredAny>>()? {
                members += 1;
                there += usize::from(value.is_some());
            }
            Ok(members == 0 || there > 0)
        }
    }

    let text = value.get();
    if !text.starts_with('{') {
        return text != "null";
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Dictionary).unwrap_or(true)
}
