//! Message → push. A refusal names the field, as a path from the push.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::de::IgnoredAny;

use crate::proto;
use crate::push::{
    AndroidVisibility, ApnsChannel, ApnsContent, ApnsDevice, ApnsEnvironment, AppId, Content, CriticalSound,
    DeviceToken, Expiry, FcmContent, FcmTarget, InterruptionLevel, InvalidValue, LiveActivity,
    LiveActivityEvent, LocalizedText, MattermostContent, MattermostDevice, Notification, Options, Priority,
    PushId, Reason, Refusal, RegistrationToken, Subscription, Target, WebPushContent, WebPushUrgency,
};

/// The longest Options.max_wait.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

const MAX_COLLAPSE_KEY_BYTES: usize = 256;
const MAX_CHANNEL_ID_BYTES: usize = 256;
const MAX_INSTALLATION_ID_BYTES: usize = 256;
const MAX_FCM_TOPIC_BYTES: usize = 900;
const MAX_CONDITION_BYTES: usize = 4096;
const MAX_ENDPOINT_BYTES: usize = 2048;
const MAX_SERVER_ID_BYTES: usize = 64;
const MAX_LOC_ARGUMENTS: usize = 32;

type Decoded<T> = Result<T, Refusal>;

/// A request without a push.
pub(super) fn push_required() -> Refusal {
    required("", "a push")
}

/// The id of a push, made where there is none.
pub(super) fn id(id: String) -> Decoded<PushId> {
    if id.is_empty() { Ok(PushId::random()) } else { PushId::parse(id).map_err(at("id")) }
}

/// The app of a push.
pub(super) fn app(app: &str) -> Decoded<AppId> {
    AppId::parse(app).map_err(at("app"))
}

/// Where a push goes.
pub(super) fn target(target: Option<proto::Target>) -> Decoded<Target> {
    let target = target.ok_or_else(|| required("target", "a target"))?;
    let proto::Target { apns, apns_channel, fcm, web_push, mattermost } = target;
    one_of(
        "target",
        [
            apns.map(|it| apns_device(it).map(Target::Apns)),
            apns_channel.map(|it| channel(it).map(Target::ApnsChannel)),
            fcm.map(|it| fcm_target(it).map(Target::Fcm)),
            web_push.map(|it| subscription(it).map(Target::WebPush)),
            mattermost.map(|it| mattermost_device(it).map(Target::Mattermost)),
        ],
    )
}

/// Exactly one of several members, which the wire cannot promise.
fn one_of<T, const N: usize>(field: &'static str, members: [Option<Decoded<T>>; N]) -> Decoded<T> {
    let mut present = members.into_iter().flatten();
    match (present.next(), present.next()) {
        (Some(only), None) => only,
        (None, _) => Err(required(field, "exactly one target")),
        (Some(_), Some(_)) => {
            Err(Refusal::field(field, Reason::FieldsConflict, "expected exactly one target, found several"))
        }
    }
}

fn apns_device(device: proto::ApnsDevice) -> Decoded<ApnsDevice> {
    Ok(ApnsDevice {
        token: DeviceToken::parse(device.token).map_err(at("target.apns.token"))?,
        environment: environment("target.apns.environment", device.environment)?,
        topic: present(device.topic),
    })
}

fn channel(channel: proto::ApnsChannel) -> Decoded<ApnsChannel> {
    text("target.apns_channel.channel_id", "a channel id", &channel.channel_id, MAX_CHANNEL_ID_BYTES)?;
    Ok(ApnsChannel {
        channel_id: channel.channel_id,
        environment: environment("target.apns_channel.environment", channel.environment)?,
        topic: present(channel.topic),
    })
}

fn environment(field: &'static str, value: i32) -> Decoded<Option<ApnsEnvironment>> {
    Ok(match known::<proto::ApnsEnvironment>(field, value)? {
        proto::ApnsEnvironment::Unspecified => None,
        proto::ApnsEnvironment::Production => Some(ApnsEnvironment::Production),
        proto::ApnsEnvironment::Sandbox => Some(ApnsEnvironment::Sandbox),
    })
}

