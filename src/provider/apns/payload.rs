//! The JSON that a device gets: portable, then typed, then raw; the later wins.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::push_type::PushType;
use crate::push::{
    ApnsContent, Body, InterruptionLevel, LiveActivity, LiveActivityEvent, LocalizedText, Notification,
    Reason, Refusal,
};

/// The bytes of a payload.
pub(super) fn payload(body: &Body, push_type: PushType<'_>) -> Result<Vec<u8>, Refusal> {
    let content = &body.content;
    let none = (Notification::default(), ApnsContent::default());
    let notification = content.notification.as_ref().unwrap_or(&none.0);
    let apns = content.apns.as_ref().unwrap_or(&none.1);
    if !apns.payload_json.is_empty() {
        object("content.apns.payload_json", &apns.payload_json)?;
        return Ok(apns.payload_json.clone().into_bytes());
    }
    check(apns, push_type)?;
    let activity = apns.live_activity.as_ref();
    if let Some(activity) = activity {
        check_activity(activity, notification)?;
    }
    if content.data.contains_key("aps") {
        let detail = "expected another key, found aps, which holds what the notification says";
        return Err(Refusal::field("content.data[aps]", Reason::FieldInvalid, detail));
    }
    let image = (!notification.image.is_empty()).then_some(notification.image.as_str());
    if image.is_some() && content.data.contains_key("image") {
        let detail = "expected the image in content.notification.image or in content.data, found both";
        return Err(Refusal::field("content.data[image]", Reason::FieldsConflict, detail));
    }
    let payload = Payload {
        aps: Aps {
            alert: alert(notification),
            badge: notification.badge,
            sound: sound(notification, apns),
            thread_id: &notification.thread,
            category: &notification.category,
            // A push that wakes the app says so, or nothing would come of it.
            content_available: flag(apns.content_available || push_type == PushType::Background),
            mutable_content: flag(apns.mutable_content || image.is_some()),
            target_content_id: &apns.target_content_id,
            interruption_level: apns.interruption_level.map(level),
            relevance_score: apns.relevance_score,
            filter_criteria: &apns.filter_criteria,
            timestamp: activity.map(|it| seconds(it.timestamp.unwrap_or(body.accepted_at))),
            event: activity.map(|it| event(it.event)),
            content_state: activity
                .map(|it| raw(CONTENT_STATE, &it.content_state_json))
                .transpose()?
                .flatten(),
            stale_date: activity.and_then(|it| it.stale_at).map(seconds),
            dismissal_date: activity.and_then(|it| it.dismiss_at).map(seconds),
            attributes_type: activity.map_or("", |it| &it.attributes_type),
            attributes: activity.map(|it| raw(ATTRIBUTES, &it.attributes_json)).transpose()?.flatten(),
            input_push_token: flag(activity.is_some_and(|it| it.input_push_token)),
            input_push_channel: activity.map_or("", |it| &it.input_push_channel),
        },
        image,
        data: &content.data,
    };
    // Strings, numbers and raw JSON that was checked: nothing of it can fail to serialize.
    serde_json::to_vec(&payload).map_err(|error| {
        Refusal::field("content", Reason::FieldInvalid, format!("expected a payload that is JSON: {error}"))
    })
}

const CONTENT_STATE: &str = "content.apns.live_activity.content_state_json";
const ATTRIBUTES: &str = "content.apns.live_activity.attributes_json";

#[derive(Serialize)]
struct Payload<'a> {
    aps: Aps<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(flatten)]
    data: &'a BTreeMap<String, String>,
}

/// Source: Apple, "Generating a remote notification"; the members from `timestamp` on, "Starting and updating
/// Live Activities with ActivityKit push notifications".
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<Alert<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<Sound<'a>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    thread_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    category: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_available: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutable_content: Option<u8>,
    #[serde(skip_serializing_if = "str::is_empty")]
    target_content_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interruption_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance_score: Option<f64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    filter_criteria: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_state: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_date: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismissal_date: Option<u64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    attributes_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_push_token: Option<u8>,
    #[serde(skip_serializing_if = "str::is_empty")]
    input_push_channel: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Alert<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subtitle: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    title_loc_key: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    title_loc_args: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    subtitle_loc_key: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    subtitle_loc_args: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    loc_key: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    loc_args: &'a [String],
}

fn alert(it: &Notification) -> Option<Alert<'_>> {
    fn or_plain<'a>(
        localized: Option<&'a LocalizedText>,
        plain: &'a str,
    ) -> (&'a str, &'a str, &'a [String]) {
        localized.map_or((plain, "", &[]), |text| ("", text.key.as_str(), text.arguments.as_slice()))
    }
    if !it.alerts() {
        return None;
    }
    let (title, title_loc_key, title_loc_args) = or_plain(it.title_localized.as_ref(), &it.title);
    let (subtitle, subtitle_loc_key, subtitle_loc_args) =
        or_plain(it.subtitle_localized.as_ref(), &it.subtitle);
    let (body, loc_key, loc_args) = or_plain(it.body_localized.as_ref(), &it.body);
    Some(Alert {
        title,
        subtitle,
        body,
        title_loc_key,
        title_loc_args,
        subtitle_loc_key,
        subtitle_loc_args,
        loc_key,
        loc_args,
    })
}

