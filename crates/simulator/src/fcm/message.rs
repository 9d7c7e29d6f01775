//! Checks what a send request must be beyond the types of its fields.
//!
//! Source: Google, "FCM Error Codes" and the discovery document of FCM v1.

use serde_json::{Map, Value};

use super::condition::{self, is_topic};
use super::error::GoogleError;
use super::schema::{self, FieldError, get, seconds};
use crate::body::Body;

/// The most bytes of keys and values, to a device and to a topic.
const MAX_PAYLOAD: usize = 4096;
const MAX_TOPIC_PAYLOAD: usize = 2048;

/// The longest time to live: four weeks.
const MAX_TTL_S: f64 = 2_419_200.0;

/// The keys of `data` that FCM keeps for itself, and how its other reserved keys begin.
const RESERVED: [&str; 2] = ["from", "message_type"];
const RESERVED_PREFIXES: [&str; 2] = ["google.", "gcm."];

const BAD_TOKEN: &str = "The registration token is not a valid FCM registration token";

/// Whom a message goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A registration token or an installation id.
    Device(String),
    Topic,
    Condition,
}

/// A request that FCM would accept.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) target: Target,
    pub(super) validate_only: bool,
}

/// Checks a request that was read in full.
pub(super) fn parse(body: &Body) -> Result<Message, GoogleError> {
    // A body that is longer than what is kept of it is too big in any case.
    if body.len > body.bytes.len() as u64 {
        return Err(too_big());
    }
    let request: Value = serde_json::from_slice(&body.bytes).map_err(|error| {
        let sentence = format!("Invalid JSON payload received. {error}");
        GoogleError::invalid(sentence.clone()).field("", &sentence)
    })?;
    schema::check(&request).map_err(|FieldError { field, sentence }| {
        GoogleError::invalid(sentence.clone()).field(&field, &sentence)
    })?;
    let nothing = Value::Object(Map::new());
    let message = get(&request, "message").unwrap_or(&nothing);
    let target = target(message)?;
    for data in [Some(message), get(message, "android"), get(message, "webpush")].into_iter().flatten() {
        if let Some(data) = get(data, "data") {
            no_reserved_key(data)?;
        }
    }
    if let Some(ttl) = text(message, &["android", "ttl"])
        && !seconds(ttl).is_some_and(|ttl| (0.0..=MAX_TTL_S).contains(&ttl))
    {
        return Err(invalid("message.android.ttl", "Invalid value for field 'message.android.ttl'."));
    }
    if let Some(link) = text(message, &["webpush", "fcm_options", "link"])
        && !link.starts_with("https://")
    {
        return Err(invalid("message.webpush.fcm_options.link", "The link must be an HTTPS URL."));
    }
    let most = if matches!(target, Target::Device(_)) { MAX_PAYLOAD } else { MAX_TOPIC_PAYLOAD };
    if largest_payload(message) > most {
        return Err(too_big());
    }
    let validate_only = get(&request, "validate_only").and_then(Value::as_bool).unwrap_or(false);
    Ok(Message { target, validate_only })
}

/// Returns the registration token or installation id of a request, whether or not the request is good.
pub(super) fn device(body: &Body) -> Option<String> {
    let request: Value = serde_json::from_slice(&body.bytes).ok()?;
    let message = get(&request, "message")?;
    get(message, "token").or_else(|| get(message, "fid"))?.as_str().map(str::to_owned)
}

fn target(message: &Value) -> Result<Target, GoogleError> {
    let named: Vec<(&str, &str)> = ["token", "topic", "condition", "fid"]
        .into_iter()
        .filter_map(|name| Some((name, get(message, name)?.as_str()?)))
        .collect();
    let &[(name, value)] = named.as_slice() else {
        return Err(match named.as_slice() {
            [_, (second, _), ..] => {
                let sentence = format!(
                    "Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set '{second}'"
                );
                GoogleError::invalid(sentence.clone()).field("message", &sentence)
            }
            _ => invalid("message", "Recipient of the message is not set."),
        });
    };
    match name {
        "topic" if is_topic(value) => Ok(Target::Topic),
        "topic" => Err(invalid("message.topic", "Malformed topic name")),
        "condition" if condition::is_valid(value) => Ok(Target::Condition),
        "condition" => Err(invalid("message.condition", "Invalid condition expression provided.")),
        _ if is_token(value) => Ok(Target::Device(value.to_owned())),
        _ => Err(GoogleError::invalid(BAD_TOKEN).fcm("INVALID_ARGUMENT")),
    }
}

/// Google documents no form. White space and control characters are what no token can have.
fn is_token(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|letter| letter.is_ascii_graphic())
}

fn no_reserved_key(data: &Value) -> Result<(), GoogleError> {
    let keys = data.as_object().into_iter().flat_map(Map::keys);
    for key in keys {
        let reserved = RESERVED.contains(&key.as_str())
            || RESERVED_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
        if reserved {
            return Err(invalid("message.data", &format!("Invalid data payload key: {key}")));
        }
    }
    Ok(())
}

fn invalid(field: &str, sentence: &str) -> GoogleError {
    GoogleError::invalid(sentence.to_owned()).fcm("INVALID_ARGUMENT").field(field, sentence)
}

/// Whether the payload of a message to a device is too large.
pub(super) fn is_too_big(message: &Value) -> bool {
    largest_payload(message) > MAX_PAYLOAD
}

/// FCM has no 413: a payload that is too large is an invalid argument.
fn too_big() -> GoogleError {
    GoogleError::invalid("Message is too big").fcm("INVALID_ARGUMENT")
}

fn text<'a>(message: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter().try_fold(message, |value, name| get(value, name))?.as_str()
}

/// Returns the size of the payload of the platform that gets most. Google says "keys and values" without saying of
/// what. Here they are those of `data` and `notification`, both the general ones and those of the platform, and for
/// APNs and the web those of their own payload.
fn largest_payload(message: &Value) -> usize {
    let part = |owner: &Value, name: &str| get(owner, name).map_or(0, weight);
    let general = part(message, "data") + part(message, "notification");
    ["android", "webpush", "apns"]
        .iter()
        .filter_map(|platform| get(message, platform))
        .map(|platform| ["data", "notification", "payload"].iter().map(|name| part(platform, name)).sum())
        .fold(general, |most: usize, own: usize| most.max(general + own))
}

/// Counts the bytes of keys and values, at any depth.
fn weight(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Bool(_) | Value::Number(_) => value.to_string().len(),
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() + weight(value)).sum(),
    }
}
