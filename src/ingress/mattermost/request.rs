//! What a Mattermost server asks for: a push notification, or an acknowledgement that one arrived.
//!
//! Source: github.com/mattermost/mattermost, `server/public/model/push_notification.go`.

use std::borrow::Cow;

use super::go_json::{GoStruct, Place};

/// A push notification.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct PushNotification<'a> {
    /// Whether it is known that no text of it has anything that JSON escapes. A part of such a text has nothing either.
    pub(super) is_plain: bool,
    pub(super) ack_id: Cow<'a, str>,
    pub(super) platform: Cow<'a, str>,
    pub(super) server_id: Cow<'a, str>,
    pub(super) device_id: Cow<'a, str>,
    pub(super) post_id: Cow<'a, str>,
    pub(super) category: Cow<'a, str>,
    pub(super) sound: Cow<'a, str>,
    pub(super) message: Cow<'a, str>,
    pub(super) badge: i64,
    pub(super) content_available: i64,
    pub(super) team_id: Cow<'a, str>,
    pub(super) channel_id: Cow<'a, str>,
    pub(super) root_id: Cow<'a, str>,
    pub(super) channel_name: Cow<'a, str>,
    pub(super) r#type: Cow<'a, str>,
    pub(super) sub_type: Cow<'a, str>,
    pub(super) transport: Cow<'a, str>,
    pub(super) sender_id: Cow<'a, str>,
    pub(super) sender_name: Cow<'a, str>,
    pub(super) override_username: Cow<'a, str>,
    pub(super) override_icon_url: Cow<'a, str>,
    pub(super) from_webhook: Cow<'a, str>,
    pub(super) version: Cow<'a, str>,
    pub(super) is_crt_enabled: bool,
    pub(super) is_id_loaded: bool,
    pub(super) signature: Cow<'a, str>,
}

impl<'a> GoStruct<'a> for PushNotification<'a> {
    const NAME: &'static str = "PushNotification";

    fn members<'s>(&'s mut self) -> impl IntoIterator<Item = (&'static str, Place<'s, 'a>)>
    where
        'a: 's,
    {
        [
            ("ack_id", Place::Text(&mut self.ack_id)),
            ("platform", Place::Text(&mut self.platform)),
            ("server_id", Place::Text(&mut self.server_id)),
            ("device_id", Place::Text(&mut self.device_id)),
            ("post_id", Place::Text(&mut self.post_id)),
            ("category", Place::Text(&mut self.category)),
            ("sound", Place::Text(&mut self.sound)),
            ("message", Place::Text(&mut self.message)),
            ("badge", Place::Integer(&mut self.badge, "int")),
            ("cont_ava", Place::Integer(&mut self.content_available, "int")),
            ("team_id", Place::Text(&mut self.team_id)),
            ("channel_id", Place::Text(&mut self.channel_id)),
            ("root_id", Place::Text(&mut self.root_id)),
            ("channel_name", Place::Text(&mut self.channel_name)),
            ("type", Place::Text(&mut self.r#type)),
            ("sub_type", Place::Text(&mut self.sub_type)),
            ("transport", Place::Text(&mut self.transport)),
            ("sender_id", Place::Text(&mut self.sender_id)),
            ("sender_name", Place::Text(&mut self.sender_name)),
            ("override_username", Place::Text(&mut self.override_username)),
            ("override_icon_url", Place::Text(&mut self.override_icon_url)),
            ("from_webhook", Place::Text(&mut self.from_webhook)),
            ("version", Place::Text(&mut self.version)),
            ("is_crt_enabled", Place::Flag(&mut self.is_crt_enabled)),
            ("is_id_loaded", Place::Flag(&mut self.is_id_loaded)),
            ("signature", Place::Text(&mut self.signature)),
        ]
    }
}

/// An acknowledgement, which a device sends to its server and the server passes on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ack<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) received_at: i64,
    pub(super) platform: Cow<'a, str>,
    pub(super) r#type: Cow<'a, str>,
    pub(super) post_id: Cow<'a, str>,
    pub(super) is_id_loaded: bool,
}

impl<'a> GoStruct<'a> for Ack<'a> {
    const NAME: &'static str = "PushNotificationAck";

    fn members<'s>(&'s mut self) -> impl IntoIterator<Item = (&'static str, Place<'s, 'a>)>
    where
        'a: 's,
    {
        [
            ("id", Place::Text(&mut self.id)),
            ("received_at", Place::Integer(&mut self.received_at, "int64")),
            ("platform", Place::Text(&mut self.platform)),
            ("type", Place::Text(&mut self.r#type)),
            ("post_id", Place::Text(&mut self.post_id)),
            ("is_id_loaded", Place::Flag(&mut self.is_id_loaded)),
        ]
    }
}
