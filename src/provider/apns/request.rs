//! How a push is said to APNs: once a body, then addressed to each target.
//!
//! Source: Apple, "Sending notification requests to APNs"; for channels Apple, "Sending broadcast
//! push notification requests to APNs".

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue};

use super::headers::{
    APNS_CHANNEL_ID, APNS_COLLAPSE_ID, APNS_EXPIRATION, APNS_ID, APNS_PRIORITY, APNS_PUSH_TYPE,
    APNS_REQUEST_ID, APNS_TOPIC, Index, collapse_id, expiration_header, header, priority_value,
};
use super::live_activity::Activity;
use super::payload::{self, Raw};
use super::push_type::PushType;
use super::{Apns, MAX_BROADCAST_PAYLOAD_BYTES};
use crate::provider::{Message, ReplyContext, bug, headers, text};
use crate::push::{
    ApnsChannel, ApnsContent, ApnsDevice, Body, LiveActivityEvent, Notification, Outcome, Priority, PushId,
    Reason, Refusal, Target, visible_ascii,
};

/// A body as APNs takes it: all that its addressees share.
#[derive(Debug)]
pub struct Payload {
    /// As the device reads it.
    pub(super) json: Bytes,
    push_type: PushType,
    /// Starts a Live Activity, which a channel cannot.
    starts: bool,
    type_header: HeaderValue,
    priority: HeaderValue,
    expiration: Option<HeaderValue>,
    /// Of devices only: a channel keeps the newest anyway.
    collapse_id: Option<HeaderValue>,
}

/// Those of one target, where there is something to say.
type OwnHeaders = [(HeaderName, Option<HeaderValue>); 3];

impl Apns {
    /// Says a body to APNs.
    ///
    /// # Errors
    /// Where the body cannot be said, to targets like this one or at all.
    pub fn encode(&self, body: &Body, target: &Target) -> Result<Payload, Refusal> {
        let content = &body.content;
        let nothing = ApnsContent::default();
        let options = content.apns.as_deref().unwrap_or(&nothing);
        if content.notification.is_none() && content.data.is_empty() && content.apns.is_none() {
            let detail = "nothing here is for APNs: it has no notification, no data and no options of APNs";
            return Err(Refusal::field("content", Reason::FieldRequired, detail));
        }
        let raw = text(&options.payload_json).map(Raw::parse).transpose()?;
        let shows = raw.as_ref().map_or_else(|| typed_shows(body), |raw| raw.shows);
        let (push_type, type_header) = self.push_type(options, raw.as_ref(), shows)?;
        let priority = body.options.priority.unwrap_or(push_type.default_priority(shows));
        self.check_push_type(push_type, priority)?;
        let json = match &raw {
            Some(_) => options.payload_json.clone().into_bytes(),
            None => write(body, options, push_type)?,
        };
        let activity = options.live_activity.as_ref().filter(|_| raw.is_none());
        let encoded = Payload {
            json: json.into(),
            push_type,
            starts: activity.is_some_and(|activity| activity.event == LiveActivityEvent::Start),
            type_header,
            priority: HeaderValue::from_static(priority_value(priority)),
            expiration: expiration_header(body.options.expiry),
            collapse_id: text(&body.options.collapse_key).map(collapse_header).transpose()?,
        };
        check_kind(&encoded, target)?;
        Ok(encoded)
    }

