//! What a homeserver sends. Everything is optional that can be, and whatever has another type than expected is taken as
//! absent, because an answer of 4xx is not final: homeservers repeat the request for a day, and all later pushes of that user
//! wait behind it.
//!
//! Source: Matrix specification, "Push Gateway API", and what Synapse 1.163.2 really sends: `"type": null`, `"sender": ""`,
//! devices without `tweaks` (`tests/data/synapse-1.163.2.jsonl`).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::bad_request::BadRequest;
use super::object::Object;
use super::settings::MAX_DEVICES;

#[derive(Deserialize)]
struct Request {
    notification: Option<Object<Notification>>,
}

/// One event, or a change of the numbers of unread messages, for some devices.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Notification {
    /// The devices that are told; there is at least one.
    devices: Option<Vec<Object<ClaimedDevice>>>,
    #[serde(deserialize_with = "text")]
    pub(super) event_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) room_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) r#type: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) sender: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) sender_display_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) room_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) room_alias: Option<String>,
    /// What becomes of a member, which Synapse adds to member events.
    #[serde(deserialize_with = "text")]
    pub(super) membership: Option<String>,
    #[serde(deserialize_with = "truth")]
    pub(super) user_is_target: bool,
    #[serde(deserialize_with = "text")]
    prio: Option<String>,
    #[serde(deserialize_with = "counts")]
    pub(super) counts: Counts,
    #[serde(deserialize_with = "object")]
    pub(super) content: Option<Map<String, Value>>,
}

/// What is unread. Zero is said, since it clears a badge; absent means that there is nothing to say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) unread: Option<u32>,
    pub(super) missed_calls: Option<u32>,
}

impl Counts {
    /// The number on the app's icon.
    pub(super) fn badge(self) -> Option<u32> {
        match (self.unread, self.missed_calls) {
            (None, None) => None,
            (unread, missed) => Some(unread.unwrap_or(0).saturating_add(missed.unwrap_or(0))),
        }
    }
}

#[derive(Debug, Deserialize)]
struct ClaimedDevice {
    app_id: Option<String>,
    pushkey: Option<String>,
    #[serde(default, deserialize_with = "object")]
    data: Option<Map<String, Value>>,
}

/// A device, as its pusher names it.
#[derive(Debug)]
pub(super) struct Device {
    /// Which app it is, and so which credentials reach it.
    pub(super) app_id: String,
    /// Its address at the push service.
    pub(super) pushkey: String,
    /// What the app gave to its pusher, without the URL.
    pub(super) data: Map<String, Value>,
}

impl Notification {
    /// Reads the body of a request.
    pub(super) fn read(body: &[u8]) -> Result<(Self, Vec<Device>), BadRequest> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let Object(request): Object<Request> =
            serde_path_to_error::deserialize(&mut json).map_err(|error| {
                let path = error.path().to_string();
                BadRequest::of_json(&path, error.inner())
            })?;
        json.end().map_err(|error| BadRequest::of_json(".", &error))?;
        let Object(mut notification) = request.notification.ok_or(BadRequest::Missing("notification"))?;
        let claimed = notification.devices.take().ok_or(BadRequest::Missing("notification.devices"))?;
        match claimed.len() {
            0 => return Err(BadRequest::NoDevices),
            1..=MAX_DEVICES => {}
            _ => return Err(BadRequest::TooManyDevices),
        }
        let devices = claimed.into_iter().map(Device::of).collect::<Result<_, _>>()?;
        Ok((notification, devices))
    }

    /// Whether the device may take its time. Whatever is not `low` is high. Source: the specification, `prio`.
    pub(super) fn is_low(&self) -> bool {
        self.prio.as_deref() == Some("low")
    }

    /// The event's id, where there is an event.
    pub(super) fn event(&self) -> Option<&str> {
        self.event_id.as_deref().filter(|id| !id.is_empty())
    }

    /// The event's type, where it is told.
    pub(super) fn event_type(&self) -> Option<&str> {
        self.r#type.as_deref().filter(|name| !name.is_empty())
    }
}

impl Device {
    fn of(Object(claimed): Object<ClaimedDevice>) -> Result<Self, BadRequest> {
        let ClaimedDevice { app_id, pushkey, data } = claimed;
        Ok(Self {
            app_id: app_id.ok_or(BadRequest::Missing("notification.devices[].app_id"))?,
            pushkey: pushkey.ok_or(BadRequest::Missing("notification.devices[].pushkey"))?,
            data: data.unwrap_or_default(),
        })
    }

    /// A text of its data.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key).and_then(Value::as_str)
    }

    /// Whether a flag of its data is set.
    pub(super) fn asks_for(&self, key: &str) -> bool {
        self.data.get(key) == Some(&Value::Bool(true))
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match value(deserializer)? {
        Value::String(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(value(deserializer)? == Value::Bool(true))
}

fn object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let text = <&RawValue>::deserialize(deserializer)?;
    let members = serde_json::from_str::<BTreeMap<String, &RawValue>>(text.get()).ok();
    Ok(members.map(|members| members.into_iter().map(|(name, text)| (name, lenient(text))).collect()))
}

fn counts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Counts, D::Error> {
    let counts = value(deserializer)?;
    let count = |key| counts.get(key).and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok());
    Ok(Counts { unread: count("unread"), missed_calls: count("missed_calls") })
}

fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Ok(lenient(<&RawValue>::deserialize(deserializer)?))
}

/// A value, and null where it is JSON that cannot be held: a number of hundreds of digits, half of a surrogate pair, or what is
/// nested too deeply. Whoever is in a room may write such an event, and must not hold up the pushes of all the others there.
fn lenient(text: &RawValue) -> Value {
    serde_json::from_str(text.get()).unwrap_or_default()
}
