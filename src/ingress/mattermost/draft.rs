//! A notification becomes a draft: a push of the app that serves its platform.

use std::time::SystemTime;

use tracing::Span;

use super::kind::Kind;
use super::platform::{PlatformApp, PlatformKind};
use super::request::PushNotification;
use super::{apns, fcm};
use crate::desk::{BodyDraft, Draft, DraftBody, OptionsDraft, TargetDraft};
use crate::held_bytes::PushBytes;
use crate::provider::{apns as apns_provider, fcm as fcm_provider};
use crate::push::{
    ApnsContent, Content, DeviceToken, FcmContent, InvalidValue, Labels, Options, Outcome, Priority, PushId,
    Refusal, RegistrationToken,
};

/// The draft of a notification, for an app of this version. `held` counts its bytes, and the span of its push is part of `parent`.
///
/// It says neither an expiry nor a collapse key, as the real push proxy does not. The app's own default time to live holds
/// where the configuration has one.
pub(super) fn draft(
    notification: &PushNotification<'_>,
    kind: Kind,
    (app, version): (&PlatformApp, i64),
    accepted_at: SystemTime,
    (held, parent): (PushBytes, Span),
) -> Draft {
    let device = notification.device_id.clone().into_owned();
    let (target, content) = match app.kind {
        PlatformKind::Apple => (apple(device), apple_content(notification, kind, version)),
        PlatformKind::Android => (android(device), android_content(notification, kind)),
    };
    let options =
        Options { priority: Some(Priority::High), repeatable: kind.is_repeatable(), ..Options::default() };
    let body = BodyDraft {
        app: app.app.clone(),
        content: Ok(content),
        options: Ok(OptionsDraft { options, ttl: None }),
        labels: Labels::new(),
        accepted_at,
    };
    // The acknowledgement's id is the push's own name. One that is none leaves the name to the gateway.
    let id = PushId::parse(notification.ack_id.clone().into_owned());
    let id = id.map(PushId::into_string).unwrap_or_default();
    Draft { id, target: Ok(target), body: DraftBody::Own(body), held, parent }
}

fn apple(device: String) -> TargetDraft {
    let token = DeviceToken::parse(device).map_err(|error| invalid("a device token of APNs", &error));
    TargetDraft::Apns(token.map(|token| {
        apns_provider::Target::Device(apns_provider::Device { token, environment: None, topic: None })
    }))
}

fn android(device: String) -> TargetDraft {
    let token =
        RegistrationToken::parse(device).map_err(|error| invalid("a registration token of FCM", &error));
    TargetDraft::Fcm(token.map(fcm_provider::Target::Token))
}

fn invalid(what: &str, error: &InvalidValue) -> Refusal {
    let refusal = Refusal::field("device_id", error.reason, format!("expected {what}: {error}"));
    Refusal { outcome: Outcome::InvalidToken, ..refusal }
}

fn apple_content(notification: &PushNotification<'_>, kind: Kind, version: i64) -> Content {
    let apns::Payload { json, push_type } = apns::payload(notification, kind, version);
    let apns = ApnsContent {
        push_type: push_type.to_owned(),
        payload_json: json,
        payload_is_own: true,
        ..ApnsContent::default()
    };
    Content { apns: Some(Box::new(apns)), ..Content::default() }
}

/// The message is written whole: portable data would bring members for Apple's devices and browsers along.
fn android_content(notification: &PushNotification<'_>, kind: Kind) -> Content {
    let fcm = FcmContent { message_json: fcm::message(notification, kind), ..FcmContent::default() };
    Content { fcm: Some(Box::new(fcm)), ..Content::default() }
}
