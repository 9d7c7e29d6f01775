//! One project and its targets, as the tests of this folder know them.

mod answers;
mod messages;
mod properties;
mod refusals;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::provider::{Message, Outgoing, apns};
use crate::push::{
    AndroidVisibility, ApnsContent, AppId, Body, Content, Expiry, FcmContent, Labels, LiveActivity,
    LiveActivityEvent, LocalizedText, Notification, Options, Outcome, Priority, PushId, Reason, Refusal,
    RegistrationToken,
};

const ACCEPTED_AT: u64 = 1_700_000_000;

fn fcm() -> Fcm {
    Fcm::try_new(&FcmSettings { project_id: "shop-1".into() }).unwrap()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn token() -> Target {
    Target::Token(RegistrationToken::parse("dev:APA91b".into()).unwrap())
}

fn topic() -> Target {
    Target::Topic("news".into())
}

fn body(content: Content) -> Body {
    let app = AppId::parse("shop").unwrap();
    Body { app, content, options: Options::default(), accepted_at: at(ACCEPTED_AT), labels: Labels::new() }
}

fn alert() -> Content {
    Content {
        notification: Some(Notification { title: "Hi".into(), ..Notification::default() }),
        ..Content::default()
    }
}

fn data(members: &[(&str, &str)]) -> Content {
    let data = members.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
    Content { data, ..Content::default() }
}

fn typed(fcm: FcmContent) -> Content {
    Content { fcm: Some(Box::new(fcm)), ..Content::default() }
}

fn raw(json: &str) -> Content {
    typed(FcmContent { message_json: json.into(), ..FcmContent::default() })
}

fn sent(body: &Body, target: &Target) -> Result<Message<ReplyContext>, Refusal> {
    let payload = fcm().encode(body)?;
    addressed(&fcm(), body, target, &payload, at(ACCEPTED_AT))
}

fn addressed(
    fcm: &Fcm,
    body: &Body,
    target: &Target,
    payload: &Payload,
    now: SystemTime,
) -> Result<Message<ReplyContext>, Refusal> {
    let id = &PushId::parse("push-1".into()).unwrap();
    fcm.address(&Outgoing { id, body, target, payload, sealed: &() }, now)
}

fn json_of(message: &Message<ReplyContext>) -> String {
    String::from_utf8(message.request.body().to_vec()).unwrap()
}

fn json(content: Content) -> String {
    json_of(&sent(&body(content), &token()).unwrap())
}

fn with_options(content: Content, options: Options) -> String {
    let body = Body { options, ..body(content) };
    json_of(&sent(&body, &token()).unwrap())
}

fn refused(content: Content) -> (Reason, String) {
    let refusal = sent(&body(content), &token()).unwrap_err();
    assert!(refusal.detail.contains("expected") && refusal.detail.contains("found"), "{refusal:?}");
    (refusal.reason, refusal.field.into_owned())
}

fn live_activity() -> LiveActivity {
    LiveActivity {
        event: LiveActivityEvent::Update,
        timestamp: None,
        content_state_json: r#"{"score": 2}"#.into(),
        stale_at: None,
        dismiss_at: None,
        attributes_type: String::new(),
        attributes_json: String::new(),
        input_push_token: false,
        input_push_channel: String::new(),
    }
}

fn live() -> Content {
    Content {
        apns: Some(Box::new(ApnsContent { live_activity: Some(live_activity()), ..ApnsContent::default() })),
        fcm: Some(Box::new(FcmContent { live_activity_token: "act".into(), ..FcmContent::default() })),
        ..Content::default()
    }
}
