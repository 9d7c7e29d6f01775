//! A raw message: what a caller wrote by hand, checked and passed on.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::data::{bytes_of, check_key};
use crate::push::{Reason, Refusal};

const FIELD: &str = "content.fcm.message_json";

/// The members that a raw message may not have. The target of a message is that of its push.
const TARGETS: [&str; 4] = ["token", "fid", "topic", "condition"];

/// A raw message, member by member.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) members: BTreeMap<String, Box<RawValue>>,
    /// The bytes that count against FCM's limit.
    pub(super) counted: usize,
    /// Whether `apns.live_activity_token` is there.
    pub(super) live_activity: bool,
}

impl Raw {
    /// # Errors
    /// Fails if it is not a JSON object, names a target, or has a `data` that no message can have.
    pub(super) fn parse(json: &str) -> Result<Self, Refusal> {
        let mut members: BTreeMap<String, Box<RawValue>> = read("a raw message is a JSON object", json)?;
        // Serializers write `null` for what is not there. Such a member is left out, because the target is added later.
        members.retain(|key, value| value.get() != "null" || !TARGETS.contains(&key.as_str()));
        if let Some(target) = TARGETS.into_iter().find(|key| members.contains_key(*key)) {
            return Err(refused(format!("expected a message without a target, found {target:?}")));
        }
        let data = texts(&members, "data")?;
        data.keys().try_for_each(|key| check_key(key, || FIELD.into()))?;
        let notification = texts(&members, "notification")?;
        let counted = data.iter().chain(&notification);
        let counted = counted.map(|(key, value)| bytes_of(key, value.as_deref().unwrap_or_default())).sum();
        Ok(Self { counted, live_activity: names_live_activity(&members), members })
    }
}

/// The members of an object of texts. In protobuf's JSON `null` means that there is no object.
fn texts(
    members: &BTreeMap<String, Box<RawValue>>,
    key: &str,
) -> Result<BTreeMap<String, Option<String>>, Refusal> {
    let Some(value) = members.get(key) else { return Ok(BTreeMap::new()) };
    let read: Option<_> = read(&format!("{key:?} is an object whose values are strings"), value.get())?;
    Ok(read.unwrap_or_default())
}

fn names_live_activity(members: &BTreeMap<String, Box<RawValue>>) -> bool {
    let apns = members
        .get("apns")
        .and_then(|apns| serde_json::from_str::<BTreeMap<String, Option<IgnoredAny>>>(apns.get()).ok());
    // Protobuf's JSON has two spellings of every name. Source: protobuf.dev, "ProtoJSON Format".
    let names = ["live_activity_token", "liveActivityToken"];
    apns.is_some_and(|apns| names.into_iter().any(|name| apns.get(name).is_some_and(Option::is_some)))
}

fn read<'a, T: serde::Deserialize<'a>>(expected: &str, json: &'a str) -> Result<T, Refusal> {
    // serde_json's message says what it found and where, but does not repeat the text around it, which may be secret.
    serde_json::from_str(json).map_err(|error| refused(format!("expected that {expected}: {error}")))
}

fn refused(detail: String) -> Refusal {
    Refusal::field(FIELD, Reason::RawBodyInvalid, detail)
}
