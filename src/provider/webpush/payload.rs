//! What a service worker reads: one JSON object of a fixed shape, documented at `WebPushOptions` in push.proto.

use std::collections::BTreeMap;

use crate::provider::{bug, text};
use crate::push::{Body, Notification, Reason, Refusal, WebPushContent};

/// The object. Its members have the names of the options of `showNotification()` where there is such an option. A
/// member has another name where the option means something else: the option `badge` is an image, and
/// `navigator.setAppBadge()` takes the number.
///
/// Source: WHATWG, "Notifications API Standard"; W3C, "Badging API".
#[derive(Debug, Default, PartialEq, serde::Serialize)]
pub(super) struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_badge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Shown<'a> {
    /// Leaves out what Web Push cannot express, and refuses a push of which nothing is left.
    fn of(body: &'a Body, options: Option<&'a WebPushContent>) -> Result<Self, Refusal> {
        let content = &body.content;
        let notification = content.notification.as_ref();
        let member = |of: fn(&Notification) -> &str| notification.and_then(|it| text(of(it)));
        let shown = Self {
            title: member(|it| &it.title),
            body: member(|it| &it.body),
            image: member(|it| &it.image),
            tag: None,
            app_badge: notification.and_then(|it| it.badge),
            action: member(|it| &it.category),
            link: options.and_then(|it| text(&it.link)),
            data: (!content.data.is_empty()).then_some(&content.data),
        };
        if shown == Self::default() {
            let detail = "expected a notification, data or a raw payload for Web Push, found none";
            return Err(Refusal::field("content", Reason::FieldRequired, detail));
        }
        let topic = options.and_then(|it| text(&it.topic));
        Ok(Self { tag: topic.or_else(|| member(|it| &it.thread)), ..shown })
    }
}

/// The payload before encryption.
pub(super) fn plaintext(body: &Body) -> Result<Vec<u8>, Refusal> {
    let options = body.content.web_push.as_ref();
    if let Some(raw) = options.and_then(|it| it.payload.as_ref()) {
        return Ok(raw.clone());
    }
    serde_json::to_vec(&Shown::of(body, options)?).map_err(|error| bug("content", &error))
}
