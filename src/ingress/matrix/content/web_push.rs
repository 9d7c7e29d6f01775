//! What a push says to a browser: one JSON object, which the app's service worker reads.

use serde_json::{Map, Value};

use super::said::{Said, default_payload, written};
use super::shorten::{first_chars, in_json, shorten};
use crate::ingress::matrix::request::{Device, Notification};
use crate::provider::webpush::MAX_PLAINTEXT_BYTES;
use crate::push::{Content, Priority, WebPushContent, WebPushUrgency};

/// The longest body, in characters, and the longest ciphertext that is told, in bytes, as sygnal has them.
const MAX_BODY_CHARS: usize = 1000;
const MAX_CIPHERTEXT_BYTES: usize = 2000;

/// Says a notification; none where there is nothing to say, or the app wants events alone and this is none.
pub(super) fn said(notification: &Notification, device: &Device) -> Option<Said> {
    if device.asks_for("events_only") && notification.event().is_none() {
        return None;
    }
    let event = event(notification);
    if event.is_empty() {
        return None;
    }
    let mut payload = default_payload(device);
    payload.extend(event);
    let low = notification.is_low();
    let web_push = WebPushContent {
        // sygnal says `normal` where it could say `high`, and push services wake a device by it all the same.
        urgency: Some(if low { WebPushUrgency::Low } else { WebPushUrgency::Normal }),
        payload: Some(within_limit(payload).into_bytes()),
        ..WebPushContent::default()
    };
    let room = notification.room_id.as_deref().filter(|_| device.asks_for("only_last_per_room"));
    Some(Said {
        content: Content { web_push: Some(web_push), ..Content::default() },
        priority: if low { Priority::Low } else { Priority::Normal },
        collapse_key: room.unwrap_or_default().to_owned(),
    })
}

fn event(notification: &Notification) -> Map<String, Value> {
    let n = notification;
    let texts = [
        ("room_id", &n.room_id),
        ("room_name", &n.room_name),
        ("room_alias", &n.room_alias),
        ("membership", &n.membership),
        ("event_id", &n.event_id),
        ("sender", &n.sender),
        ("sender_display_name", &n.sender_display_name),
        ("type", &n.r#type),
    ];
    let texts = texts.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?)));
    let texts = texts.filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key, Value::from(text)));
    let counts = [("unread", n.counts.unread), ("missed_calls", n.counts.missed_calls)];
    let counts = counts.into_iter().filter_map(|(key, count)| Some((key, count?.into())));
    let target = n.user_is_target.then_some(("user_is_target", true.into()));
    let content = n.content.as_ref().filter(|content| !content.is_empty());
    let content = content.map(|content| ("content", Value::Object(told(content))));
    texts.chain(counts).chain(target).chain(content).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The content without what no browser can show.
fn told(content: &Map<String, Value>) -> Map<String, Value> {
    let mut told = content.clone();
    told.remove("formatted_body");
    if let Some(Value::String(body)) = told.get_mut("body")
        && body.chars().nth(MAX_BODY_CHARS).is_some()
    {
        *body = format!("{}…", first_chars(body, MAX_BODY_CHARS - 1));
    }
    let ciphertext = told.get("ciphertext").and_then(Value::as_str);
    if ciphertext.is_some_and(|text| text.len() > MAX_CIPHERTEXT_BYTES) {
        told.remove("ciphertext");
    }
    told
}

/// The payload as JSON. What people read is shortened until push services take it, as far as that is enough.
fn within_limit(mut payload: Map<String, Value>) -> String {
    let json = written(&payload);
    let excess = json.len().saturating_sub(MAX_PLAINTEXT_BYTES);
    if excess == 0 {
        return json;
    }
    let mut texts = Vec::new();
    for (key, value) in &mut payload {
        match (key.as_str(), value) {
            ("room_name" | "room_alias" | "sender_display_name", Value::String(text)) => texts.push(text),
            ("content", Value::Object(content)) => {
                if let Some(Value::String(body)) = content.get_mut("body") {
                    texts.push(body);
                }
            }
            _ => {}
        }
    }
    shorten(texts, excess, in_json);
    written(&payload)
}
