//! What FCM tells APNs where the token is an Apple device's.
//!
//! Source: Firebase, "REST Resource: projects.messages", `ApnsConfig`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::provider::{apns, text};
use crate::push::{Body, Notification, Priority};

/// The member `apns` of a message.
#[derive(Default, serde::Serialize)]
pub(super) struct Apple<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<AppleHeaders<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<ApplePayload<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    live_activity_token: Option<&'a str>,
}

#[derive(Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct AppleHeaders<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    apns_priority: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apns_expiration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apns_collapse_id: Option<Cow<'a, str>>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum ApplePayload<'a> {
    Portable { aps: Aps<'a> },
    LiveActivity(&'a RawValue),
}

/// The dictionary `aps`. It has no alert, because FCM adds that from `notification`.
#[derive(Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_available: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mutable_content: Option<u8>,
}

impl<'a> Apple<'a> {
    /// The member, or none where FCM's own defaults say the same.
    pub(super) fn of(body: &'a Body) -> Option<Self> {
        let notification = body.content.notification.as_ref();
        let shows = notification.is_some_and(Notification::shows);
        let (badge, sound, category, image) = notification
            .map(|n| (n.badge, text(&n.sound), text(&n.category), text(&n.image)))
            .unwrap_or_default();
        let aps = Aps {
            badge,
            sound,
            category,
            // A background push wakes the app only with this flag. Source: Apple, "Pushing background updates to your
            // App".
            content_available: (!shows).then_some(1),
            // The app's service extension loads the image, and it runs only where it may change the push. Source:
            // Firebase, "Send an image in the notification payload".
            mutable_content: image.map(|_| 1),
        };
        let headers = AppleHeaders { apns_priority: apns_priority(body, shows), ..AppleHeaders::of(body) };
        let headers = (headers != AppleHeaders::default()).then_some(headers);
        let payload = (aps != Aps::default()).then_some(ApplePayload::Portable { aps });
        let something = headers.is_some() || payload.is_some();
        something.then_some(Self { headers, payload, live_activity_token: None })
    }

    /// The member for a Live Activity, which has a token of its own.
    ///
    /// Source: Firebase, "REST Resource: projects.messages", `ApnsConfig.live_activity_token`.
    pub(super) fn live_activity(body: &'a Body, token: &'a str, payload: &'a RawValue) -> Self {
        let priority = body.options.priority.unwrap_or(Priority::High);
        let headers =
            AppleHeaders { apns_priority: Some(apns::priority_value(priority)), ..AppleHeaders::of(body) };
        Self {
            headers: Some(headers),
            payload: Some(ApplePayload::LiveActivity(payload)),
            live_activity_token: Some(token),
        }
    }
}

impl<'a> AppleHeaders<'a> {
    fn of(body: &'a Body) -> Self {
        Self {
            apns_priority: None,
            apns_expiration: apns::expiration(body.options.expiry).map(|seconds| seconds.to_string()),
            apns_collapse_id: text(&body.options.collapse_key).map(apns::collapse_id),
        }
    }
}

/// The priority that the caller asked for, where anything is shown. APNs refuses the highest where nothing is.
///
/// Source: Apple, "Pushing background updates to your App".
fn apns_priority(body: &Body, shows: bool) -> Option<&'static str> {
    let asked = body.options.priority;
    let priority = match asked {
        Some(Priority::High) | None if !shows => Some(Priority::Normal),
        Some(_) | None => asked,
    };
    priority.map(apns::priority_value)
}
