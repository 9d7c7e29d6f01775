//! What a notification says to FCM: data alone, of which the app makes a notification itself.
//!
//! Source: recorded from the real push proxy.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::cut;
use super::kind::Kind;
use super::request::PushNotification;
use super::said::{self, KEEP_BADGE};
use crate::provider::fcm::MAX_PAYLOAD_BYTES;

/// Says a notification to FCM, as a message without a target. The text is cut to what FCM takes.
pub(super) fn message(notification: &PushNotification<'_>, kind: Kind) -> String {
    let text = said::message(notification, kind);
    let badge = (notification.badge != KEEP_BADGE).then(|| notification.badge.to_string());
    let data = |text| Data(members(notification, kind, badge.as_deref(), text));
    // FCM counts keys and values before they are written as JSON.
    let counted: usize = data(&text).0.iter().map(|(key, value)| key.len() + value.len()).sum();
    let surplus = counted.saturating_sub(MAX_PAYLOAD_BYTES);
    let text = cut::shorter_by(&text, surplus, char::len_utf8);
    said::json(&Message { data: data(text), android: Android { priority: "high" } })
}

#[derive(serde::Serialize)]
struct Message<'a> {
    data: Data<'a>,
    android: Android,
}

#[derive(serde::Serialize)]
struct Android {
    priority: &'static str,
}

struct Data<'a>(Vec<(&'static str, &'a str)>);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

/// The most members that a message has.
const MOST_MEMBERS: usize = 21;

fn members<'a>(
    notification: &'a PushNotification<'_>,
    kind: Kind,
    badge: Option<&'a str>,
    message: &'a str,
) -> Vec<(&'static str, &'a str)> {
    let n = notification;
    let mut members: Vec<(&str, &str)> = Vec::with_capacity(MOST_MEMBERS);
    members.extend([
        ("ack_id", &*n.ack_id),
        ("type", &*n.r#type),
        ("sub_type", &*n.sub_type),
        ("version", &*n.version),
        ("channel_id", &*n.channel_id),
        ("is_crt_enabled", if n.is_crt_enabled { "true" } else { "false" }),
        ("server_id", &*n.server_id),
        ("category", &*n.category),
        ("signature", said::signature(n)),
    ]);
    members.extend(badge.map(|badge| ("badge", badge)));
    if !n.root_id.is_empty() {
        members.push(("root_id", &*n.root_id));
    }
    match kind {
        Kind::IdLoaded => members.extend([
            ("post_id", &*n.post_id),
            ("team_id", &*n.team_id),
            ("sender_id", &*n.sender_id),
            ("message", message),
            ("sender_name", "Someone"),
            ("id_loaded", "true"),
        ]),
        Kind::Message | Kind::Session | Kind::Wipe => members.extend([
            ("post_id", &*n.post_id),
            ("team_id", &*n.team_id),
            ("sender_id", &*n.sender_id),
            ("message", message),
            ("sender_name", &*n.sender_name),
            ("channel_name", cut::channel_name(&n.channel_name)),
            ("override_username", &*n.override_username),
            ("override_icon_url", &*n.override_icon_url),
            ("from_webhook", &*n.from_webhook),
        ]),
        Kind::Clear | Kind::UpdateBadge | Kind::Test | Kind::Other => {}
    }
    members
}