fn fcm_target(target: proto::FcmTarget) -> Decoded<FcmTarget> {
    let proto::FcmTarget { registration_token, fid, topic, condition } = target;
    let parse_token = |token| {
        let parsed = RegistrationToken::parse(token).map_err(at("target.fcm.registration_token"));
        parsed.map(FcmTarget::Token)
    };
    one_of(
        "target.fcm",
        [
            present(registration_token).map(parse_token),
            present(fid).map(|fid| {
                text("target.fcm.fid", "an installation id", &fid, MAX_INSTALLATION_ID_BYTES)?;
                Ok(FcmTarget::InstallationId(fid))
            }),
            present(topic).map(|topic| {
                text("target.fcm.topic", "a topic", &topic, MAX_FCM_TOPIC_BYTES)?;
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~%".contains(c);
                match topic.chars().find(|c| !allowed(*c)) {
                    None => Ok(FcmTarget::Topic(topic)),
                    Some(c) => {
                        Err(invalid("target.fcm.topic", "letters, digits and -_.~%", format!("{c:?}")))
                    }
                }
            }),
            present(condition).map(|condition| {
                within("target.fcm.condition", condition.len(), MAX_CONDITION_BYTES)?;
                Ok(FcmTarget::Condition(condition))
            }),
        ],
    )
}

fn subscription(target: proto::WebPushSubscription) -> Decoded<Subscription> {
    text("target.web_push.endpoint", "an endpoint", &target.endpoint, MAX_ENDPOINT_BYTES)?;
    https("target.web_push.endpoint", &target.endpoint)?;
    for (field, bytes, length) in
        [("target.web_push.p256dh", &target.p256dh, 65), ("target.web_push.auth", &target.auth, 16)]
    {
        if !bytes.is_empty() && bytes.len() != length {
            return Err(invalid(field, format!("{length} bytes"), format!("{} bytes", bytes.len())));
        }
    }
    Ok(Subscription { endpoint: target.endpoint, p256dh: target.p256dh, auth: target.auth })
}

fn mattermost_device(device: proto::MattermostDevice) -> Decoded<MattermostDevice> {
    const FIELD: &str = "target.mattermost.device_id";
    if device.device_id.is_empty() {
        return Err(required(FIELD, "platform:token"));
    }
    // Tokens hold colons themselves, so the first one splits.
    let Some((platform, token)) =
        device.device_id.split_once(':').filter(|(platform, _)| !platform.is_empty())
    else {
        return Err(invalid(FIELD, "platform:token", "no platform before a colon"));
    };
    let server_id = present(device.server_id);
    if let Some(server_id) = &server_id {
        text("target.mattermost.server_id", "a server id", server_id, MAX_SERVER_ID_BYTES)?;
    }
    Ok(MattermostDevice {
        platform: platform.to_owned(),
        token: RegistrationToken::parse(token.to_owned()).map_err(at(FIELD))?,
        server_id,
    })
}

/// What a push says.
pub(super) fn content(content: Option<proto::Content>) -> Decoded<Content> {
    let content = content.ok_or_else(|| required("content", "a content"))?;
    let proto::Content { notification, data, apns, fcm, web_push, mattermost } = content;
    let content = Content {
        notification: notification.map(self::notification).transpose()?,
        data: data.into_iter().collect(),
        apns: apns.map(self::apns).transpose()?,
        fcm: fcm.map(self::fcm).transpose()?,
        web_push: web_push.map(self::web_push).transpose()?,
        mattermost: mattermost.map(self::mattermost),
    };
    if content == Content::default() {
        return Err(required("content", "a notification, data, or options of a provider"));
    }
    Ok(content)
}

fn notification(it: proto::Notification) -> Decoded<Notification> {
    if !it.image.is_empty() {
        https("content.notification.image", &it.image)?;
    }
    let badge = it.badge.map(|badge| {
        u32::try_from(badge)
            .map_err(|_| invalid("content.notification.badge", "0 or more", badge.to_string()))
    });
    Ok(Notification {
        title: it.title,
        subtitle: it.subtitle,
        body: it.body,
        image: it.image,
        sound: it.sound,
        badge: badge.transpose()?,
        category: it.category,
        thread: it.thread,
        title_localized: localized("content.notification.title_localized", it.title_localized)?,
        subtitle_localized: localized("content.notification.subtitle_localized", it.subtitle_localized)?,
        body_localized: localized("content.notification.body_localized", it.body_localized)?,
    })
}

fn localized(field: &'static str, text: Option<proto::LocalizedText>) -> Decoded<Option<LocalizedText>> {
    let Some(proto::LocalizedText { key, arguments }) = text else { return Ok(None) };
    if key.is_empty() {
        return Err(required(format!("{field}.key"), "a key"));
    }
    if arguments.len() > MAX_LOC_ARGUMENTS {
        let detail = format!("expected at most {MAX_LOC_ARGUMENTS} arguments, found {}", arguments.len());
        return Err(Refusal::field(format!("{field}.arguments"), Reason::FieldTooLarge, detail));
    }
    Ok(Some(LocalizedText { key, arguments }))
}

