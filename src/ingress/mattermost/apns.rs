//! What a notification says to APNs, member by member as the real push proxy says it.
//!
//! Source: recorded from the real push proxy.

use serde::Serialize;

use super::cut;
use super::kind::Kind;
use super::request::PushNotification;
use super::said::{self, KEEP_BADGE, given, is_empty};
use crate::provider::apns::MAX_PAYLOAD_BYTES;

/// A payload, and the push type that it is sent with. Alerts are those that show nothing, too: iOS would drop many of them
/// as background pushes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) json: String,
    pub(super) push_type: &'static str,
}

/// Says a notification to APNs, for an app of this version. The message is cut to what APNs takes.
pub(super) fn payload(notification: &PushNotification<'_>, kind: Kind, version: i64) -> Payload {
    if notification.transport == "voip" {
        return Payload { json: said::json(&Call::of(notification)), push_type: "voip" };
    }
    let message = said::message(notification, kind);
    let write = |message: &str| said::json(&Alert::of(notification, kind, version, message));
    let json = write(&message);
    let surplus = json.len().saturating_sub(MAX_PAYLOAD_BYTES);
    let json = if surplus == 0 { json } else { write(cut::shorter_by(&message, surplus, cut::in_json)) };
    Payload { json, push_type: "alert" }
}

/// The payload of everything but a call.
#[derive(Serialize)]
struct Alert<'a> {
    aps: Aps<'a>,
    r#type: &'a str,
    sub_type: &'a str,
    server_id: &'a str,
    is_crt_enabled: bool,
    signature: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    ack_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    channel_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    team_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    sender_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    sender_name: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    post_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    root_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    override_username: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    override_icon_url: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    from_webhook: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    channel_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_loaded: Option<bool>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_available: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutable_content: Option<u8>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Plain(&'a str),
    Titled {
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        body: &'a str,
    },
}

impl<'a> Alert<'a> {
    fn of(notification: &'a PushNotification<'_>, kind: Kind, version: i64, message: &'a str) -> Self {
        let n = notification;
        let named = matches!(kind, Kind::Message | Kind::Session | Kind::Wipe);
        let versioned = named || kind == Kind::IdLoaded;
        Self {
            aps: Aps { badge: badge(n, kind, version), thread_id: thread(n), ..Aps::of(n, kind, message) },
            r#type: &n.r#type,
            sub_type: &n.sub_type,
            server_id: &n.server_id,
            is_crt_enabled: n.is_crt_enabled,
            signature: said::signature(n),
            ack_id: &n.ack_id,
            channel_id: &n.channel_id,
            team_id: &n.team_id,
            sender_id: &n.sender_id,
            sender_name: &n.sender_name,
            post_id: &n.post_id,
            root_id: &n.root_id,
            override_username: &n.override_username,
            override_icon_url: &n.override_icon_url,
            from_webhook: &n.from_webhook,
            channel_name: if named { cut::channel_name(&n.channel_name) } else { "" },
            version: versioned.then_some(&n.version),
            id_loaded: (kind == Kind::IdLoaded).then_some(true),
        }
    }
}

impl<'a> Aps<'a> {
    /// What is shown, and whether the app is woken.
    fn of(notification: &'a PushNotification<'_>, kind: Kind, message: &'a str) -> Self {
        let shown = |alert| Self {
            alert: Some(alert),
            sound: Some("default"),
            category: given(&notification.category),
            mutable_content: Some(1),
            ..Self::default()
        };
        let woken = |aps| Self { content_available: Some(1), ..aps };
        match kind {
            Kind::Message => woken(shown(Text::of(notification, message))),
            Kind::Session => shown(Text::of(notification, message)),
            Kind::IdLoaded => woken(shown(Text::Titled { title: None, body: message })),
            // The real proxy shows an empty alert with a sound, and iOS need not wake the app for it. The server asks for
            // neither.
            Kind::Wipe | Kind::Clear | Kind::Test => woken(Self::default()),
            Kind::UpdateBadge | Kind::Other => Self::default(),
        }
    }
}

impl<'a> Text<'a> {
    fn of(notification: &'a PushNotification<'_>, message: &'a str) -> Self {
        match given(cut::channel_name(&notification.channel_name)) {
            title @ Some(_) if notification.version == "v2" => Self::Titled { title, body: message },
            _ => Self::Plain(message),
        }
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
#[derive(Serialize)]
struct Call<'a> {
    aps: Aps<'static>,
    r#type: &'a str,
    sub_type: &'a str,
    server_id: &'a str,
    channel_id: &'a str,
    post_id: &'a str,
    thread_id: &'a str,
    sender_id: &'a str,
    id_loaded: bool,
    #[serde(skip_serializing_if = "is_empty")]
    sender_name: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    channel_name: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    ack_id: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    signature: &'a str,
}

impl<'a> Call<'a> {
    fn of(notification: &'a PushNotification<'_>) -> Self {
        let n = notification;
        Self {
            aps: Aps { content_available: Some(1), ..Aps::default() },
            r#type: &n.r#type,
            sub_type: &n.sub_type,
            server_id: &n.server_id,
            channel_id: &n.channel_id,
            post_id: &n.post_id,
            thread_id: &n.root_id,
            sender_id: &n.sender_id,
            id_loaded: n.is_id_loaded,
            sender_name: &n.sender_name,
            channel_name: cut::channel_name(&n.channel_name),
            ack_id: &n.ack_id,
            signature: &n.signature,
        }
    }
}
