//! What a push says, in the shapes that apps which used sygnal read. It is pure: values go in and come out.
//!
//! Source: what sygnal 0.17.0 sends, and its `docs/applications.md`.

mod alert;
mod apns;
mod fcm;
mod shorten;
mod web_push;

use serde_json::{Map, Value};

use super::apps::Dialect;
use super::request::{Device, Notification};
use crate::push::{Content, Priority};

/// What a push says, and how it is treated.
#[derive(Debug, PartialEq)]
pub(super) struct Said {
    pub(super) content: Content,
    pub(super) priority: Priority,
    /// Of several pushes with the same key only the newest matters. Where it is empty, the push collapses with none.
    pub(super) collapse_key: String,
}

/// Says a notification to one device; none where there is nothing to say to it.
pub(super) fn said(notification: &Notification, device: &Device, dialect: &Dialect) -> Option<Said> {
    match dialect {
        Dialect::Apns(dialect) => apns::said(notification, device, dialect),
        Dialect::Fcm(dialect) => fcm::said(notification, device, dialect),
        Dialect::WebPush(_) => web_push::said(notification, device),
    }
}

/// What the app wants to find in each of its pushes. That it is an object is checked where the device's address is.
fn default_payload(device: &Device) -> Map<String, Value> {
    device.data.get("default_payload").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn written(members: &Map<String, Value>) -> String {
    // Writing a JSON value to memory does not fail.
    serde_json::to_string(members).unwrap_or_default()
}
