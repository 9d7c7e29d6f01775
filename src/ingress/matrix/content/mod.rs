//! What a push says, in the shapes that apps which used sygnal read. It is pure: values go in and come out.
//!
//! Source: what sygnal 0.17.0 sends, and its `docs/applications.md`.

mod alert;
mod apns;
mod fcm;
mod said;
mod shorten;
mod web_push;

use super::apps::Dialect;
use super::request::{Device, Notification};
use said::Said;

/// Says a notification to one device; none where there is nothing to say to it.
pub(super) fn said(notification: &Notification, device: &Device, dialect: &Dialect) -> Option<Said> {
    match dialect {
        Dialect::Apns(dialect) => apns::said(notification, device, dialect),
        Dialect::Fcm(dialect) => fcm::said(notification, device, dialect),
        Dialect::WebPush(_) => web_push::said(notification, device),
    }
}
