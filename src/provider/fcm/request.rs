//! How a push is said to FCM: once a body, then addressed to each target.
//!
//! Source: Firebase, "Method: projects.messages.send".

use std::time::SystemTime;

use fanfare_upstream::{Indexing, Request};
use http::Method;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::apple::Apple;
use super::data::{bytes_of, check_key};
use super::parts::{Android, AndroidNotification, FcmOptions, Shown, WebPush, ttl};
use super::raw::Raw;
use super::{
    Fcm, MAX_ANALYTICS_LABEL_CHARS, MAX_PAYLOAD_BYTES, MAX_TOPIC_PAYLOAD_BYTES, ReplyContext, Target,
};
use crate::provider::{CONTENT_TYPE, Message, Outgoing, apns, bug, push_own, text};
use crate::push::{Body, Expiry, FcmContent, Outcome, Reason, Refusal};

/// A body as FCM takes it: all that its addressees share, whenever it is sent.
#[derive(Debug)]
pub struct Payload {
    parts: Parts,
    /// The bytes that count against FCM's limit.
    counted: usize,
}

#[derive(Debug)]
enum Parts {
    Raw(Raw),
    LiveActivity { payload: Box<RawValue> },
    Typed(Typed),
}

/// The parts whose length has no bound. They are written as JSON once, for all targets.
#[derive(Debug, Default)]
struct Typed {
    notification: Option<Box<RawValue>>,
    data: Option<Box<RawValue>>,
    android_notification: Option<Box<RawValue>>,
}

/// Says a body to FCM.
///
/// # Errors
/// Fails if the body cannot be said.
pub(super) fn encode(body: &Body) -> Result<Payload, Refusal> {
    let nothing = FcmContent::default();
    let options = body.content.fcm.as_deref().unwrap_or(&nothing);
    let payload = if let Some(json) = text(&options.message_json) {
        let raw = Raw::parse(json)?;
        Payload { counted: raw.counted, parts: Parts::Raw(raw) }
    } else {
        check_options(options)?;
        check_data(body)?;
        match text(&options.live_activity_token) {
            Some(_) => live_activity(body)?,
            None => typed(body, options)?,
        }
    };
    // The smaller limit of topics is checked by `address`, because a multicast may name tokens beside a topic.
    within(payload.counted, MAX_PAYLOAD_BYTES, "a message")?;
    Ok(payload)
}

/// Directs an encoded body to one target, to be sent at `now`.
///
/// # Errors
/// Fails if this kind of target cannot take the payload.
pub(super) fn address(
    fcm: &Fcm,
    push: &Outgoing<'_, Fcm>,
    now: SystemTime,
) -> Result<Message<ReplyContext>, Refusal> {
    let Outgoing { body, target, payload, .. } = *push;
    check_size(payload, target)?;
    let message = Addressed { target, parts: &payload.parts, body, ttl: ttl(body.options.expiry, now) };
    let sent = SendBody { validate_only: body.options.dry_run, message };
    let json = serde_json::to_vec(&sent).map_err(|error| bug("content", &error))?;
    let (live_activity_token, raw_message) = match &payload.parts {
        Parts::Raw(raw) => (raw.live_activity, true),
        Parts::LiveActivity { .. } => (true, false),
        Parts::Typed(_) => (false, false),
    };
    let typed = matches!(payload.parts, Parts::Typed(_));
    let path = ["/v1/projects/", &fcm.project_id, "/messages:send"];
    let request = Request::with_room(&Method::POST, &path, json.into(), HEADERS_ROOM);
    let mut request = request.map_err(|error| bug("target", &error))?;
    push_own(&mut request, CONTENT_TYPE, "application/json", Indexing::Repeats)?;
    Ok(Message {
        request,
        counts_down: typed && matches!(body.options.expiry, Expiry::At(_)),
        context: ReplyContext { live_activity_token, raw_message },
    })
}

/// The room that the headers of a push need, with an access token of Google, in bytes.
const HEADERS_ROOM: usize = 1400;

#[derive(serde::Serialize)]
struct SendBody<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    validate_only: bool,
    message: Addressed<'a>,
}

struct Addressed<'a> {
    target: &'a Target,
    parts: &'a Parts,
    body: &'a Body,
    ttl: Option<u64>,
}

impl Serialize for Addressed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.target {
            Target::Token(token) => map.serialize_entry("token", token.as_str())?,
            Target::InstallationId(fid) => map.serialize_entry("fid", fid)?,
            Target::Topic(topic) => map.serialize_entry("topic", topic)?,
            Target::Condition(condition) => map.serialize_entry("condition", condition)?,
        }
        let nothing = FcmContent::default();
        let options = self.body.content.fcm.as_deref().unwrap_or(&nothing);
        match self.parts {
            Parts::Raw(raw) => {
                for (key, value) in &raw.members {
                    map.serialize_entry(key, value)?;
                }
                return map.end();
            }
            Parts::LiveActivity { payload } => {
                let apple = Apple::live_activity(self.body, &options.live_activity_token, payload);
                map.serialize_entry("apns", &apple)?;
            }
            Parts::Typed(typed) => {
                entry(&mut map, "notification", typed.notification.as_ref())?;
                entry(&mut map, "data", typed.data.as_ref())?;
                let shown = typed.android_notification.as_deref();
                map.serialize_entry("android", &Android::of(self.body, options, shown, self.ttl))?;
                entry(&mut map, "apns", Apple::of(self.body).as_ref())?;
                entry(&mut map, "webpush", WebPush::of(self.body, self.ttl).as_ref())?;
            }
        }
        entry(&mut map, "fcm_options", FcmOptions::of(options).as_ref())?;
        map.end()
    }
}

