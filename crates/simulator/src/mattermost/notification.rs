//! What a Mattermost server sends, read as a Go program reads it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::GoStruct;
use crate::body::Body;

/// The most bytes of a message, and how many are kept of a longer one.
const LONG_MESSAGE: usize = 2047;
const CUT_MESSAGE: usize = 2046;

/// The most bytes of the name of a channel.
const MAX_CHANNEL_NAME: usize = 64;

const PUSH: GoStruct = GoStruct {
    name: "PushNotification",
    texts: &[
        "ack_id",
        "platform",
        "server_id",
        "device_id",
        "post_id",
        "category",
        "sound",
        "message",
        "team_id",
        "channel_id",
        "root_id",
        "channel_name",
        "type",
        "sub_type",
        "sender_id",
        "sender_name",
        "override_username",
        "override_icon_url",
        "from_webhook",
        "version",
        "signature",
        "transport",
    ],
    numbers: &["badge", "cont_ava"],
    flags: &["is_crt_enabled", "is_id_loaded"],
};

const ACK: GoStruct = GoStruct {
    name: "PushNotificationAck",
    texts: &["id", "platform", "type", "post_id"],
    numbers: &["received_at"],
    flags: &["is_id_loaded"],
};

/// A push notification whose fields have the right types.
pub(super) struct Notification(BTreeMap<String, Value>);

impl Notification {
    /// Reads a push notification.
    ///
    /// # Errors
    ///
    /// It returns the sentence about a body that cannot be read.
    pub(super) fn read(body: &Body) -> Result<Self, String> {
        let read = PUSH.read(body);
        let mut fields = read.map_err(|why| format!("Failed to read message body: {why}"))?;
        cut(&mut fields, "message", LONG_MESSAGE, CUT_MESSAGE);
        cut(&mut fields, "channel_name", MAX_CHANNEL_NAME, MAX_CHANNEL_NAME);
        Ok(Self(fields))
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> i64 {
        self.0.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Splits the version of the app from the platform: `apple_rn-v2` is `apple_rn` and 2.
    pub(super) fn platform(&self) -> (&str, u32) {
        match self.text("platform").split_once("-v") {
            None => (self.text("platform"), 1),
            Some((platform, version)) => (platform, version.parse().unwrap_or(1)),
        }
    }
}

/// Checks an acknowledgement.
///
/// # Errors
///
/// It returns the sentence about one that is not good.
pub(super) fn read_ack(body: &Body) -> Result<(), String> {
    let fields = ACK.read(body).map_err(|why| format!("Failed to read ack body: {why}"))?;
    for (name, title) in [("id", "Id"), ("platform", "platform"), ("type", "type")] {
        if fields.get(name).and_then(Value::as_str).unwrap_or_default().is_empty() {
            return Err(format!("Failed because of missing ack {title}"));
        }
    }
    Ok(())
}

/// Cuts a text that is longer than `most` bytes to `kept`. The proxy cuts through characters, and its JSON writer then
/// puts U+FFFD for each byte that is left of one.
fn cut(fields: &mut BTreeMap<String, Value>, name: &str, most: usize, kept: usize) {
    let Some(Value::String(text)) = fields.get_mut(name) else { return };
    if text.len() <= most {
        return;
    }
    let rest = text.as_bytes().get(..kept).unwrap_or_default();
    let whole = String::from_utf8_lossy(rest.utf8_chunks().next().map_or(&[][..], |c| c.valid().as_bytes()));
    let broken = rest.len() - whole.len();
    *text = whole.into_owned() + &"\u{fffd}".repeat(broken);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Notification, String> {
        Notification::read(&Body::of(json.to_owned()))
    }

    #[test]
    fn a_message_is_cut_by_bytes() {
        let message = |text: &str| {
            let push = serde_json::json!({ "message": text }).to_string();
            read(&push).unwrap().text("message").to_owned()
        };
        assert_eq!(message(&"x".repeat(2047)).len(), 2047);
        assert_eq!(message(&"x".repeat(2048)).len(), 2046);
        let euros = message(&"€".repeat(1000));
        assert_eq!(euros, "€".repeat(682), "2,046 bytes are 682 whole ones");
        let shifted = message(&format!("x{}", "€".repeat(1000)));
        assert_eq!(shifted, format!("x{}\u{fffd}\u{fffd}", "€".repeat(681)));
    }

    #[test]
    fn the_version_of_the_app_is_cut_from_the_platform() {
        let platform = |text: &str| {
            let push = read(&serde_json::json!({ "platform": text }).to_string()).unwrap();
            let (platform, version) = push.platform();
            (platform.to_owned(), version)
        };
        assert_eq!(platform("apple_rn-v2"), ("apple_rn".to_owned(), 2));
        assert_eq!(platform("android"), ("android".to_owned(), 1));
        assert_eq!(platform("apple-vx"), ("apple".to_owned(), 1));
    }

    #[test]
    fn a_field_of_another_type_fails_the_body() {
        let error = read(r#"{"badge":"1"}"#).err().unwrap();
        assert_eq!(
            error,
            "Failed to read message body: json: cannot unmarshal string into Go struct field \
             PushNotification.badge of type int"
        );
        assert!(read(r#"{"badge":null} trailing"#).is_ok());
    }
}
