//! What a push says.

use super::check::{Decoded, finite, https, invalid, json_object, known, moment, required};
use crate::proto;
use crate::push::{
    AndroidVisibility, ApnsContent, Content, CriticalSound, FcmContent, InterruptionLevel, LiveActivity,
    LiveActivityEvent, LocalizedText, MattermostContent, Notification, Reason, Refusal, WebPushContent,
    WebPushUrgency,
};

const MAX_LOC_ARGUMENTS: usize = 32;

/// The most entries of data. Each takes some ten times the memory of its bytes, and a payload of 4 KiB, which is about what
/// push services take, has room for fewer.
const MAX_DATA_ENTRIES: usize = 1024;

/// What a push says.
pub(super) fn content(content: Option<proto::Content>) -> Decoded<Content> {
    let content = content.ok_or_else(content_required)?;
    let proto::Content { notification, data, apns, fcm, web_push, mattermost } = content;
    if data.len() > MAX_DATA_ENTRIES {
        let detail = format!("expected at most {MAX_DATA_ENTRIES} entries, found {}", data.len());
        return Err(Refusal::field("content.data", Reason::FieldTooLarge, detail));
    }
    let content = Content {
        notification: notification.map(self::notification).transpose()?,
        data: data.into_iter().collect(),
        apns: apns.map(|it| self::apns(*it).map(Box::new)).transpose()?,
        fcm: fcm.map(|it| self::fcm(*it).map(Box::new)).transpose()?,
        web_push: web_push.map(self::web_push).transpose()?,
        mattermost: mattermost.map(|it| Box::new(self::mattermost(*it))),
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

fn localized(
    field: &'static str,
    text: Option<Box<proto::LocalizedText>>,
) -> Decoded<Option<Box<LocalizedText>>> {
    let Some(proto::LocalizedText { key, arguments }) = text.map(|text| *text) else { return Ok(None) };
    if key.is_empty() {
        return Err(required(format!("{field}.key"), "a key"));
    }
    if arguments.len() > MAX_LOC_ARGUMENTS {
        let detail = format!("expected at most {MAX_LOC_ARGUMENTS} arguments, found {}", arguments.len());
        return Err(Refusal::field(format!("{field}.arguments"), Reason::FieldTooLarge, detail));
    }
    Ok(Some(Box::new(LocalizedText { key, arguments })))
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
        payload_is_own: false,
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
        && let Some(target) = ["token", "fid", "topic", "condition"]
            .into_iter()
            .find(|key| matches!(message.get(*key), Some(Some(_))))
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

/// A push or a multicast has no content.
fn content_required() -> Refusal {
    required("content", "a content")
}