fn apns(it: proto::ApnsOptions) -> Decoded<ApnsContent> {
    const LEVEL: &str = "content.apns.interruption_level";
    let interruption_level = match known::<proto::InterruptionLevel>(LEVEL, it.interruption_level)? {
        proto::InterruptionLevel::Unspecified => None,
        proto::InterruptionLevel::Passive => Some(InterruptionLevel::Passive),
        proto::InterruptionLevel::Active => Some(InterruptionLevel::Active),
        proto::InterruptionLevel::TimeSensitive => Some(InterruptionLevel::TimeSensitive),
        proto::InterruptionLevel::Critical => Some(InterruptionLevel::Critical),
    };
    if let Some(score) = it.relevance_score {
        finite("content.apns.relevance_score", score)?;
    }
    let critical_sound = it.critical_sound.map(|sound| {
        if let Some(volume) = sound.volume {
            finite("content.apns.critical_sound.volume", volume)?;
        }
        Ok(CriticalSound { name: sound.name, volume: sound.volume })
    });
    json_object("content.apns.payload_json", &it.payload_json)?;
    Ok(ApnsContent {
        push_type: it.push_type,
        mutable_content: it.mutable_content,
        content_available: it.content_available,
        interruption_level,
        relevance_score: it.relevance_score,
        target_content_id: it.target_content_id,
        filter_criteria: it.filter_criteria,
        critical_sound: critical_sound.transpose()?,
        live_activity: it.live_activity.map(live_activity).transpose()?,
        payload_json: it.payload_json,
    })
}

fn live_activity(it: proto::LiveActivity) -> Decoded<LiveActivity> {
    const EVENT: &str = "content.apns.live_activity.event";
    let event = match known::<proto::LiveActivityEvent>(EVENT, it.event)? {
        proto::LiveActivityEvent::Unspecified => return Err(required(EVENT, "START, UPDATE or END")),
        proto::LiveActivityEvent::Start => LiveActivityEvent::Start,
        proto::LiveActivityEvent::Update => LiveActivityEvent::Update,
        proto::LiveActivityEvent::End => LiveActivityEvent::End,
    };
    json_object("content.apns.live_activity.content_state_json", &it.content_state_json)?;
    json_object("content.apns.live_activity.attributes_json", &it.attributes_json)?;
    Ok(LiveActivity {
        event,
        timestamp: moment("content.apns.live_activity.timestamp", it.timestamp)?,
        content_state_json: it.content_state_json,
        stale_at: moment("content.apns.live_activity.stale_at", it.stale_at)?,
        dismiss_at: moment("content.apns.live_activity.dismiss_at", it.dismiss_at)?,
        attributes_type: it.attributes_type,
        attributes_json: it.attributes_json,
        input_push_token: it.input_push_token,
        input_push_channel: it.input_push_channel,
    })
}

fn fcm(it: proto::FcmOptions) -> Decoded<FcmContent> {
    let visibility = match known::<proto::AndroidVisibility>("content.fcm.visibility", it.visibility)? {
        proto::AndroidVisibility::Unspecified => None,
        proto::AndroidVisibility::Private => Some(AndroidVisibility::Private),
        proto::AndroidVisibility::Public => Some(AndroidVisibility::Public),
        proto::AndroidVisibility::Secret => Some(AndroidVisibility::Secret),
    };
    if let Some(message) = json_object("content.fcm.message_json", &it.message_json)?
        && let Some(target) =
            ["token", "fid", "topic", "condition"].into_iter().find(|key| message.contains_key(*key))
    {
        let detail = format!("expected a message without a target, found {target:?}");
        return Err(Refusal::field("content.fcm.message_json", Reason::RawBodyInvalid, detail));
    }
    Ok(FcmContent {
        channel_id: it.channel_id,
        tag: it.tag,
        icon: it.icon,
        color: it.color,
        visibility,
        direct_boot_ok: it.direct_boot_ok,
        restricted_package_name: it.restricted_package_name,
        analytics_label: it.analytics_label,
        live_activity_token: it.live_activity_token,
        message_json: it.message_json,
    })
}

