//! Checks a push to a device.
//!
//! Source: Apple, "Sending notification requests to APNs" and "Handling notification responses from APNs". Apple does
//! not say in which order it checks, so tests must not depend on the order.

use http::HeaderMap;
use uuid::Uuid;

use super::auth::GrantedBy;
use super::provider_key::KeyScope;
use super::reply::Reply;
use crate::body::Body;

/// The most bytes of a payload.
const MAX_PAYLOAD: u64 = 4096;

/// The most bytes of a payload for VoIP.
const MAX_VOIP_PAYLOAD: u64 = 5120;

/// The most bytes of `apns-collapse-id`.
const MAX_COLLAPSE_ID: usize = 64;

/// How the topics of MDM push certificates begin, which are not bundle ids.
const MDM_TOPIC: &str = "com.apple.mgmt.";

/// The push types, and what follows the bundle id in their topics.
const PUSH_TYPES: [(&str, &str); 11] = [
    ("alert", ""),
    ("background", ""),
    ("voip", ".voip"),
    ("complication", ".complication"),
    ("fileprovider", ".pushkit.fileprovider"),
    ("mdm", ""),
    ("location", ".location-query"),
    ("liveactivity", ".push-type.liveactivity"),
    ("pushtotalk", ".voip-ptt"),
    ("widgets", ".push-type.widgets"),
    ("controls", ".push-type.controls"),
];

fn bad(reason: &'static str) -> Reply {
    Reply::refused(400, reason)
}

/// Checks everything except method, path and authorization, and returns the topic.
pub(super) fn push(
    headers: &HeaderMap,
    body: &Body,
    granted: &GrantedBy,
    bundle_ids: &[String],
) -> Result<String, Reply> {
    let push_type = text(headers, "apns-push-type").unwrap_or("alert");
    let topic = topic(headers, granted)?;
    check_topic(topic, push_type, granted, bundle_ids)?;

    let priority = text(headers, "apns-priority");
    priority_fits(priority, push_type)?;
    expiration(headers)?;
    message_id(headers, "apns-id")?;
    if headers.get("apns-collapse-id").is_some_and(|id| id.len() > MAX_COLLAPSE_ID) {
        return Err(bad("BadCollapseId"));
    }
    let max = if push_type == "voip" { MAX_VOIP_PAYLOAD } else { MAX_PAYLOAD };
    // Apple lists no reason for a payload that is not a JSON object; this is the nearest.
    payload(body, max, "PayloadEmpty")?;
    Ok(topic.to_owned())
}

/// Returns the topic that the push names, or the only topic of the certificate.
fn topic<'a>(headers: &'a HeaderMap, granted: &'a GrantedBy) -> Result<&'a str, Reply> {
    match text(headers, "apns-topic") {
        Some("") => Err(bad("MissingTopic")),
        Some(topic) => Ok(topic),
        None => match granted {
            GrantedBy::Certificate(topics) if topics.len() == 1 => {
                topics.first().map(String::as_str).ok_or_else(|| bad("MissingTopic"))
            }
            GrantedBy::Certificate(_) | GrantedBy::TeamKey | GrantedBy::TopicKey(_) => {
                Err(bad("MissingTopic"))
            }
        },
    }
}

fn check_topic(
    topic: &str,
    push_type: &str,
    granted: &GrantedBy,
    bundle_ids: &[String],
) -> Result<(), Reply> {
    let spelled = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !topic.chars().all(spelled) {
        return Err(bad("BadTopic"));
    }
    let Some((_, suffix)) = PUSH_TYPES.iter().find(|(name, _)| *name == push_type) else {
        return Err(bad("InvalidPushType"));
    };
    if push_type == "mdm" && topic.starts_with(MDM_TOPIC) {
        return Ok(());
    }
    // Whoever omits the suffix of the push type asks for a topic that the sender may not push to.
    let bundle_id = topic.strip_suffix(suffix).ok_or_else(|| bad("TopicDisallowed"))?;
    let allowed = match granted {
        GrantedBy::TeamKey => bundle_ids.iter().any(|own| own == bundle_id),
        GrantedBy::TopicKey(key) => match &key.scope {
            KeyScope::Topics { topics, .. } => topics.iter().any(|own| own == bundle_id),
            KeyScope::Team => true,
        },
        // `location` is for provider tokens only; Apple names no reason.
        GrantedBy::Certificate(_) if push_type == "location" => return Err(bad("InvalidPushType")),
        GrantedBy::Certificate(topics) => topics.iter().any(|own| own == bundle_id || own == topic),
    };
    if allowed { Ok(()) } else { Err(bad("TopicDisallowed")) }
}

