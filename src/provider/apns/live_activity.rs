//! Live Activities: their part of `aps`, and what each event needs.
//!
//! Source: Apple, "Starting and updating Live Activities with ActivityKit push notifications".

use serde_json::value::RawValue;

use super::members::{Sound, arguments, flag};
use crate::provider::{epoch_seconds, text};
use crate::push::{Body, LiveActivity, LiveActivityEvent, LocalizedText, Notification, Reason, Refusal};

/// The members of `aps` that only a Live Activity has.
#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Activity<'a> {
    timestamp: u64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_state: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_date: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismissal_date: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_push_token: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_push_channel: Option<&'a str>,
}

impl<'a> Activity<'a> {
    /// # Errors
    /// Fails if the event lacks what it needs, has what only a start may have, or a member is not a
    /// JSON object.
    pub(super) fn of(activity: &'a LiveActivity, body: &'a Body) -> Result<Self, Refusal> {
        match activity.event {
            LiveActivityEvent::Start => check_start(activity, body.content.notification.as_ref())?,
            LiveActivityEvent::Update | LiveActivityEvent::End => check_continued(activity)?,
        }
        let content_state = object(CONTENT_STATE, &activity.content_state_json)?;
        if content_state.is_none() && activity.event != LiveActivityEvent::End {
            return Err(required(CONTENT_STATE, "a start or an update has a content state"));
        }
        Ok(Self {
            timestamp: epoch_seconds(activity.timestamp.unwrap_or(body.accepted_at)),
            event: event_name(activity.event),
            content_state,
            stale_date: activity.stale_at.map(epoch_seconds),
            dismissal_date: activity.dismiss_at.map(epoch_seconds),
            attributes_type: text(&activity.attributes_type),
            attributes: object(ATTRIBUTES, &activity.attributes_json)?,
            input_push_token: flag(activity.input_push_token),
            input_push_channel: text(&activity.input_push_channel),
        })
    }
}

/// The alert of a Live Activity. It has no subtitle, holds its sound itself, and has a localised text as a dictionary
/// in the place of the plain text.
#[derive(serde::Serialize)]
pub(super) struct ActivityAlert<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<Sound<'a>>,
}

impl<'a> ActivityAlert<'a> {
    pub(super) fn of(notification: &'a Notification, sound: Option<Sound<'a>>) -> Option<Self> {
        let title = Text::of(&notification.title, notification.title_localized.as_deref());
        let body = Text::of(&notification.body, notification.body_localized.as_deref());
        let present = title.is_some() || body.is_some() || sound.is_some();
        present.then_some(Self { title, body, sound })
    }
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Plain(&'a str),
    #[serde(rename_all = "kebab-case")]
    Localized {
        loc_key: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        loc_args: Option<&'a [String]>,
    },
}

impl<'a> Text<'a> {
    fn of(plain: &'a str, localized: Option<&'a LocalizedText>) -> Option<Self> {
        match localized {
            Some(key) => Some(Self::Localized { loc_key: &key.key, loc_args: arguments(localized) }),
            None => text(plain).map(Self::Plain),
        }
    }
}

const CONTENT_STATE: &str = "content.apns.live_activity.content_state_json";
const ATTRIBUTES: &str = "content.apns.live_activity.attributes_json";

fn event_name(event: LiveActivityEvent) -> &'static str {
    match event {
        LiveActivityEvent::Start => "start",
        LiveActivityEvent::Update => "update",
        LiveActivityEvent::End => "end",
    }
}

fn check_start(activity: &LiveActivity, notification: Option<&Notification>) -> Result<(), Refusal> {
    if activity.attributes_type.is_empty() {
        return Err(required(
            "content.apns.live_activity.attributes_type",
            "a start names the attributes' type",
        ));
    }
    if object(ATTRIBUTES, &activity.attributes_json)?.is_none() {
        return Err(required(ATTRIBUTES, "a start has attributes"));
    }
    // A Live Activity shows no subtitle, so a subtitle alone does not make an alert.
    let alerts = notification.and_then(|notification| ActivityAlert::of(notification, None)).is_some();
    if !alerts {
        return Err(required("content.notification", "a start alerts the user, with a title or a body"));
    }
    Ok(())
}

/// Refuses the members that make a Live Activity on any event but its start, where the device would ignore them.
fn check_continued(activity: &LiveActivity) -> Result<(), Refusal> {
    let (field, present) = if activity.input_push_token {
        ("content.apns.live_activity.input_push_token", true)
    } else {
        ("content.apns.live_activity.input_push_channel", !activity.input_push_channel.is_empty())
    };
    if present {
        return Err(Refusal::field(field, Reason::FieldsConflict, "only a start may ask for push updates"));
    }
    Ok(())
}

/// A JSON object that is copied as it is. It is absent where the text is empty, or where a serializer wrote `null` for
/// what is not there.
fn object<'a>(field: &'static str, json: &'a str) -> Result<Option<&'a RawValue>, Refusal> {
    if json.is_empty() {
        return Ok(None);
    }
    match serde_json::from_str::<&RawValue>(json) {
        Ok(value) if value.get().starts_with('{') => Ok(Some(value)),
        Ok(value) if value.get() == "null" => Ok(None),
        Ok(_) => Err(Refusal::field(field, Reason::FieldInvalid, "it is a JSON object, found another value")),
        Err(error) => {
            Err(Refusal::field(field, Reason::FieldInvalid, format!("it is a JSON object: {error}")))
        }
    }
}

fn required(field: &'static str, detail: &str) -> Refusal {
    Refusal::field(field, Reason::FieldRequired, detail)
}
