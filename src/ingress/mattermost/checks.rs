//! What a request has to have, in the order and in the words of the real push proxy.
//!
//! Operators find these words in the log of their Mattermost server, and look for them elsewhere.
//!
//! Source: recorded from the real push proxy.

use super::go_json;
use super::platform::{Platform, PlatformApp, Platforms};
use super::request::{Ack, PushNotification};

/// Reads a notification whose server and device are named, into the place where it is to lie.
///
/// # Errors
/// Fails with the text of the first fault.
pub(super) fn notification<'a>(text: &'a str, notification: &mut PushNotification<'a>) -> Result<(), String> {
    notification.is_plain =
        go_json::read(text, notification).map_err(|error| format!("Failed to read message body: {error}"))?;
    if notification.server_id.is_empty() {
        return Err("Failed because of missing server Id".to_owned());
    }
    if notification.device_id.is_empty() {
        return Err(format!("Failed because of missing device Id serverId={}", notification.server_id));
    }
    Ok(())
}

/// The app of a notification's platform, with the version of the app; none where it is not served here.
pub(super) fn app<'p>(
    notification: &PushNotification<'_>,
    platforms: &'p Platforms,
) -> (Option<&'p PlatformApp>, i64) {
    let platform = Platform::of(&notification.platform);
    (platform.app(platforms), platform.version)
}

/// What is wrong with a notification whose platform nobody serves.
pub(super) fn not_served(notification: &PushNotification<'_>) -> String {
    let Platform { cut, .. } = Platform::of(&notification.platform);
    let server = &notification.server_id;
    format!("Did not send message because of missing platform property type={cut} serverId={server}")
}

/// Reads an acknowledgement.
///
/// # Errors
/// Fails with the text of the first fault.
pub(super) fn ack(text: &str) -> Result<Ack<'_>, String> {
    let mut ack = Ack::default();
    go_json::read(text, &mut ack).map_err(|error| format!("Failed to read ack body: {error}"))?;
    let missing = if ack.id.is_empty() {
        "Id"
    } else if ack.platform.is_empty() {
        "platform"
    } else if ack.r#type.is_empty() {
        "type"
    } else {
        return Ok(ack);
    };
    Err(format!("Failed because of missing ack {missing}"))
}