/// `background` with priority 10 "is an error" for which Apple gives no reason. Without a priority it is accepted.
fn priority_fits(priority: Option<&str>, push_type: &str) -> Result<(), Reply> {
    match (priority, push_type) {
        (Some("10"), "background") | (Some("1"), "liveactivity") => Err(bad("BadPriority")),
        (None | Some("10" | "5" | "1"), _) => Ok(()),
        (Some(_), _) => Err(bad("BadPriority")),
    }
}

/// Reads `apns-expiration`, in seconds since the epoch.
pub(super) fn expiration(headers: &HeaderMap) -> Result<Option<u64>, Reply> {
    let Some(value) = text(headers, "apns-expiration") else { return Ok(None) };
    let digits = !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit());
    match value.parse() {
        Ok(seconds) if digits => Ok(Some(seconds)),
        Ok(_) | Err(_) => Err(bad("BadExpirationDate")),
    }
}

/// Reads a canonical lower-case UUID, if the header is there.
pub(super) fn message_id(headers: &HeaderMap, name: &str) -> Result<Option<Uuid>, Reply> {
    let Some(value) = text(headers, name) else { return Ok(None) };
    match Uuid::try_parse(value) {
        Ok(id) if id.to_string() == value => Ok(Some(id)),
        Ok(_) | Err(_) => Err(bad("BadMessageId")),
    }
}

/// Checks that the payload is a JSON object of 1 to `max` bytes.
pub(super) fn payload(body: &Body, max: u64, no_object: &'static str) -> Result<(), Reply> {
    if body.len == 0 {
        return Err(bad("PayloadEmpty"));
    }
    if body.len > max {
        return Err(Reply::refused(413, "PayloadTooLarge"));
    }
    let object = body.bytes.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<serde::de::IgnoredAny>(&body.bytes).is_ok();
    if object { Ok(()) } else { Err(bad(no_object)) }
}

/// Whether any header occurs more than once.
pub(super) fn has_duplicates(headers: &HeaderMap) -> bool {
    headers.keys_len() != headers.len()
}

/// Reads a header as text. One that is not ASCII becomes a text that is valid nowhere.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("\0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], payload: &str) -> Result<String, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let body = Body::of(payload.to_owned());
        push(&map, &body, &GrantedBy::TeamKey, &["com.example.app".to_owned()])
            .map_err(|reply| format!("{} {}", reply.status, reply.reason.unwrap()))
    }

    const TOPIC: (&str, &str) = ("apns-topic", "com.example.app");
    const VOIP: [(&str, &str); 2] = [("apns-topic", "com.example.app.voip"), ("apns-push-type", "voip")];

    #[test]
    fn each_header_has_its_reason() {
        let reasons = [
            (&[][..], "400 MissingTopic"),
            (&[("apns-topic", "a b")], "400 BadTopic"),
            (&[("apns-topic", "com.example.other")], "400 TopicDisallowed"),
            (&[TOPIC, ("apns-push-type", "voip")], "400 TopicDisallowed"),
            (&[TOPIC, ("apns-push-type", "news")], "400 InvalidPushType"),
            (&[TOPIC, ("apns-priority", "7")], "400 BadPriority"),
            (&[TOPIC, ("apns-push-type", "background"), ("apns-priority", "10")], "400 BadPriority"),
            (&[TOPIC, ("apns-expiration", "+1")], "400 BadExpirationDate"),
            (&[TOPIC, ("apns-id", "6F9619FF-8B86-D011-B42D-00CF4FC964FF")], "400 BadMessageId"),
        ];
        for (headers, reason) in reasons {
            assert_eq!(check(headers, "{}").unwrap_err(), reason, "{headers:?}");
        }
        let long = "x".repeat(65);
        assert_eq!(check(&[TOPIC, ("apns-collapse-id", &long)], "{}").unwrap_err(), "400 BadCollapseId");
        assert_eq!(check(&[TOPIC, ("apns-collapse-id", &long[1..])], "{}").unwrap(), "com.example.app");
    }

    #[test]
    fn the_limit_of_the_payload_goes_by_the_push_type() {
        let of = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len - 8));
        assert!(check(&[TOPIC], &of(4096)).is_ok());
        assert_eq!(check(&[TOPIC], &of(4097)).unwrap_err(), "413 PayloadTooLarge");
        assert!(check(&VOIP, &of(5120)).is_ok());
        assert_eq!(check(&VOIP, &of(5121)).unwrap_err(), "413 PayloadTooLarge");
        assert_eq!(check(&[TOPIC], "").unwrap_err(), "400 PayloadEmpty");
        assert_eq!(check(&[TOPIC], "[]").unwrap_err(), "400 PayloadEmpty");
    }
}
