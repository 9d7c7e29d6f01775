//! What a push says to APNs: the payload that the app wants to find, with the event in it.

use serde_json::{Map, Value};

use super::alert::Alert;
use super::said::{Said, default_payload, written};
use super::shorten::{in_json, shorten};
use crate::ingress::matrix::apps::ApnsDialect;
use crate::ingress::matrix::request::{Device, Notification};
use crate::provider::apns::MAX_PAYLOAD_BYTES;
use crate::push::{ApnsContent, Content, Priority};

/// Says a notification; none where there is neither an alert nor a badge.
pub(super) fn said(notification: &Notification, device: &Device, dialect: &ApnsDialect) -> Option<Said> {
    let payload = match notification.event() {
        Some(event) if notification.event_type().is_none() => {
            event_alone(notification, event, device, dialect)
        }
        _ => whole(notification, device, dialect)?,
    };
    let shows = shows(&payload);
    // Without a type that the operator names, a push that shows nothing is a background push, and APNs takes those with
    // priority 5 alone. Source: Apple, "Pushing background updates to your App".
    let in_background = match dialect.push_type.as_str() {
        "" => !shows,
        push_type => push_type == "background",
    };
    let high = !in_background && !notification.is_low();
    let apns = ApnsContent {
        push_type: dialect.push_type.clone(),
        payload_json: within_limit(payload),
        ..ApnsContent::default()
    };
    Some(Said {
        content: Content { apns: Some(Box::new(apns)), ..Content::default() },
        priority: if high { Priority::High } else { Priority::Normal },
        // Should an event be sent twice all the same, the device shows it once.
        collapse_key: notification.event().unwrap_or_default().to_owned(),
    })
}

/// A push that says nothing but which event there is. The app's own payload says how it looks.
fn event_alone(
    notification: &Notification,
    event: &str,
    device: &Device,
    dialect: &ApnsDialect,
) -> Map<String, Value> {
    let mut payload = default_payload(device);
    payload.insert("event_id".to_owned(), event.into());
    put(&mut payload, "room_id", notification.room_id.as_deref().filter(|room| !room.is_empty()));
    if dialect.badge_counts {
        put(&mut payload, "unread_count", notification.counts.unread);
        put(&mut payload, "missed_calls", notification.counts.missed_calls);
    }
    payload
}

/// A push of an event that is told, or of a badge. The app's own payload may alert, so a badge comes without it.
fn whole(notification: &Notification, device: &Device, dialect: &ApnsDialect) -> Option<Map<String, Value>> {
    let alert = Alert::of(notification);
    let badge = notification.counts.badge().filter(|_| dialect.badge_counts);
    if alert.is_none() && badge.is_none() {
        return None;
    }
    let mut payload = match notification.event_type() {
        Some(_) => default_payload(device),
        None => Map::new(),
    };
    if alert.is_some() {
        put(&mut payload, "room_id", notification.room_id.as_deref().filter(|room| !room.is_empty()));
        put(&mut payload, "event_id", notification.event());
    }
    let aps = payload.entry("aps").or_insert(Value::Null);
    if !aps.is_object() {
        *aps = Value::Object(Map::new());
    }
    if let Value::Object(aps) = aps {
        if let Some(alert) = alert {
            alert.put_into(aps);
        }
        put(aps, "badge", badge);
    }
    Some(payload)
}

fn put(members: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(key.to_owned(), value.into());
    }
}

/// The payload as JSON. The texts of its alert are shortened until APNs takes it, as far as that is enough.
fn within_limit(mut payload: Map<String, Value>) -> String {
    let json = written(&payload);
    let excess = json.len().saturating_sub(MAX_PAYLOAD_BYTES);
    if excess == 0 {
        return json;
    }
    let texts = match payload.get_mut("aps").and_then(|aps| aps.get_mut("alert")) {
        Some(Value::String(alert)) => vec![alert],
        Some(Value::Object(alert)) => alert.iter_mut().flat_map(|(key, value)| texts(key, value)).collect(),
        _ => Vec::new(),
    };
    shorten(texts, excess, in_json);
    written(&payload)
}

/// The texts of a member of an alert that may be shortened.
fn texts<'a>(key: &str, value: &'a mut Value) -> Vec<&'a mut String> {
    match (key, value) {
        ("body", Value::String(body)) => vec![body],
        ("loc-args", Value::Array(arguments)) => {
            let text =
                |argument: &'a mut Value| if let Value::String(text) = argument { Some(text) } else { None };
            arguments.iter_mut().filter_map(text).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the device shows, plays or numbers anything.
fn shows(payload: &Map<String, Value>) -> bool {
    let aps = payload.get("aps");
    let there = |value: &Value| match value {
        Value::Null => false,
        // Serializers write a dictionary of nothing but `null` for an alert that is not there.
        Value::Object(members) => members.is_empty() || members.values().any(|it| !it.is_null()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => true,
    };
    ["alert", "sound", "badge"].into_iter().any(|key| aps.and_then(|aps| aps.get(key)).is_some_and(there))
}
