//! A message becomes a draft. A part that cannot be decoded is in the draft as its refusal, which names the field as a
//! path from the push.

mod check;
mod content;
mod target;

use std::time::{Duration, SystemTime};

use fanfare_upstream::ServiceClass;
use prost::DecodeError;
use tracing::Span;

use crate::desk::{Addressee, BodyDraft, Draft, DraftBody, OptionsDraft};
use crate::held_bytes::PushBytes;
use crate::proto;
use crate::push::{Expiry, Labels, Options, Priority, Reason, Refusal};
use check::{Decoded, duration, invalid, moment, required, within};

pub(super) use check::known;

/// `Options.max_wait` is at most so long.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

const MAX_COLLAPSE_KEY_BYTES: usize = 256;

/// Decodes a push. It is of the default app where it names none.
pub(super) fn push(push: proto::Push, default_app: &str, accepted_at: SystemTime, held: PushBytes) -> Draft {
    let proto::Push { id, app, target, content, options, labels } = push;
    let body = body(app, default_app, content, options, labels, accepted_at);
    Draft { id, target: target::target(target), body: DraftBody::Own(body), held, parent: Span::none() }
}

/// A push whose bytes are no push. Its id may have been among those that could be read.
pub(super) fn unreadable_push(id: String, error: &DecodeError) -> Draft {
    let refusal = unreadable("push", error);
    let body = DraftBody::Unreadable(refusal.clone());
    Draft { id, target: Err(refusal), body, held: Ok(None), parent: Span::none() }
}

/// Decodes what the addressees of a multicast share.
pub(super) fn multicast(
    multicast: proto::Multicast,
    error: Option<&DecodeError>,
    default_app: &str,
    accepted_at: SystemTime,
) -> Result<BodyDraft, Refusal> {
    if let Some(error) = error {
        return Err(unreadable("multicast", error));
    }
    let proto::Multicast { app, content, options, labels, .. } = multicast;
    Ok(body(app, default_app, content, options, labels, accepted_at))
}

/// Decodes one addressee of a multicast.
pub(super) fn addressee((addressee, error): (proto::Addressee, Option<DecodeError>)) -> Addressee {
    let proto::Addressee { id, target } = addressee;
    let target = match error {
        None => target::target(target),
        Some(error) => Err(unreadable("push", &error)),
    };
    Addressee { id, target, parent: Span::none() }
}

/// An item cannot be decoded. The error names the field where one is known, and repeats no value.
fn unreadable(what: &str, error: &DecodeError) -> Refusal {
    Refusal::field("", Reason::FieldInvalid, format!("the {what} cannot be decoded: {error}"))
}

fn body(
    mut app: String,
    default_app: &str,
    content: Option<proto::Content>,
    options: Option<proto::Options>,
    labels: Labels,
    accepted_at: SystemTime,
) -> BodyDraft {
    if app.is_empty() {
        default_app.clone_into(&mut app);
    }
    let (content, options) = (content::content(content), self::options(options));
    BodyDraft { app, content, options, labels, accepted_at }
}

/// A request has no push.
pub(super) fn push_required() -> Refusal {
    required("push", "a push")
}

/// A message of a stream has more items than it may have.
pub(super) fn too_many_items(most: usize, found: usize) -> Refusal {
    let detail = format!(
        "expected at most {most} pushes and addressees in a message (grpc.max_message_items), found {found}"
    );
    Refusal::field("pushes", Reason::FieldTooLarge, detail)
}

/// A call has no items, or more than it may have.
pub(super) fn items_expected(most: usize, found: usize) -> Refusal {
    let reason = if found == 0 { Reason::FieldRequired } else { Reason::FieldTooLarge };
    Refusal::field("pushes", reason, format!("expected 1 to {most} pushes and addressees, found {found}"))
}

/// How work competes with other work. None: the message does not say.
pub(super) fn service_class(field: &'static str, value: i32) -> Decoded<Option<ServiceClass>> {
    Ok(match known::<proto::ServiceClass>(field, value)? {
        proto::ServiceClass::Unspecified => None,
        proto::ServiceClass::Bulk => Some(ServiceClass::Bulk),
        proto::ServiceClass::Interactive => Some(ServiceClass::Interactive),
    })
}

/// How a push is treated, before its time to live is fixed to the clock.
fn options(options: Option<proto::Options>) -> Decoded<OptionsDraft> {
    let it = options.unwrap_or_default();
    let priority = match known::<proto::Priority>("options.priority", it.priority)? {
        proto::Priority::Unspecified => None,
        proto::Priority::High => Some(Priority::High),
        proto::Priority::Normal => Some(Priority::Normal),
        proto::Priority::Low => Some(Priority::Low),
    };
    let (ttl, expiry) = match (it.ttl, it.expire_at) {
        (Some(_), Some(_)) => {
            let detail = "expected ttl or expire_at, found both";
            return Err(Refusal::field("options.ttl", Reason::FieldsConflict, detail));
        }
        (Some(ttl), None) => (Some(duration("options.ttl", ttl)?), Expiry::Default),
        (None, at) => (None, moment("options.expire_at", at)?.map_or(Expiry::Default, Expiry::At)),
    };
    within("options.collapse_key", it.collapse_key.len(), MAX_COLLAPSE_KEY_BYTES)?;
    let max_wait = it.max_wait.map(|wait| duration("options.max_wait", wait)).transpose()?;
    if let Some(wait) = max_wait.filter(|wait| wait.is_zero() || *wait > MAX_WAIT) {
        return Err(invalid("options.max_wait", "more than 0 and at most one hour", format!("{wait:?}")));
    }
    if it.once {
        let detail = "expected false, found true: this gateway does not remember pushes yet";
        return Err(Refusal::field("options.once", Reason::NotSupported, detail));
    }
    let options = Options {
        priority,
        expiry,
        collapse_key: it.collapse_key,
        max_wait,
        repeatable: it.repeatable,
        dry_run: it.dry_run,
    };
    Ok(OptionsDraft { options, ttl })
}

#[cfg(test)]
mod tests {
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
                fcm: Some(Box::new(proto::FcmTarget {
                    condition: "'a' in topics".into(),
                    ..Default::default()
                })),
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
        let decoded =
            target::target(Some(proto::Target { mattermost: Some(mattermost), ..Default::default() }));
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
}