    /// Directs an encoded body to one target.
    ///
    /// # Errors
    /// Where the app does not list the topic, or this kind of target cannot take the payload.
    pub fn address(
        &self,
        payload: &Payload,
        body: &Body,
        id: &PushId,
        target: &Target,
    ) -> Result<Message, Refusal> {
        check_kind(payload, target)?;
        let mut uuid = uuid::Uuid::encode_buffer();
        let id = header("id", id.uuid(&body.app).hyphenated().encode_lower(&mut uuid), Index::Never)?;
        let (path, own) = match target {
            Target::Apns(device) => self.device(payload, device, id)?,
            Target::ApnsChannel(channel) => self.channel(channel, id)?,
            Target::Fcm(_) | Target::WebPush(_) | Target::Mattermost(_) => return Err(not_ours()),
        };
        let shared = [
            (CONTENT_TYPE, Some(HeaderValue::from_static("application/json"))),
            (APNS_PUSH_TYPE, Some(payload.type_header.clone())),
            (APNS_PRIORITY, Some(payload.priority.clone())),
            (APNS_EXPIRATION, payload.expiration.clone()),
        ];
        let mut headers = headers(shared.len() + own.len());
        let all = shared.into_iter().chain(own);
        headers.extend(all.filter_map(|(name, value)| Some((name, value?))));
        let path = PathAndQuery::try_from(path).map_err(|error| bug("target", &error))?;
        let context = ReplyContext { front_502: self.front_502, ..ReplyContext::default() };
        let body = payload.json.clone();
        Ok(Message { path, headers, body, counts_down: false, context })
    }

    fn device(
        &self,
        payload: &Payload,
        device: &ApnsDevice,
        id: HeaderValue,
    ) -> Result<(String, OwnHeaders), Refusal> {
        const TOPIC: &str = "target.apns.topic";
        let topic = self.topic(device.topic.as_deref()).ok_or_else(|| not_listed(TOPIC))?;
        let topic = topic.with(payload.push_type.suffix()).map_err(|error| bug(TOPIC, &error))?;
        let own =
            [(APNS_TOPIC, Some(topic)), (APNS_ID, Some(id)), (APNS_COLLAPSE_ID, payload.collapse_id.clone())];
        Ok((["/3/device/", device.token.as_str()].concat(), own))
    }

    /// A channel takes no topic header, and the bundle id in the path no suffix.
    ///
    /// Source: Apple, "Handling error responses from Apple Push Notification service".
    fn channel(&self, channel: &ApnsChannel, id: HeaderValue) -> Result<(String, OwnHeaders), Refusal> {
        let topic = self.topic(channel.topic.as_deref());
        let topic = topic.ok_or_else(|| not_listed("target.apns_channel.topic"))?;
        let channel_id = header("target.apns_channel.channel_id", &channel.channel_id, Index::Allowed)?;
        let own =
            [(APNS_CHANNEL_ID, Some(channel_id)), (APNS_REQUEST_ID, Some(id)), (APNS_COLLAPSE_ID, None)];
        Ok((["/4/broadcasts/apps/", &topic.bundle_id].concat(), own))
    }

    fn push_type(
        &self,
        options: &ApnsContent,
        raw: Option<&Raw>,
        shows: bool,
    ) -> Result<(PushType, HeaderValue), Refusal> {
        const FIELD: &str = "content.apns.push_type";
        const MAX_BYTES: usize = 64;
        let live = options.live_activity.is_some() || raw.is_some_and(|raw| raw.live_activity);
        let push_type = match options.push_type.as_str() {
            "" if live => PushType::LiveActivity,
            "" if shows => PushType::Alert,
            "" => PushType::Background,
            name => match PushType::parse(name) {
                Some(known) => known,
                None if self.unknown_push_types => {
                    visible_ascii("a push type", name, MAX_BYTES)
                        .map_err(|error| Refusal::value(FIELD, &error))?;
                    return Ok((PushType::Unknown, header(FIELD, name, Index::Allowed)?));
                }
                None => {
                    let known = PushType::KNOWN.map(PushType::name).join(", ");
                    let detail = format!("a push type is one of {known}, found another");
                    return Err(Refusal::field(FIELD, Reason::FieldInvalid, detail));
                }
            },
        };
        if raw.is_none() {
            check_typed(push_type, options, shows)?;
        }
        Ok((push_type, HeaderValue::from_static(push_type.name())))
    }

