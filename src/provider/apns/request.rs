//! How a push is said to APNs: once a body, then addressed to each target.
//!
//! Source: Apple, "Sending notification requests to APNs"; for channels Apple, "Sending broadcast
//! push notification requests to APNs".

use std::borrow::Cow;

use bytes::Bytes;
use fanfare_upstream::{Indexing, Request};
use http::Method;

use super::headers::{
    APNS_COLLAPSE_ID, APNS_EXPIRATION, APNS_ID, APNS_PRIORITY, APNS_PUSH_TYPE, APNS_REQUEST_ID, APNS_TOPIC,
    HEADERS_ROOM, collapse_id, expiration, priority_value, push_channel_id,
};
use super::live_activity::Activity;
use super::payload;
use super::push_type::PushType;
use super::raw::Raw;
use super::topic::Topic;
use super::{Apns, MAX_BROADCAST_PAYLOAD_BYTES, Target};
use crate::provider::{CONTENT_TYPE, Message, Outgoing, bug, push_own, text};
use crate::push::{
    ApnsContent, Body, LiveActivityEvent, Notification, Outcome, Priority, Reason, Refusal, visible_ascii,
};

/// A body as APNs takes it: all that its addressees share.
#[derive(Debug)]
pub struct Payload {
    /// The JSON that the device reads.
    pub(super) json: Bytes,
    push_type: PushType,
    /// Whether it starts a Live Activity, which a channel cannot.
    starts: bool,
    /// The name of the push type, which is the caller's own where the gateway does not know the type.
    type_name: Cow<'static, str>,
    priority: Priority,
    expiration: Option<u64>,
    /// Only devices are sent a collapse id, because a channel keeps nothing but the newest push.
    collapse_id: Option<String>,
}

/// Says a body to APNs.
///
/// # Errors
/// Fails if the body cannot be said to any target.
pub(super) fn encode(apns: &Apns, body: &Body) -> Result<Payload, Refusal> {
    let content = &body.content;
    let nothing = ApnsContent::default();
    let options = content.apns.as_deref().unwrap_or(&nothing);
    if content.notification.is_none() && content.data.is_empty() && content.apns.is_none() {
        let detail = "nothing here is for APNs: it has no notification, no data and no options of APNs";
        return Err(Refusal::field("content", Reason::FieldRequired, detail));
    }
    let raw = text(&options.payload_json);
    let raw =
        raw.map(|raw| if options.payload_is_own { Ok(Raw::OWN) } else { Raw::parse(raw) }).transpose()?;
    let shows = raw.as_ref().map_or_else(|| typed_shows(body), |raw| raw.shows);
    let (push_type, type_name) = apns.push_type(options, raw.as_ref(), shows)?;
    let priority = body.options.priority.unwrap_or(push_type.default_priority(shows));
    apns.check_push_type(push_type, priority)?;
    let json = match &raw {
        Some(_) => options.payload_json.clone().into_bytes(),
        None => write(body, options, push_type)?,
    };
    let activity = options.live_activity.as_ref().filter(|_| raw.is_none());
    Ok(Payload {
        json: json.into(),
        push_type,
        starts: activity.is_some_and(|activity| activity.event == LiveActivityEvent::Start),
        type_name,
        priority,
        expiration: expiration(body.options.expiry),
        collapse_id: text(&body.options.collapse_key).map(|key| collapse_id(key).into_owned()),
    })
}

/// Directs an encoded body to one target.
///
/// # Errors
/// Fails if the app does not list the topic, or this kind of target cannot take the payload.
pub(super) fn address(apns: &Apns, push: &Outgoing<'_, Apns>) -> Result<Message, Refusal> {
    let Outgoing { id, body, target, payload, .. } = *push;
    check_target(payload, target)?;
    let topic = apns.listed_topic(target)?;
    let path = match target {
        Target::Device(device) => ["/3/device/", device.token.as_str()],
        // The bundle id stands here without a suffix. Source: Apple, "Handling error responses from Apple Push
        // Notification service".
        Target::Channel(_) => ["/4/broadcasts/apps/", &topic.bundle_id],
    };
    let request = Request::with_room(&Method::POST, &path, payload.json.clone(), HEADERS_ROOM);
    let mut request = request.map_err(|error| bug("target", &error))?;
    payload.push_shared_headers(&mut request)?;
    let mut uuid = uuid::Uuid::encode_buffer();
    let id = id.uuid(&body.app).hyphenated().encode_lower(&mut uuid);
    match target {
        Target::Device(_) => payload.push_device_headers(&mut request, topic, id)?,
        // A push to a channel has no topic header.
        Target::Channel(channel) => {
            push_channel_id(&mut request, &channel.channel_id)?;
            push_own(&mut request, APNS_REQUEST_ID, id, Indexing::Varies)?;
        }
    }
    Ok(Message { request, counts_down: false, context: () })
}

