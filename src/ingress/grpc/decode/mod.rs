//! Message → push. A refusal names the field, as a path from the push.

mod check;
mod content;
mod target;

use std::time::{Duration, SystemTime};

use crate::proto;
use crate::push::{AppId, Expiry, Labels, Options, Priority, PushId, Reason, Refusal, ServiceClass};
use check::{at, duration, invalid, moment, required, within};

pub(super) use check::known;
pub(super) use content::content;
pub(super) use target::{
    OneTarget, apns_channel, apns_device, fcm_target, mattermost_device, one_target, subscription,
};

/// The longest Options.max_wait.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

const MAX_COLLAPSE_KEY_BYTES: usize = 256;

const MAX_LABELS: usize = 8;

/// Of a label's key, and of its value.
const MAX_LABEL_BYTES: usize = 64;

type Decoded<T> = Result<T, Refusal>;

/// A request without a push.
pub(super) fn push_required() -> Refusal {
    required("push", "a push")
}

/// A call with none, or with more than it may have.
pub(super) fn items_expected(most: u64, found: u64) -> Refusal {
    let reason = if found == 0 { Reason::FieldRequired } else { Reason::FieldTooLarge };
    Refusal::field("pushes", reason, format!("expected 1 to {most} pushes and addressees, found {found}"))
}

/// A push or multicast without content.
fn content_required() -> Refusal {
    required("content", "a content")
}

/// The id of a push, made where there is none.
///
/// # Errors
/// Where it cannot be one; with what was given, for the result.
pub(super) fn id(id: String) -> Result<PushId, (String, Refusal)> {
    if id.is_empty() {
        return Ok(PushId::random());
    }
    PushId::parse(id).map_err(|(id, error)| (id, Refusal::value("id", &error)))
}

/// What the caller sees again in the result.
pub(super) fn labels(labels: Labels) -> Decoded<Labels> {
    const FIELD: &str = "labels";
    if labels.len() > MAX_LABELS {
        let detail = format!("expected at most {MAX_LABELS} labels, found {}", labels.len());
        return Err(Refusal::field(FIELD, Reason::FieldTooLarge, detail));
    }
    for (key, value) in &labels {
        if key.is_empty() {
            return Err(required(FIELD, format!("a key of 1 to {MAX_LABEL_BYTES} bytes").as_str()));
        }
        within(FIELD, key.len().max(value.len()), MAX_LABEL_BYTES)?;
    }
    Ok(labels)
}

/// How work competes; none where the message does not say.
pub(super) fn service_class(field: &'static str, value: i32) -> Decoded<Option<ServiceClass>> {
    Ok(match known::<proto::ServiceClass>(field, value)? {
        proto::ServiceClass::Unspecified => None,
        proto::ServiceClass::Bulk => Some(ServiceClass::Bulk),
        proto::ServiceClass::Interactive => Some(ServiceClass::Interactive),
    })
}

/// The app of a push.
pub(super) fn app(app: &str) -> Decoded<AppId> {
    AppId::parse(app).map_err(at("app"))
}

/// How a push is treated; a time to live is fixed to the clock here, so that waiting counts.
pub(super) fn options(
    options: Option<proto::Options>,
    default_ttl: Option<Duration>,
    now: SystemTime,
) -> Decoded<Options> {
    let it = options.unwrap_or_default();
    let priority = match known::<proto::Priority>("options.priority", it.priority)? {
        proto::Priority::Unspecified => None,
        proto::Priority::High => Some(Priority::High),
        proto::Priority::Normal => Some(Priority::Normal),
        proto::Priority::Low => Some(Priority::Low),
    };
    let expiry = match (it.ttl, it.expire_at) {
        (Some(_), Some(_)) => {
            let detail = "expected ttl or expire_at, found both";
            return Err(Refusal::field("options.ttl", Reason::FieldsConflict, detail));
        }
        (Some(ttl), None) => expiry_after(duration("options.ttl", ttl)?, now),
        (None, at @ Some(_)) => moment("options.expire_at", at)?.map_or(Expiry::Default, Expiry::At),
        (None, None) => default_ttl.map_or(Expiry::Default, |ttl| expiry_after(ttl, now)),
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
    Ok(Options {
        priority,
        expiry,
        collapse_key: it.collapse_key,
        max_wait,
        repeatable: it.repeatable,
        dry_run: it.dry_run,
    })
}

fn expiry_after(ttl: Duration, now: SystemTime) -> Expiry {
    if ttl.is_zero() {
        return Expiry::NoStore;
    }
    // A time to live beyond the calendar has no end that a push service could be told.
    now.checked_add(ttl).map_or(Expiry::Default, Expiry::At)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

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

    /// All that a push is decoded by; what it refuses names a field and a sentence.
    fn decode(push: proto::Push) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        let refusals = [
            id(push.id).err().map(|(_, refusal)| refusal),
            labels(push.labels).err(),
            app(&push.app).err(),
            one_target(push.target).and_then(OneTarget::check).err(),
            content(push.content).err(),
            options(push.options, Some(Duration::MAX), now).err(),
        ];
        for refusal in refusals.into_iter().flatten() {
            assert!(!refusal.field.is_empty() && refusal.detail.contains("expected"), "{refusal:?}");
        }
    }

    #[test]
    fn a_device_id_is_split_at_the_first_colon() {
        let device = proto::MattermostDevice { device_id: "apple:a:b".into(), server_id: String::new() };
        let device = mattermost_device(device).unwrap();
        assert_eq!((device.platform.as_str(), device.token.as_str()), ("apple", "a:b"));
    }

    #[test]
    fn a_condition_names_at_most_five_topics() {
        let decoded = |topics: usize| {
            let condition = vec!["'a' in topics"; topics].join(" || ");
            fcm_target(proto::FcmTarget { condition, ..Default::default() })
        };
        assert!(decoded(5).is_ok());
        let refusal = decoded(6).unwrap_err();
        assert_eq!((refusal.reason, &*refusal.field), (Reason::FieldInvalid, "target.fcm.condition"));
        assert_eq!(refusal.detail, "expected at most 5 topics, found 6");
    }

    #[test]
    fn a_time_to_live_is_fixed_to_the_clock_and_zero_is_not_stored() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let expiry = |seconds| {
            let ttl = Some(prost_types::Duration { seconds, nanos: 0 });
            options(Some(proto::Options { ttl, ..Default::default() }), None, now).unwrap().expiry
        };
        assert_eq!(expiry(60), Expiry::At(now + Duration::from_secs(60)));
        assert_eq!(expiry(0), Expiry::NoStore);
        assert_eq!(expiry(i64::MAX), Expiry::Default);
        assert_eq!(options(None, None, now).unwrap().expiry, Expiry::Default);
        let configured = options(None, Some(Duration::from_secs(5)), now).unwrap().expiry;
        assert_eq!(configured, Expiry::At(now + Duration::from_secs(5)));
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
