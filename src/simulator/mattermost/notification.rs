//! What a Mattermost server sends, read as a Go program reads it.

use serde_json::{Map, Value};

use crate::simulator::body::Body;

/// Bytes of a message, and of what is kept of a longer one.
const LONG_MESSAGE: usize = 2047;
const CUT_MESSAGE: usize = 2046;

/// Bytes of a channel's name.
const MAX_CHANNEL_NAME: usize = 64;

const NUMBERS: [&str; 2] = ["badge", "cont_ava"];
const FLAGS: [&str; 2] = ["is_crt_enabled", "is_id_loaded"];
const TEXTS: [&str; 22] = [
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
];

/// A push notification whose fields are of their types.
pub(super) struct Notification(Map<String, Value>);

impl Notification {
    /// # Errors
    /// The sentence of a body that cannot be read.
    pub(super) fn read(body: &Body) -> Result<Self, String> {
        let mut fields = object(body)?;
        for (names, kind) in [(&TEXTS[..], "string"), (&NUMBERS[..], "int"), (&FLAGS[..], "bool")] {
            for name in names {
                if let Some(value) = fields.get(*name).filter(|value| !value.is_null()) {
                    of_type(value, &format!("PushNotification.{name}"), kind)?;
                }
            }
        }
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

    /// The platform without the app's version, and that version: `apple_rn-v2` is `apple_rn`, 2.
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
/// The sentence of one that is not good.
pub(super) fn read_ack(body: &Body) -> Result<(), String> {
    let fields = object(body)?;
    for (name, title) in [("id", "Id"), ("platform", "platform"), ("type", "type")] {
        if fields.get(name).and_then(Value::as_str).unwrap_or_default().is_empty() {
            return Err(format!("Failed because of missing ack {title}"));
        }
    }
    Ok(())
}

/// The first JSON value of the body, which is all that Go's decoder looks at.
fn object(body: &Body) -> Result<Map<String, Value>, String> {
    let failed = |why: &str| Err(format!("Failed to read message body: {why}"));
    match serde_json::Deserializer::from_slice(&body.bytes).into_iter::<Value>().next() {
        None => failed("EOF"),
        Some(Ok(Value::Object(fields))) => Ok(fields),
        Some(Ok(Value::Null)) => Ok(Map::new()),
        Some(Ok(other)) => {
            of_type(&other, "", "model.PushNotification")?;
            Ok(Map::new())
        }
        Some(Err(error)) if error.is_eof() => failed("unexpected EOF"),
        // Go words it in its own way, which nothing depends on.
        Some(Err(error)) => failed(&format!("invalid character: {error}")),
    }
}

fn of_type(value: &Value, field: &str, wanted: &str) -> Result<(), String> {
    let (found, fits) = match value {
        Value::Null => return Ok(()),
        Value::Bool(_) => ("bool", wanted == "bool"),
        Value::Number(number) => ("number", wanted == "int" && number.is_i64()),
        Value::String(_) => ("string", wanted == "string"),
        Value::Array(_) => ("array", false),
        Value::Object(_) => ("object", false),
    };
    if fits {
        return Ok(());
    }
    let place = if field.is_empty() { "value".to_owned() } else { format!("struct field {field}") };
    Err(format!(
        "Failed to read message body: json: cannot unmarshal {found} into Go {place} of type {wanted}"
    ))
}

/// Cuts a text longer than `most` bytes to `kept`. The proxy cuts through a character, and its
/// JSON writer then puts U+FFFD for each byte that is left of it.
fn cut(fields: &mut Map<String, Value>, name: &str, most: usize, kept: usize) {
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
