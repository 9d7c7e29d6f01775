//! A push with something in each corner, whole and damaged.

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::desk::TargetDraft;

/// A push with something in each corner.
fn full() -> proto::Push {
    let text =
        |key: &str| Some(Box::new(proto::LocalizedText { key: key.into(), arguments: vec!["a".into()] }));
    let moment = Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 1 });
    proto::Push {
        id: "order-17".into(),
        app: "shop".into(),
        target: Some(proto::Target {
            apns: Some(proto::ApnsDevice { token: "ab12".into(), environment: 1, topic: "t".into() }),
            fcm: Some(Box::new(proto::FcmTarget { condition: "'a' in topics".into(), ..Default::default() })),
            web_push: Some(Box::new(proto::WebPushSubscription {
                endpoint: "https://push.example/x".into(),
                p256dh: vec![4; 65],
                auth: vec![1; 16],
            })),
            mattermost: Some(Box::new(proto::MattermostDevice {
                device_id: "apple:a:b".into(),
                server_id: "s".into(),
            })),
            ..Default::default()
        }),
        content: Some(proto::Content {
            notification: Some(proto::Notification {
                title: "t".into(),
                image: "https://example.com/a.png".into(),
                badge: Some(3),
                body_localized: text("k"),
                ..Default::default()
            }),
            data: [("k".to_owned(), "v".to_owned())].into(),
            apns: Some(Box::new(proto::ApnsOptions {
                relevance_score: Some(0.5),
                live_activity: Some(proto::LiveActivity {
                    event: 1,
                    timestamp: moment,
                    content_state_json: "{}".into(),
                    ..Default::default()
                }),
                ..Default::default()
            })),
            web_push: Some(proto::WebPushOptions { urgency: 2, ..Default::default() }),
            ..Default::default()
        }),
        options: Some(proto::Options {
            ttl: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
            max_wait: Some(prost_types::Duration { seconds: 1, nanos: 5 }),
            ..Default::default()
        }),
        labels: [("campaign".to_owned(), "autumn".to_owned())].into(),
    }
}

/// Decodes a push; what is refused names a field and has a sentence.
fn decode(given: proto::Push) {
    let draft = push(given, "", SystemTime::UNIX_EPOCH, Ok(None));
    let DraftBody::Own(body) = draft.body else { panic!("a push has a body of its own") };
    let target = match draft.target {
        Ok(TargetDraft::Apns(target)) => target.err(),
        Ok(TargetDraft::Fcm(target)) => target.err(),
        Ok(TargetDraft::WebPush(target)) => target.err(),
        Ok(TargetDraft::Mattermost(target)) => target.err(),
        Err(refusal) => Some(refusal),
    };
    for refusal in [target, body.content.err(), body.options.err()].into_iter().flatten() {
        assert!(!refusal.field.is_empty() && refusal.detail.contains("expected"), "{refusal:?}");
    }
}

#[test]
fn a_device_id_is_split_at_the_first_colon() {
    let mattermost =
        Box::new(proto::MattermostDevice { device_id: "apple:a:b".into(), server_id: String::new() });
    let decoded = target::target(Some(proto::Target { mattermost: Some(mattermost), ..Default::default() }));
    let Ok(TargetDraft::Mattermost(Ok(device))) = decoded else { panic!("{decoded:?}") };
    assert_eq!((device.platform.as_str(), device.token.as_str()), ("apple", "a:b"));
}

#[test]
fn a_condition_names_at_most_five_topics() {
    let decoded = |topics: usize| {
        let condition = vec!["'a' in topics"; topics].join(" || ");
        let fcm = Box::new(proto::FcmTarget { condition, ..Default::default() });
        let target = proto::Target { fcm: Some(fcm), ..Default::default() };
        let target = target::target(Some(target)).unwrap();
        let TargetDraft::Fcm(decoded) = target else { panic!("{target:?}") };
        decoded
    };
    assert!(decoded(5).is_ok());
    let refusal = decoded(6).unwrap_err();
    assert_eq!((refusal.reason, &*refusal.field), (Reason::FieldInvalid, "target.fcm.condition"));
    assert_eq!(refusal.detail, "expected at most 5 topics, found 6");
}

#[test]
fn a_time_to_live_and_a_moment_are_told_apart() {
    let decoded = |ttl, expire_at| {
        let draft = options(Some(proto::Options { ttl, expire_at, ..Default::default() })).unwrap();
        (draft.ttl, draft.options.expiry)
    };
    let ttl = prost_types::Duration { seconds: 60, nanos: 0 };
    let moment = prost_types::Timestamp { seconds: 60, nanos: 0 };
    let minute = Duration::from_secs(60);
    assert_eq!(decoded(Some(ttl), None), (Some(minute), Expiry::Default));
    assert_eq!(decoded(None, Some(moment)), (None, Expiry::At(SystemTime::UNIX_EPOCH + minute)));
    assert_eq!(decoded(None, None), (None, Expiry::Default));
}

#[test]
fn items_that_name_no_app_are_of_the_calls() {
    let app = |app: &str| {
        let given = proto::Push { app: app.into(), ..proto::Push::default() };
        let DraftBody::Own(body) = push(given, "shop", SystemTime::UNIX_EPOCH, Ok(None)).body else {
            panic!()
        };
        body.app
    };
    assert_eq!((app(""), app("news")), ("shop".to_owned(), "news".to_owned()));
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..8),
        tail: Vec<u8>,
    ) {
        let mut bytes = full().encode_to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(tail);
        if let Ok(push) = proto::Push::decode(bytes.as_slice()) {
            decode(push);
        }
    }

    #[test]
    fn no_values_make_decoding_panic(
        seconds: i64, nanos: i32, number: i32, score: f64, text in "\\PC{0,80}", bytes: Vec<u8>,
    ) {
        let mut push = full();
        push.id = text.clone();
        push.app = text.clone();
        let target = push.target.as_mut().unwrap();
        target.web_push.as_mut().unwrap().p256dh = bytes;
        target.web_push.as_mut().unwrap().endpoint = text.clone();
        target.mattermost.as_mut().unwrap().device_id = text.clone();
        target.apns.as_mut().unwrap().environment = number;
        let apns = push.content.as_mut().unwrap().apns.as_mut().unwrap();
        apns.relevance_score = Some(score);
        apns.payload_json = text;
        apns.live_activity.as_mut().unwrap().stale_at = Some(prost_types::Timestamp { seconds, nanos });
        let options = push.options.as_mut().unwrap();
        options.ttl = Some(prost_types::Duration { seconds, nanos });
        options.max_wait = Some(prost_types::Duration { seconds: seconds % 5000, nanos });
        options.priority = number;
        decode(push);
    }
}
