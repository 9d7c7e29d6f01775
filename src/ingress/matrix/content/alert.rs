//! The alert of an event: a key that the app looks up in its own strings, and what its placeholders become.

use serde_json::{Map, Value};

use super::shorten::first_chars;
use crate::ingress::matrix::request::Notification;

/// The longest name of a sender or a room, in characters, as sygnal cuts them.
const MAX_NAME_CHARS: usize = 1024;

/// An alert that the app itself words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Alert {
    pub(super) key: &'static str,
    pub(super) arguments: Vec<String>,
}

impl Alert {
    /// The alert of an event whose type is told; none where the event alerts nobody.
    pub(super) fn of(notification: &Notification) -> Option<Self> {
        let from = name([&notification.sender_display_name, &notification.sender]).unwrap_or(" ");
        let room = name([&notification.room_name, &notification.room_alias]);
        let (key, arguments) = match notification.event_type()? {
            "m.room.message" | "m.room.encrypted" => message(notification, from, room),
            "m.call.invite" if is_video(notification) => ("VIDEO_CALL_FROM_USER", vec![from]),
            "m.call.invite" => ("VOICE_CALL_FROM_USER", vec![from]),
            "m.room.member" if is_invited(notification) => match room {
                Some(room) => ("USER_INVITE_TO_NAMED_ROOM", vec![from, room]),
                None => ("USER_INVITE_TO_CHAT", vec![from]),
            },
            // What becomes of other members shows nothing.
            "m.room.member" => return None,
            // The server's rules let it through, so it is worth an alert.
            _ => ("MSG_FROM_USER", vec![from]),
        };
        Some(Self { key, arguments: arguments.into_iter().map(str::to_owned).collect() })
    }

    /// Puts it into the `alert` of a payload, beside what the app wants to find there.
    pub(super) fn put_into(self, aps: &mut Map<String, Value>) {
        let alert = aps.entry("alert").or_insert(Value::Null);
        if !alert.is_object() {
            *alert = Value::Object(Map::new());
        }
        if let Value::Object(alert) = alert {
            alert.insert("loc-key".to_owned(), self.key.into());
            alert.insert("loc-args".to_owned(), self.arguments.into());
        }
    }
}

fn message<'a>(
    notification: &'a Notification,
    from: &'a str,
    room: Option<&'a str>,
) -> (&'static str, Vec<&'a str>) {
    let text = |key| notification.content.as_ref().and_then(|content| content.get(key)?.as_str());
    let body = text("body").filter(|body| !body.is_empty());
    match (text("msgtype").zip(body), room) {
        (Some(("m.image", body)), Some(room)) => ("IMAGE_FROM_USER_IN_ROOM", vec![from, body, room]),
        (Some(("m.image", body)), None) => ("IMAGE_FROM_USER", vec![from, body]),
        (Some(("m.emote", body)), Some(room)) => ("ACTION_FROM_USER_IN_ROOM", vec![room, from, body]),
        (Some(("m.emote", body)), None) => ("ACTION_FROM_USER", vec![from, body]),
        // The body of every other kind of message is a text for people as well.
        (Some((_, body)), Some(room)) => ("MSG_FROM_USER_IN_ROOM_WITH_CONTENT", vec![from, room, body]),
        (Some((_, body)), None) => ("MSG_FROM_USER_WITH_CONTENT", vec![from, body]),
        (None, Some(room)) => ("MSG_FROM_USER_IN_ROOM", vec![from, room]),
        (None, None) => ("MSG_FROM_USER", vec![from]),
    }
}

/// The first name that is there.
fn name<const N: usize>(names: [&Option<String>; N]) -> Option<&str> {
    let there = names.into_iter().flatten().find(|name| !name.is_empty())?;
    Some(first_chars(there, MAX_NAME_CHARS))
}

/// Whether a call has a picture, which its session description says. Source: RFC 8866, section 5.14.
fn is_video(notification: &Notification) -> bool {
    let offer = notification.content.as_ref().and_then(|content| content.get("offer"));
    let description = offer.and_then(|offer| offer.get("sdp")?.as_str());
    description.is_some_and(|description| description.contains("m=video"))
}

fn is_invited(notification: &Notification) -> bool {
    let of_content = notification.content.as_ref().and_then(|content| content.get("membership")?.as_str());
    let membership = notification.membership.as_deref().or(of_content);
    notification.user_is_target && membership == Some("invite")
}