/// The topic of a push: the value of `apns-topic`, and for a channel its bundle id.
pub(super) fn topic<'a>(apns: &'a Apns, target: &Target, payload: &Payload) -> Option<Cow<'a, str>> {
    let topic = apns.listed_topic(target).ok()?;
    Some(match target {
        Target::Device(_) => topic.with(payload.push_type.suffix()),
        Target::Channel(_) => Cow::Borrowed(&topic.bundle_id),
    })
}

impl Payload {
    fn push_shared_headers(&self, request: &mut Request) -> Result<(), Refusal> {
        push_own(request, CONTENT_TYPE, "application/json", Indexing::Repeats)?;
        push_own(request, APNS_PUSH_TYPE, &self.type_name, Indexing::Repeats)?;
        push_own(request, APNS_PRIORITY, priority_value(self.priority), Indexing::Repeats)?;
        if let Some(seconds) = self.expiration {
            let pushed = request.push_number(APNS_EXPIRATION.as_str(), seconds, Indexing::Varies);
            pushed.map_err(|error| bug("options", &error))?;
        }
        Ok(())
    }

    fn push_device_headers(&self, request: &mut Request, topic: &Topic, id: &str) -> Result<(), Refusal> {
        push_own(request, APNS_TOPIC, &topic.with(self.push_type.suffix()), Indexing::Repeats)?;
        push_own(request, APNS_ID, id, Indexing::Varies)?;
        match &self.collapse_id {
            Some(id) => push_own(request, APNS_COLLAPSE_ID, id, Indexing::Varies),
            None => Ok(()),
        }
    }
}

impl Apns {
    /// The topic that a target names, or else the app's first one.
    fn listed_topic(&self, target: &Target) -> Result<&Topic, Refusal> {
        let (named, field) = match target {
            Target::Device(device) => (&device.topic, "target.apns.topic"),
            Target::Channel(channel) => (&channel.topic, "target.apns_channel.topic"),
        };
        let detail = "the app does not list this topic";
        self.topic(named.as_deref()).ok_or_else(|| Refusal::field(field, Reason::TopicNotAllowed, detail))
    }

    fn push_type(
        &self,
        options: &ApnsContent,
        raw: Option<&Raw>,
        shows: bool,
    ) -> Result<(PushType, Cow<'static, str>), Refusal> {
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
                    return Ok((PushType::Unknown, name.to_owned().into()));
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
        Ok((push_type, push_type.name().into()))
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
/// Fails if the event lacks what it needs, or a member is out of its range.
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

/// Checks that push type and typed parts agree, because APNs may silently drop a push in which they do not.
fn check_typed(push_type: PushType, options: &ApnsContent, shows: bool) -> Result<(), Refusal> {
    let conflict = |detail| Err(Refusal::field("content.apns.push_type", Reason::FieldsConflict, detail));
    match (push_type == PushType::LiveActivity, options.live_activity.is_some()) {
        (true, false) => {
            let detail = "push type liveactivity needs live_activity or payload_json";
            Err(Refusal::field("content.apns.live_activity", Reason::FieldRequired, detail))
        }
        (false, true) => conflict("a Live Activity has push type liveactivity"),
        // APNs may drop a background push that shows something. Source: Apple, "Pushing background updates to your
        // App".
        (false, false) if push_type == PushType::Background && shows => {
            conflict("a background push shows, plays and badges nothing, and this one does")
        }
        (true, true) | (false, false) => Ok(()),
    }
}

/// Checks what depends on the target. A multicast may name devices and channels for one payload, so this cannot be
/// checked when the body is encoded.
fn check_target(payload: &Payload, target: &Target) -> Result<(), Refusal> {
    let limit = match target {
        Target::Device(_) => payload.push_type.max_payload_bytes(),
        Target::Channel(_) => {
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
