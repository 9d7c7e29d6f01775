//! What a notification says to APNs, member by member as the real push proxy says it.
//!
//! Source: recorded from the real push proxy.

use super::cut;
use super::kind::Kind;
use super::object::Object;
use super::request::PushNotification;
use super::said::{self, KEEP_BADGE, given};
use crate::provider::apns::MAX_PAYLOAD_BYTES;

/// A payload, and the push type that it is sent with. Alerts are those that show nothing, too: iOS would drop many of them
/// as background pushes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) json: String,
    pub(super) push_type: &'static str,
}

/// The usual size of a payload without its message, in bytes.
const USUAL_BYTES: usize = 512;

/// Says a notification to APNs, for an app of this version. The message is cut to what APNs takes.
pub(super) fn payload(notification: &PushNotification<'_>, kind: Kind, version: i64) -> Payload {
    if notification.transport == "voip" {
        return Payload { json: call(notification), push_type: "voip" };
    }
    let message = said::message(notification, kind);
    let write = |message: &str| alert(notification, kind, version, message);
    let json = write(&message);
    let surplus = json.len().saturating_sub(MAX_PAYLOAD_BYTES);
    let json = if surplus == 0 { json } else { write(cut::shorter_by(&message, surplus, cut::in_json)) };
    Payload { json, push_type: "alert" }
}

/// The payload of everything but a call.
fn alert(n: &PushNotification<'_>, kind: Kind, version: i64, message: &str) -> String {
    let named = matches!(kind, Kind::Message | Kind::Session | Kind::Wipe);
    let mut payload = Object::with_room(USUAL_BYTES + message.len(), n.is_plain);
    payload.object("aps", |aps| {
        say(aps, n, kind, message);
        if let Some(badge) = badge(n, kind, version) {
            aps.number("badge", badge);
        }
        if let Some(thread) = thread(n) {
            aps.text("thread-id", thread);
        }
    });
    payload.text("type", &n.r#type);
    payload.text("sub_type", &n.sub_type);
    payload.text("server_id", &n.server_id);
    payload.flag("is_crt_enabled", n.is_crt_enabled);
    payload.text("signature", said::signature(n));
    payload.given("ack_id", &n.ack_id);
    payload.given("channel_id", &n.channel_id);
    payload.given("team_id", &n.team_id);
    payload.given("sender_id", &n.sender_id);
    payload.given("sender_name", &n.sender_name);
    payload.given("post_id", &n.post_id);
    payload.given("root_id", &n.root_id);
    payload.given("override_username", &n.override_username);
    payload.given("override_icon_url", &n.override_icon_url);
    payload.given("from_webhook", &n.from_webhook);
    if named {
        payload.given("channel_name", cut::channel_name(&n.channel_name));
    }
    if named || kind == Kind::IdLoaded {
        payload.text("version", &n.version);
    }
    if kind == Kind::IdLoaded {
        payload.flag("id_loaded", true);
    }
    payload.end()
}

/// Says what is shown, and whether the app is woken.
fn say(aps: &mut Object, n: &PushNotification<'_>, kind: Kind, message: &str) {
    match kind {
        Kind::Message | Kind::Session => match given(cut::channel_name(&n.channel_name)) {
            Some(title) if n.version == "v2" => aps.object("alert", |alert| {
                alert.text("title", title);
                alert.text("body", message);
            }),
            _ => aps.text("alert", message),
        },
        Kind::IdLoaded => aps.object("alert", |alert| alert.text("body", message)),
        // The real proxy shows an empty alert with a sound, and iOS need not wake the app for it. The server asks for
        // neither.
        Kind::Wipe | Kind::Clear | Kind::Test => return aps.number("content-available", 1),
        Kind::UpdateBadge | Kind::Other => return,
    }
    aps.text("sound", "default");
    aps.given("category", &n.category);
    aps.number("mutable-content", 1);
    if kind != Kind::Session {
        aps.number("content-available", 1);
    }
}

/// The number on the app's icon. An app that reads versions takes 0 of a channel that was read for "delete all that is
/// shown", so it gets 1, as from the real proxy.
fn badge(notification: &PushNotification<'_>, kind: Kind, version: i64) -> Option<i64> {
    match notification.badge {
        KEEP_BADGE => None,
        0 if kind == Kind::Clear && version > 1 => Some(1),
        badge => Some(badge),
    }
}

/// What groups notifications: the thread where the user follows threads, or else the channel.
fn thread<'a>(notification: &'a PushNotification<'_>) -> Option<&'a str> {
    let channel = given(&notification.channel_id)?;
    let root = given(&notification.root_id).filter(|_| notification.is_crt_enabled);
    Some(root.unwrap_or(channel))
}

/// The payload of a call, which the app shows as a call of the phone.
fn call(n: &PushNotification<'_>) -> String {
    let mut payload = Object::with_room(USUAL_BYTES, n.is_plain);
    payload.object("aps", |aps| aps.number("content-available", 1));
    payload.text("type", &n.r#type);
    payload.text("sub_type", &n.sub_type);
    payload.text("server_id", &n.server_id);
    payload.text("channel_id", &n.channel_id);
    payload.text("post_id", &n.post_id);
    payload.text("thread_id", &n.root_id);
    payload.text("sender_id", &n.sender_id);
    payload.flag("id_loaded", n.is_id_loaded);
    payload.given("sender_name", &n.sender_name);
    payload.given("channel_name", cut::channel_name(&n.channel_name));
    payload.given("ack_id", &n.ack_id);
    payload.given("signature", &n.signature);
    payload.end()
}