fn web_push(it: proto::WebPushOptions) -> Decoded<WebPushContent> {
    let urgency = match known::<proto::WebPushUrgency>("content.web_push.urgency", it.urgency)? {
        proto::WebPushUrgency::Unspecified => None,
        proto::WebPushUrgency::VeryLow => Some(WebPushUrgency::VeryLow),
        proto::WebPushUrgency::Low => Some(WebPushUrgency::Low),
        proto::WebPushUrgency::Normal => Some(WebPushUrgency::Normal),
        proto::WebPushUrgency::High => Some(WebPushUrgency::High),
    };
    if !it.link.is_empty() {
        https("content.web_push.link", &it.link)?;
    }
    Ok(WebPushContent { urgency, topic: it.topic, link: it.link, payload: it.payload })
}

fn mattermost(it: proto::MattermostOptions) -> MattermostContent {
    MattermostContent {
        r#type: it.r#type,
        sub_type: it.sub_type,
        ack_id: it.ack_id,
        post_id: it.post_id,
        team_id: it.team_id,
        channel_id: it.channel_id,
        root_id: it.root_id,
        sender_id: it.sender_id,
        sender_name: it.sender_name,
        override_username: it.override_username,
        override_icon_url: it.override_icon_url,
        from_webhook: it.from_webhook,
        version: it.version,
        is_crt_enabled: it.is_crt_enabled,
        is_id_loaded: it.is_id_loaded,
        signature: it.signature,
        transport: it.transport,
    }
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

fn duration(field: &'static str, it: prost_types::Duration) -> Decoded<Duration> {
    let found = format!("{} s and {} ns", it.seconds, it.nanos);
    Duration::try_from(it).map_err(|_| invalid(field, "a duration that is not negative", found))
}

fn moment(field: &'static str, it: Option<prost_types::Timestamp>) -> Decoded<Option<SystemTime>> {
    let Some(it) = it else { return Ok(None) };
    let found = format!("{} s and {} ns since 1970", it.seconds, it.nanos);
    let in_range = it.seconds >= 0 && it.seconds <= LAST_SECOND && (0..1_000_000_000).contains(&it.nanos);
    let moment = in_range.then(|| SystemTime::try_from(it).ok()).flatten();
    moment.map(Some).ok_or_else(|| invalid(field, "a moment from 1970 to 9999", found))
}

/// 9999-12-31T23:59:59Z, the last second of google.protobuf.Timestamp.
const LAST_SECOND: i64 = 253_402_300_799;

fn known<E: TryFrom<i32>>(field: &'static str, value: i32) -> Decoded<E> {
    E::try_from(value).map_err(|_| invalid(field, "a value of the enum", value.to_string()))
}

fn text(field: &'static str, what: &str, value: &str, max: usize) -> Decoded<()> {
    crate::push::visible_ascii(what, value, max).map_err(at(field))
}

fn within(field: &'static str, found: usize, most: usize) -> Decoded<()> {
    if found <= most {
        return Ok(());
    }
    Err(Refusal::field(field, Reason::FieldTooLarge, format!("expected at most {most} bytes, found {found}")))
}

fn finite(field: &'static str, value: f64) -> Decoded<()> {
    if value.is_finite() { Ok(()) } else { Err(invalid(field, "a finite number", value.to_string())) }
}

fn https(field: &'static str, url: &str) -> Decoded<()> {
    let parsed = url.parse::<http::Uri>().ok();
    let good = parsed.is_some_and(|uri| uri.scheme_str() == Some("https") && uri.host().is_some());
    if good { Ok(()) } else { Err(invalid(field, "an https URL", "something else")) }
}

/// A JSON object, or nothing; its keys.
fn json_object(field: &'static str, json: &str) -> Decoded<Option<BTreeMap<String, IgnoredAny>>> {
    if json.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(json).map(Some).map_err(|error| {
        // serde_json's message names what it found, not the text around it.
        Refusal::field(field, Reason::RawBodyInvalid, format!("expected a JSON object: {error}"))
    })
}

fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn at(field: &'static str) -> impl Fn(InvalidValue) -> Refusal {
    move |error| Refusal::value(field, &error)
}

fn required(field: impl Into<Cow<'static, str>>, what: &str) -> Refusal {
    Refusal::field(field, Reason::FieldRequired, format!("expected {what}, found nothing"))
}

fn invalid(field: &'static str, expected: impl AsRef<str>, found: impl AsRef<str>) -> Refusal {
    let detail = format!("expected {}, found {}", expected.as_ref(), found.as_ref());
    Refusal::field(field, Reason::FieldInvalid, detail)
}
