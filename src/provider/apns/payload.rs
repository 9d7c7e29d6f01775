//! The JSON of a push, as the device reads it.
//!
//! Source: Apple, "Generating a remote notification".

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::live_activity::{Activity, ActivityAlert};
use super::members::{Sound, arguments, flag};
use super::push_type::PushType;
use crate::provider::text;
use crate::push::{
    ApnsContent, Content, InterruptionLevel, LocalizedText, Notification, Outcome, Reason, Refusal,
};

/// The usual size of a payload without the texts of its notification, in bytes. A buffer of the right size saves
/// memory, because it keeps its size for as long as its push is in flight.
const USUAL_BYTES: usize = 128;

/// Writes a payload from its portable and typed parts. The same push is the same bytes each time.
///
/// # Errors
/// Fails if a key is taken by the gateway, or a number is out of its range.
pub(super) fn write(
    content: &Content,
    push_type: PushType,
    activity: Option<Activity<'_>>,
) -> Result<Vec<u8>, Refusal> {
    let (no_notification, no_options) = (Notification::default(), ApnsContent::default());
    let notification = content.notification.as_ref().unwrap_or(&no_notification);
    let options = content.apns.as_deref().unwrap_or(&no_options);
    check_keys(&content.data, notification)?;
    let document = Document {
        aps: aps(notification, options, push_type, activity)?,
        image: text(&notification.image),
        data: &content.data,
    };
    let texts = [&notification.title, &notification.subtitle, &notification.body].map(String::len);
    let mut json = Vec::with_capacity(USUAL_BYTES + texts.iter().sum::<usize>());
    serde_json::to_writer(&mut json, &document).map_err(|error| Refusal {
        outcome: Outcome::Internal,
        reason: Reason::GatewayBug,
        field: "content".into(),
        detail: format!("the payload could not be written: {error}"),
    })?;
    Ok(json)
}

struct Document<'a> {
    aps: Aps<'a>,
    image: Option<&'a str>,
    data: &'a BTreeMap<String, String>,
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("aps", &self.aps)?;
        if let Some(image) = self.image {
            map.serialize_entry("image", image)?;
        }
        for (key, value) in self.data {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<Alert<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<Sound<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_available: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutable_content: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_content_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interruption_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_criteria: Option<&'a str>,
    #[serde(flatten)]
    activity: Option<Activity<'a>>,
}

/// An alert is always a dictionary, even where there is only a body, so that the app's extensions have one form to
/// read.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Alert<'a> {
    Plain(PlainAlert<'a>),
    Activity(ActivityAlert<'a>),
}

#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct PlainAlert<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_loc_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_loc_args: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle_loc_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subtitle_loc_args: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loc_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    loc_args: Option<&'a [String]>,
}

impl<'a> PlainAlert<'a> {
    /// The alert of a notification. A localised text stands in for the plain one.
    fn of(notification: &'a Notification) -> Option<Self> {
        let plain = |plain, localized: &Option<_>| if localized.is_none() { text(plain) } else { None };
        let n = notification;
        n.alerts().then(|| Self {
            title: plain(&n.title, &n.title_localized),
            subtitle: plain(&n.subtitle, &n.subtitle_localized),
            body: plain(&n.body, &n.body_localized),
            title_loc_key: key(n.title_localized.as_deref()),
            title_loc_args: arguments(n.title_localized.as_deref()),
            subtitle_loc_key: key(n.subtitle_localized.as_deref()),
            subtitle_loc_args: arguments(n.subtitle_localized.as_deref()),
            loc_key: key(n.body_localized.as_deref()),
            loc_args: arguments(n.body_localized.as_deref()),
        })
    }
}

fn key(localized: Option<&LocalizedText>) -> Option<&str> {
    localized.map(|text| text.key.as_str())
}

fn aps<'a>(
    notification: &'a Notification,
    options: &'a ApnsContent,
    push_type: PushType,
    activity: Option<Activity<'a>>,
) -> Result<Aps<'a>, Refusal> {
    let sound = sound(notification, options)?;
    let (alert, sound) = if activity.is_some() {
        (ActivityAlert::of(notification, sound).map(Alert::Activity), None)
    } else {
        (PlainAlert::of(notification).map(Alert::Plain), sound)
    };
    Ok(Aps {
        alert,
        badge: notification.badge,
        sound,
        thread_id: text(&notification.thread),
        category: text(&notification.category),
        // A background push wakes the app only with this flag. Source: Apple, "Pushing background updates to your App".
        content_available: flag(options.content_available || push_type == PushType::Background),
        // The app's service extension loads the image, and it runs only where it may change the push.
        mutable_content: flag(options.mutable_content || !notification.image.is_empty()),
        target_content_id: text(&options.target_content_id),
        interruption_level: options.interruption_level.map(level),
        relevance_score: relevance_score(options, push_type)?,
        filter_criteria: text(&options.filter_criteria),
        activity,
    })
}

fn level(level: InterruptionLevel) -> &'static str {
    match level {
        InterruptionLevel::Passive => "passive",
        InterruptionLevel::Active => "active",
        InterruptionLevel::TimeSensitive => "time-sensitive",
        InterruptionLevel::Critical => "critical",
    }
}

fn sound<'a>(notification: &'a Notification, options: &'a ApnsContent) -> Result<Option<Sound<'a>>, Refusal> {
    let Some(critical) = &options.critical_sound else {
        return Ok(text(&notification.sound).map(Sound::Name));
    };
    let volume = critical.volume.unwrap_or(1.0);
    in_unit_range("content.apns.critical_sound.volume", "a volume", volume)?;
    Ok(Some(Sound::Critical { critical: 1, name: text(&critical.name).unwrap_or("default"), volume }))
}

fn relevance_score(options: &ApnsContent, push_type: PushType) -> Result<Option<f64>, Refusal> {
    const FIELD: &str = "content.apns.relevance_score";
    match options.relevance_score {
        Some(score) if push_type == PushType::LiveActivity => {
            if score.is_finite() {
                Ok(Some(score))
            } else {
                let detail = format!("a relevance score is a finite number, found {score}");
                Err(Refusal::field(FIELD, Reason::FieldInvalid, detail))
            }
        }
        Some(score) => in_unit_range(FIELD, "a relevance score", score).map(|()| Some(score)),
        None => Ok(None),
    }
}

fn in_unit_range(field: &'static str, what: &str, value: f64) -> Result<(), Refusal> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(Refusal::field(field, Reason::FieldInvalid, format!("{what} is 0 to 1, found {value}")))
}

/// Refuses data under keys that the gateway writes itself.
fn check_keys(data: &BTreeMap<String, String>, notification: &Notification) -> Result<(), Refusal> {
    if data.contains_key("aps") {
        let detail = "the key `aps` is APNs' own; use the notification, typed options or payload_json";
        return Err(Refusal::field("content.data[\"aps\"]", Reason::FieldInvalid, detail));
    }
    if data.contains_key("image") && !notification.image.is_empty() {
        let detail = "the key `image` carries the notification's image to APNs; set one of the two";
        return Err(Refusal::field("content.data[\"image\"]", Reason::FieldsConflict, detail));
    }
    Ok(())
}