enum Sound<'a> {
    Plain(&'a str),
    Critical { name: &'a str, volume: f64 },
}

impl Serialize for Sound<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Critical<'a> {
            critical: u8,
            name: &'a str,
            volume: f64,
        }
        match *self {
            Self::Plain(name) => serializer.serialize_str(name),
            Self::Critical { name, volume } => Critical { critical: 1, name, volume }.serialize(serializer),
        }
    }
}

fn sound<'a>(notification: &'a Notification, apns: &'a ApnsContent) -> Option<Sound<'a>> {
    if let Some(critical) = &apns.critical_sound {
        let name = if critical.name.is_empty() { "default" } else { &critical.name };
        return Some(Sound::Critical { name, volume: critical.volume.unwrap_or(1.0) });
    }
    (!notification.sound.is_empty()).then_some(Sound::Plain(&notification.sound))
}

fn level(it: InterruptionLevel) -> &'static str {
    match it {
        InterruptionLevel::Passive => "passive",
        InterruptionLevel::Active => "active",
        InterruptionLevel::TimeSensitive => "time-sensitive",
        InterruptionLevel::Critical => "critical",
    }
}

fn event(it: LiveActivityEvent) -> &'static str {
    match it {
        LiveActivityEvent::Start => "start",
        LiveActivityEvent::Update => "update",
        LiveActivityEvent::End => "end",
    }
}

fn check(apns: &ApnsContent, push_type: PushType<'_>) -> Result<(), Refusal> {
    let range = |field, value: Option<f64>, any: bool| match value {
        Some(value) if !value.is_finite() || !(any || (0.0..=1.0).contains(&value)) => {
            Err(Refusal::field(field, Reason::FieldInvalid, format!("expected 0 to 1, found {value}")))
        }
        Some(_) | None => Ok(()),
    };
    range("content.apns.relevance_score", apns.relevance_score, push_type == PushType::LiveActivity)?;
    let volume = apns.critical_sound.as_ref().and_then(|sound| sound.volume);
    range("content.apns.critical_sound.volume", volume, false)?;
    if push_type == PushType::LiveActivity && apns.live_activity.is_none() {
        let detail = "expected a Live Activity for push type liveactivity, found none";
        return Err(Refusal::field("content.apns.live_activity", Reason::FieldRequired, detail));
    }
    Ok(())
}

/// Source: Apple, "Starting and updating Live Activities with ActivityKit push notifications".
fn check_activity(it: &LiveActivity, notification: &Notification) -> Result<(), Refusal> {
    let starts = it.event == LiveActivityEvent::Start;
    let needs = |present: bool, field: &'static str, what: &str| {
        let detail = || format!("expected {what} for event {}, found none", event(it.event));
        if present { Ok(()) } else { Err(Refusal::field(field, Reason::FieldRequired, detail())) }
    };
    if it.event != LiveActivityEvent::End {
        needs(!it.content_state_json.is_empty(), CONTENT_STATE, "a content state")?;
    }
    if starts {
        let typed = !it.attributes_type.is_empty();
        needs(typed, "content.apns.live_activity.attributes_type", "the type of the attributes")?;
        needs(!it.attributes_json.is_empty(), ATTRIBUTES, "attributes")?;
        needs(notification.alerts(), "content.notification", "a text to show")?;
        return Ok(());
    }
    for (set, field) in [
        (it.input_push_token, "content.apns.live_activity.input_push_token"),
        (!it.input_push_channel.is_empty(), "content.apns.live_activity.input_push_channel"),
    ] {
        if set {
            let detail = format!("expected it with event start only, found event {}", event(it.event));
            return Err(Refusal::field(field, Reason::FieldsConflict, detail));
        }
    }
    Ok(())
}

fn flag(set: bool) -> Option<u8> {
    set.then_some(1)
}

/// Seconds since 1970; before it, 0.
pub(super) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn raw<'a>(field: &'static str, json: &'a str) -> Result<Option<&'a RawValue>, Refusal> {
    if json.is_empty() { Ok(None) } else { object(field, json).map(Some) }
}

fn object<'a>(field: &'static str, json: &'a str) -> Result<&'a RawValue, Refusal> {
    let value: Result<&RawValue, _> = serde_json::from_str(json);
    match value {
        Ok(value) if value.get().starts_with('{') => Ok(value),
        Ok(_) => {
            Err(Refusal::field(field, Reason::RawBodyInvalid, "expected a JSON object, found another value"))
        }
        Err(error) => {
            Err(Refusal::field(field, Reason::RawBodyInvalid, format!("expected a JSON object: {error}")))
        }
    }
}
