//! What a push says to FCM: the event as data, which the app makes a notification of.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::said::{Said, default_payload, written};
use super::shorten::{shorten, within_bytes};
use crate::ingress::matrix::apps::FcmDialect;
use crate::ingress::matrix::request::{Device, Notification};
use crate::provider::fcm::MAX_PAYLOAD_BYTES;
use crate::push::{Content, FcmContent, Priority};

/// The longest value of a member, in bytes, as sygnal cuts them.
const MAX_VALUE_BYTES: usize = 1024;

/// Says a notification; none where there is neither an event nor a number.
pub(super) fn said(notification: &Notification, device: &Device, dialect: &FcmDialect) -> Option<Said> {
    let data = data(notification, device, dialect)?;
    let low = notification.is_low();
    let mut message = dialect.options.clone();
    let android = message.entry("android").or_insert(Value::Null);
    if !android.is_object() {
        *android = Value::Object(Map::new());
    }
    if let Value::Object(android) = android {
        android.insert("priority".to_owned(), if low { "normal" } else { "high" }.into());
    }
    let members = within_limit(data).into_iter().map(|(key, value)| (key, Value::String(value)));
    message.insert("data".to_owned(), Value::Object(members.collect()));
    let fcm = FcmContent { message_json: written(&message), ..FcmContent::default() };
    Some(Said {
        content: Content { fcm: Some(Box::new(fcm)), ..Content::default() },
        priority: if low { Priority::Normal } else { Priority::High },
        collapse_key: String::new(),
    })
}

fn data(
    notification: &Notification,
    device: &Device,
    dialect: &FcmDialect,
) -> Option<BTreeMap<String, String>> {
    let n = notification;
    let counts = if dialect.badge_counts { n.counts } else { Default::default() };
    let counts = [("unread", counts.unread), ("missed_calls", counts.missed_calls)];
    // Zero is not said to FCM, so an update of the badge to zero has nothing to say.
    let counts = counts.into_iter().filter_map(|(key, count)| Some((key, count.filter(|it| *it > 0)?)));
    let counts: Vec<_> = counts.map(|(key, count)| (key.to_owned(), count.to_string())).collect();
    let has_room = n.room_id.as_deref().is_some_and(|room| !room.is_empty());
    if n.event().is_none() && !has_room && counts.is_empty() {
        return None;
    }
    let members = [
        ("event_id", &n.event_id),
        ("type", &n.r#type),
        ("sender", &n.sender),
        ("room_name", &n.room_name),
        ("room_alias", &n.room_alias),
        ("membership", &n.membership),
        ("sender_display_name", &n.sender_display_name),
        ("room_id", &n.room_id),
    ];
    let members = members.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text.as_deref()?)));
    let content = n.content.iter().flatten();
    let content = content.filter_map(|(key, value)| Some((format!("content_{key}"), value.as_str()?)));
    let cut = members.chain(content).map(|(key, text)| (key, within_bytes(text, MAX_VALUE_BYTES)));
    let prio = if n.is_low() { "normal" } else { "high" };
    let own = default_payload(device).into_iter().filter_map(|(key, value)| Some((key, as_text(value)?)));
    Some(own.chain(cut).chain([("prio".to_owned(), prio.to_owned())]).chain(counts).collect())
}

/// FCM takes texts alone, so any other value becomes its JSON.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

/// Data that FCM takes. What people read is shortened, and what programs read stays whole.
fn within_limit(mut data: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let bytes = data.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let excess = bytes.saturating_sub(MAX_PAYLOAD_BYTES);
    if excess > 0 {
        let for_people = |key: &str| {
            key.starts_with("content_") || matches!(key, "room_name" | "room_alias" | "sender_display_name")
        };
        let texts = data.iter_mut().filter(|(key, _)| for_people(key)).map(|(_, value)| value);
        shorten(texts.collect(), excess, char::len_utf8);
    }
    data
}
