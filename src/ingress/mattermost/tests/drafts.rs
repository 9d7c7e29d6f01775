//! How a notification meets the desk.

use std::time::SystemTime;

use tracing::Span;

use crate::desk::{Draft, DraftBody, TargetDraft};
use crate::ingress::mattermost::draft::draft;
use crate::ingress::mattermost::kind::Kind;
use crate::ingress::mattermost::platform::{PlatformApp, PlatformKind};
use crate::ingress::mattermost::request::PushNotification;
use crate::push::{Expiry, Options, Outcome, Priority};

fn drafted(notification: &PushNotification<'_>, kind: PlatformKind) -> Draft {
    let app = PlatformApp { app: "chat".to_owned(), kind };
    draft(notification, Kind::of(notification), (&app, 2), SystemTime::UNIX_EPOCH, (Ok(None), Span::none()))
}

fn options(draft: &Draft) -> Options {
    let DraftBody::Own(body) = &draft.body else { panic!("it has a body of its own") };
    let drafted = body.options.clone().unwrap();
    assert_eq!((body.app.as_str(), drafted.ttl), ("chat", None));
    drafted.options
}

/// The real proxy says neither an expiry nor a collapse key, and always the highest priority.
#[test]
fn only_what_may_come_twice_is_sent_again_where_no_answer_came() {
    for (kind, message, content_available, repeatable) in [
        ("message", "hi", 0, false),
        ("session", "expired", 0, false),
        ("session", "", 1, true),
        ("session", "", 0, false),
        ("clear", "", 1, true),
        ("update_badge", "", 1, true),
        ("test", "", 0, true),
        ("novelty", "", 0, false),
    ] {
        let notification = PushNotification {
            r#type: kind.into(),
            message: message.into(),
            content_available,
            device_id: "ab".into(),
            ..PushNotification::default()
        };
        for platform in [PlatformKind::Apple, PlatformKind::Android] {
            let options = options(&drafted(&notification, platform));
            assert_eq!(options.repeatable, repeatable, "{kind} {message:?}");
            assert_eq!((options.priority, options.expiry), (Some(Priority::High), Expiry::Default));
            assert_eq!((options.collapse_key.as_str(), options.once), ("", false));
        }
    }
}

#[test]
fn the_id_of_an_acknowledgement_names_the_push_where_it_can() {
    let long = "x".repeat(129);
    for (ack_id, id) in [("abc", "abc"), ("", ""), ("a b", ""), (&*long, "")] {
        let notification =
            PushNotification { ack_id: ack_id.into(), device_id: "ab".into(), ..PushNotification::default() };
        assert_eq!(drafted(&notification, PlatformKind::Apple).id, id, "{ack_id}");
    }
}

#[test]
fn a_token_that_is_none_is_a_fault_of_the_target() {
    for (kind, token) in [(PlatformKind::Apple, "xyz"), (PlatformKind::Android, "a b")] {
        let notification = PushNotification { device_id: token.into(), ..PushNotification::default() };
        let refusal = match drafted(&notification, kind).target.unwrap() {
            TargetDraft::Apns(target) => target.unwrap_err(),
            TargetDraft::Fcm(target) => target.unwrap_err(),
            TargetDraft::WebPush(_) | TargetDraft::Mattermost(_) => panic!("no platform has it"),
        };
        assert_eq!((refusal.outcome, &*refusal.field), (Outcome::InvalidToken, "device_id"));
        assert!(!refusal.detail.contains(token), "{}", refusal.detail);
    }
}