fn entry<M: SerializeMap, T: Serialize>(map: &mut M, key: &str, value: Option<&T>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, value))
}

fn typed(body: &Body, options: &FcmContent) -> Result<Payload, Refusal> {
    let content = &body.content;
    let notification = content.notification.as_ref();
    if notification.is_none() && content.data.is_empty() {
        let detail = "expected a notification, data or a raw message for FCM, found none";
        return Err(Refusal::field("content", Reason::FieldRequired, detail));
    }
    check_shown(body, options)?;
    let shown = notification.and_then(Shown::of);
    let counted = content.data.iter().map(|(key, value)| bytes_of(key, value)).sum::<usize>()
        + shown.as_ref().map_or(0, Shown::bytes);
    let android = notification.and_then(|notification| AndroidNotification::of(notification, options));
    let typed = Typed {
        notification: shown.as_ref().map(written).transpose()?,
        data: (!content.data.is_empty()).then(|| written(&content.data)).transpose()?,
        android_notification: android.as_ref().map(written).transpose()?,
    };
    Ok(Payload { parts: Parts::Typed(typed), counted })
}

/// Encodes a Live Activity that FCM passes on: everything in it is said to APNs.
fn live_activity(body: &Body) -> Result<Payload, Refusal> {
    let Some(options) = body.content.apns.as_deref().filter(|apns| apns.live_activity.is_some()) else {
        let detail = "expected what becomes of the Live Activity whose token is given, found nothing";
        return Err(Refusal::field("content.apns.live_activity", Reason::FieldRequired, detail));
    };
    let json = apns::live_activity_payload(body, options)?;
    let counted = json.len();
    let json = String::from_utf8(json).map_err(|error| bug("content", &error))?;
    let payload = RawValue::from_string(json).map_err(|error| bug("content", &error))?;
    Ok(Payload { parts: Parts::LiveActivity { payload }, counted })
}

fn written<T: Serialize>(part: &T) -> Result<Box<RawValue>, Refusal> {
    to_raw_value(part).map_err(|error| bug("content", &error))
}

fn check_data(body: &Body) -> Result<(), Refusal> {
    let mut keys = body.content.data.keys();
    keys.try_for_each(|key| check_key(key, || format!("content.data[{key:?}]").into()))
}

/// Refuses options of a notification without a notification: with them FCM would make a notification of a data message
/// that shows nothing.
fn check_shown(body: &Body, options: &FcmContent) -> Result<(), Refusal> {
    if body.content.notification.is_some() {
        return Ok(());
    }
    let texts = [
        ("content.fcm.channel_id", &options.channel_id),
        ("content.fcm.tag", &options.tag),
        ("content.fcm.icon", &options.icon),
        ("content.fcm.color", &options.color),
    ];
    let text = texts.into_iter().find(|(_, text)| !text.is_empty()).map(|(field, _)| field);
    match text.or(options.visibility.map(|_| "content.fcm.visibility")) {
        Some(field) => {
            let detail = "expected a notification beside how to show one, found data alone";
            Err(Refusal::field(field, Reason::FieldsConflict, detail))
        }
        None => Ok(()),
    }
}

fn check_options(options: &FcmContent) -> Result<(), Refusal> {
    const COLOR: &str = "content.fcm.color";
    const LABEL: &str = "content.fcm.analytics_label";
    let color = options.color.as_str();
    let digits = color.strip_prefix('#').filter(|digits| digits.len() == 6);
    if !color.is_empty() && !digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
        let detail = format!("expected a color as #rrggbb, found {} bytes of something else", color.len());
        return Err(Refusal::field(COLOR, Reason::FieldInvalid, detail));
    }
    let label = options.analytics_label.as_str();
    let found = label.chars().count();
    if found > MAX_ANALYTICS_LABEL_CHARS {
        let detail = format!("expected at most {MAX_ANALYTICS_LABEL_CHARS} characters, found {found}");
        return Err(Refusal::field(LABEL, Reason::FieldTooLarge, detail));
    }
    match label.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.~%".contains(*c)) {
        Some(c) => {
            let detail = format!("expected letters, digits and -_.~%, found {c:?}");
            Err(Refusal::field(LABEL, Reason::FieldInvalid, detail))
        }
        None => Ok(()),
    }
}

fn check_size(payload: &Payload, target: &Target) -> Result<(), Refusal> {
    if target.is_of_topics() {
        within(payload.counted, MAX_TOPIC_PAYLOAD_BYTES, "a message to topics")
    } else {
        within(payload.counted, MAX_PAYLOAD_BYTES, "a message")
    }
}

fn within(found: usize, limit: usize, what: &str) -> Result<(), Refusal> {
    if found <= limit {
        return Ok(());
    }
    Err(Refusal {
        outcome: Outcome::PayloadTooLarge,
        reason: Reason::PayloadOverLimit,
        field: "content".into(),
        detail: format!("expected at most {limit} bytes of keys and values in {what} to FCM, found {found}"),
    })
}
