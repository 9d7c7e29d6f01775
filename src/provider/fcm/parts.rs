//! What a push becomes behind FCM: what all platforms share, Android and browsers.
//!
//! Source: Firebase, "REST Resource: projects.messages".

use std::time::SystemTime;

use serde_json::value::RawValue;

use super::data::bytes_of;
use crate::provider::text;
use crate::push::{AndroidVisibility, Body, Expiry, FcmContent, LocalizedText, Notification, Priority};

/// The member `notification`: what all platforms show. A localised text stands in for the plain one.
#[derive(serde::Serialize)]
pub(super) struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) image: Option<&'a str>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(notification: &'a Notification) -> Option<Self> {
        let n = notification;
        // Android prefers a plain text to a localised one, so the plain one must not be there.
        let plain = |plain, localized: &Option<_>| if localized.is_none() { text(plain) } else { None };
        let shown = Self {
            title: plain(&n.title, &n.title_localized),
            body: plain(&n.body, &n.body_localized),
            image: text(&n.image),
        };
        let something = shown.title.is_some() || shown.body.is_some() || shown.image.is_some();
        something.then_some(shown)
    }

    /// The bytes that it counts against FCM's limit.
    pub(super) fn bytes(&self) -> usize {
        let members = [("title", self.title), ("body", self.body), ("image", self.image)];
        members.into_iter().filter_map(|(key, value)| Some(bytes_of(key, value?))).sum()
    }
}

/// The member `android`. Everything but the time to live is the same for every addressee and at every time.
#[derive(serde::Serialize)]
pub(super) struct Android<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    collapse_key: Option<&'a str>,
    priority: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted_package_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    direct_boot_ok: bool,
}

impl<'a> Android<'a> {
    pub(super) fn of(
        body: &'a Body,
        options: &'a FcmContent,
        notification: Option<&'a RawValue>,
        ttl: Option<u64>,
    ) -> Self {
        Self {
            collapse_key: text(&body.options.collapse_key),
            priority: match priority(body) {
                Priority::High => "HIGH",
                Priority::Normal | Priority::Low => "NORMAL",
            },
            ttl: ttl.map(|seconds| format!("{seconds}s")),
            restricted_package_name: text(&options.restricted_package_name),
            notification,
            direct_boot_ok: options.direct_boot_ok,
        }
    }
}

/// The priority for Android. It is high where something is shown, as FCM's own default is.
fn priority(body: &Body) -> Priority {
    let shows = body.content.notification.as_ref().is_some_and(Notification::shows);
    body.options.priority.unwrap_or(if shows { Priority::High } else { Priority::Normal })
}

/// The member `android.notification`.
#[derive(Default, PartialEq, serde::Serialize)]
pub(super) struct AndroidNotification<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    click_action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_loc_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_loc_args: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_loc_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title_loc_args: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
}

impl<'a> AndroidNotification<'a> {
    pub(super) fn of(notification: &'a Notification, options: &'a FcmContent) -> Option<Self> {
        let n = notification;
        let all = Self {
            icon: text(&options.icon),
            color: text(&options.color),
            sound: text(&n.sound),
            tag: text(&options.tag),
            click_action: text(&n.category),
            body_loc_key: n.body_localized.as_deref().map(|it| it.key.as_str()),
            body_loc_args: arguments(n.body_localized.as_deref()),
            title_loc_key: n.title_localized.as_deref().map(|it| it.key.as_str()),
            title_loc_args: arguments(n.title_localized.as_deref()),
            channel_id: text(&options.channel_id),
            visibility: options.visibility.map(visibility),
            notification_count: n.badge,
        };
        (all != Self::default()).then_some(all)
    }
}

fn arguments(localized: Option<&LocalizedText>) -> Option<&[String]> {
    localized.map(|it| it.arguments.as_slice()).filter(|arguments| !arguments.is_empty())
}

fn visibility(visibility: AndroidVisibility) -> &'static str {
    match visibility {
        AndroidVisibility::Private => "PRIVATE",
        AndroidVisibility::Public => "PUBLIC",
        AndroidVisibility::Secret => "SECRET",
    }
}

/// The member `webpush`: what FCM tells a browser's push service.
#[derive(serde::Serialize)]
pub(super) struct WebPush {
    headers: WebPushHeaders,
}

#[derive(Default, PartialEq, serde::Serialize)]
struct WebPushHeaders {
    #[serde(rename = "TTL", skip_serializing_if = "Option::is_none")]
    ttl: Option<String>,
    #[serde(rename = "Urgency", skip_serializing_if = "Option::is_none")]
    urgency: Option<&'static str>,
}

impl WebPush {
    /// The member, or none where FCM's own defaults say the same. Source of the headers: RFC 8030, 5.2 and 5.3.
    pub(super) fn of(body: &Body, ttl: Option<u64>) -> Option<Self> {
        let headers = WebPushHeaders {
            ttl: ttl.map(|seconds| seconds.to_string()),
            urgency: body.options.priority.map(|priority| match priority {
                Priority::High => "high",
                Priority::Normal => "normal",
                Priority::Low => "low",
            }),
        };
        (headers != WebPushHeaders::default()).then_some(Self { headers })
    }
}

/// The time to live in seconds, counted from `now`, because a push service counts it from its receipt.
pub(super) fn ttl(expiry: Expiry, now: SystemTime) -> Option<u64> {
    match expiry {
        Expiry::Default => None,
        Expiry::NoStore => Some(0),
        Expiry::At(moment) => {
            let left = moment.duration_since(now).unwrap_or_default();
            Some(left.as_secs().min(super::MAX_TTL_SECONDS))
        }
    }
}

/// The member `fcm_options`.
#[derive(serde::Serialize)]
pub(super) struct FcmOptions<'a> {
    analytics_label: &'a str,
}

impl<'a> FcmOptions<'a> {
    pub(super) fn of(options: &'a FcmContent) -> Option<Self> {
        text(&options.analytics_label).map(|analytics_label| Self { analytics_label })
    }
}