    fn check_push_type(&self, push_type: PushType, priority: Priority) -> Result<(), Refusal> {
        if push_type == PushType::Background && priority == Priority::High {
            let detail = "a background push has priority NORMAL or LOW; APNs refuses HIGH";
            return Err(Refusal::field("options.priority", Reason::FieldInvalid, detail));
        }
        if push_type == PushType::Location && self.certificate {
            let detail = "push type location needs a provider token; this app authenticates by certificate";
            return Err(Refusal::field("content.apns.push_type", Reason::FieldInvalid, detail));
        }
        Ok(())
    }
}

fn typed_shows(body: &Body) -> bool {
    let notification = body.content.notification.as_ref().is_some_and(Notification::shows);
    notification || body.content.apns.as_deref().is_some_and(|apns| apns.critical_sound.is_some())
}

/// The payload of a Live Activity, for FCM as well, which carries it to APNs.
///
/// # Errors
/// Where the event lacks what it needs, or a member is out of its range.
pub(in crate::provider) fn live_activity_payload(
    body: &Body,
    options: &ApnsContent,
) -> Result<Vec<u8>, Refusal> {
    write(body, options, PushType::LiveActivity)
}

fn write(body: &Body, options: &ApnsContent, push_type: PushType) -> Result<Vec<u8>, Refusal> {
    let activity = options.live_activity.as_ref().map(|activity| Activity::of(activity, body)).transpose()?;
    payload::write(&body.content, push_type, activity)
}

/// Push type and typed parts must agree: APNs may drop silently what does not.
fn check_typed(push_type: PushType, options: &ApnsContent, shows: bool) -> Result<(), Refusal> {
    let conflict = |detail| Err(Refusal::field("content.apns.push_type", Reason::FieldsConflict, detail));
    match (push_type == PushType::LiveActivity, options.live_activity.is_some()) {
        (true, false) => {
            let detail = "push type liveactivity needs live_activity or payload_json";
            Err(Refusal::field("content.apns.live_activity", Reason::FieldRequired, detail))
        }
        (false, true) => conflict("a Live Activity has push type liveactivity"),
        // Source: Apple, "Pushing background updates to your App".
        (false, false) if push_type == PushType::Background && shows => {
            conflict("a background push shows, plays and badges nothing, and this one does")
        }
        (true, true) | (false, false) => Ok(()),
    }
}

/// What depends on where the push goes: a multicast may name devices and channels for one payload.
fn check_kind(payload: &Payload, target: &Target) -> Result<(), Refusal> {
    let limit = match target {
        Target::Apns(_) => payload.push_type.max_payload_bytes(),
        Target::ApnsChannel(_) => {
            if payload.push_type != PushType::LiveActivity {
                let detail = "a broadcast channel takes Live Activities only";
                return Err(Refusal::field("target.apns_channel", Reason::FieldsConflict, detail));
            }
            if payload.starts {
                let detail = "a broadcast channel updates and ends Live Activities; it cannot start one";
                return Err(Refusal::field(
                    "content.apns.live_activity.event",
                    Reason::FieldsConflict,
                    detail,
                ));
            }
            MAX_BROADCAST_PAYLOAD_BYTES
        }
        Target::Fcm(_) | Target::WebPush(_) | Target::Mattermost(_) => return Err(not_ours()),
    };
    let found = payload.json.len();
    if found > limit {
        return Err(Refusal {
            outcome: Outcome::PayloadTooLarge,
            reason: Reason::PayloadOverLimit,
            field: "content".into(),
            detail: format!("the payload has {found} bytes; APNs takes {limit}"),
        });
    }
    Ok(())
}

fn collapse_header(key: &str) -> Result<HeaderValue, Refusal> {
    header("options.collapse_key", &collapse_id(key), Index::Never)
}

fn not_listed(field: &'static str) -> Refusal {
    Refusal::field(field, Reason::TopicNotAllowed, "the app does not list this topic")
}

fn not_ours() -> Refusal {
    bug("target", &"it is no target of APNs")
}
