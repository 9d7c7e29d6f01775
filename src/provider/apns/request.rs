//! Push → request to APNs. Source of every header and limit here, unless another is named: Apple, "Sending
//! notification requests to APNs".

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, header};
use sha2::{Digest, Sha256};

use super::Apns;
use super::payload::{payload, seconds};
use super::push_type::PushType;
use crate::provider::Message;
use crate::push::{AppId, Body, Expiry, Outcome, PushId, Reason, Refusal, Target};

/// The largest payload.
const MAX_PAYLOAD_BYTES: usize = 4096;

/// The largest payload of a VoIP push. A broadcast's is said to be the same by third parties; Apple names
/// none.
const MAX_LARGE_PAYLOAD_BYTES: usize = 5120;

/// The longest `apns-collapse-id`.
const MAX_COLLAPSE_ID_BYTES: usize = 64;

const TOPIC: HeaderName = HeaderName::from_static("apns-topic");
const PUSH_TYPE: HeaderName = HeaderName::from_static("apns-push-type");
const PRIORITY: HeaderName = HeaderName::from_static("apns-priority");
const EXPIRATION: HeaderName = HeaderName::from_static("apns-expiration");
const ID: HeaderName = HeaderName::from_static("apns-id");
const COLLAPSE_ID: HeaderName = HeaderName::from_static("apns-collapse-id");
const CHANNEL_ID: HeaderName = HeaderName::from_static("apns-channel-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("apns-request-id");

/// A body encoded for APNs, with the headers that all its targets share.
#[derive(Debug)]
pub struct Payload {
    json: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
    topic_suffix: &'static str,
}

impl Apns {
    /// Encodes a body for targets of this kind, device or channel.
    ///
    /// # Errors
    /// Where a field is at fault, or the payload is over APNs' limit.
    pub fn encode(&self, body: &Body, target: &Target) -> Result<Payload, Refusal> {
        let broadcast = matches!(target, Target::ApnsChannel(_));
        let push_type = PushType::of(body, self.settings.unknown_push_types)?;
        self.check_push_type(push_type, broadcast)?;
        let priority = push_type.priority(body.options.priority)?;
        let json = payload(body, push_type)?;
        let large = broadcast || push_type == PushType::Voip;
        let most = if large { MAX_LARGE_PAYLOAD_BYTES } else { MAX_PAYLOAD_BYTES };
        if json.len() > most {
            return Err(Refusal {
                outcome: Outcome::PayloadTooLarge,
                reason: Reason::PayloadOverLimit,
                field: "content".into(),
                detail: format!("expected a payload of at most {most} bytes, found {}", json.len()),
            });
        }
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        headers.extend(push_type.header().map(|value| (PUSH_TYPE, value)));
        headers.push((PRIORITY, priority));
        match body.options.expiry {
            Expiry::Default => {}
            Expiry::NoStore => headers.push((EXPIRATION, sensitive(HeaderValue::from_static("0")))),
            // 0 would mean something else.
            Expiry::At(moment) => {
                headers.push((EXPIRATION, sensitive(HeaderValue::from(seconds(moment).max(1)))));
            }
        }
        if !body.options.collapse_key.is_empty() {
            headers.push((COLLAPSE_ID, sensitive(collapse_id(&body.options.collapse_key))));
        }
        Ok(Payload { json: json.into(), headers, topic_suffix: push_type.topic_suffix() })
    }

    fn check_push_type(&self, push_type: PushType<'_>, broadcast: bool) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal::field("content.apns.push_type", Reason::FieldInvalid, detail));
        if broadcast && push_type != PushType::LiveActivity {
            return refuse("expected liveactivity for a broadcast channel, found another push type");
        }
        if self.settings.certificate && push_type == PushType::Location {
            return refuse(
                "expected another push type: location needs a provider token, the app has a certificate",
            );
        }
        Ok(())
    }

    /// Directs an encoded body to one device or channel.
    ///
    /// # Errors
    /// Where the app does not list the topic.
    pub fn address(
        &self,
        payload: &Payload,
        body: &Body,
        id: &PushId,
        target: &Target,
    ) -> Result<Message, Refusal> {
        let mut headers = Vec::with_capacity(payload.headers.len() + 2);
        headers.extend_from_slice(&payload.headers);
        let path = match target {
            Target::Apns(device) => {
                let topic = self.topic("target.apns.topic", device.topic.as_deref())?;
                headers.push((TOPIC, header_value("target.apns.topic", &[topic, payload.topic_suffix])?));
                headers.push((ID, uuid(id, &body.app)));
                ["/3/device/", device.token.as_str()].concat()
            }
            Target::ApnsChannel(channel) => {
                let topic = self.topic("target.apns_channel.topic", channel.topic.as_deref())?;
                let channel_id = header_value("target.apns_channel.channel_id", &[&channel.channel_id])?;
                headers.push((CHANNEL_ID, channel_id));
                headers.push((REQUEST_ID, uuid(id, &body.app)));
                // The bundle id without a suffix, and no topic.
                // Source: Apple, "Handling error responses from Apple Push Notification service".
                ["/4/broadcasts/apps/", topic].concat()
            }
            Target::Fcm(_) | Target::WebPush(_) | Target::Mattermost(_) => {
                let detail = "expected a target of APNs, found another";
                return Err(Refusal::field("target", Reason::FieldInvalid, detail));
            }
        };
        let path = PathAndQuery::try_from(path).map_err(|_| {
            Refusal::field("target", Reason::FieldInvalid, "expected a topic that can stand in a path")
        })?;
        Ok(Message { path, headers, body: payload.json.clone() })
    }

    fn topic<'a>(&'a self, field: &'static str, named: Option<&str>) -> Result<&'a str, Refusal> {
        let listed = match named {
            None => self.settings.topics.first(),
            Some(named) => self.settings.topics.iter().find(|topic| *topic == named),
        };
        listed.map(String::as_str).ok_or_else(|| {
            let detail = format!("expected a topic that the app lists ({})", self.settings.topics.join(", "));
            Refusal::field(field, Reason::TopicNotAllowed, detail)
        })
    }
}

fn uuid(id: &PushId, app: &AppId) -> HeaderValue {
    let mut buffer = uuid::Uuid::encode_buffer();
    let text: &str = id.uuid(app).hyphenated().encode_lower(&mut buffer);
    // Hexadecimal digits and hyphens are a header value.
    sensitive(HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("")))
}

fn collapse_id(key: &str) -> HeaderValue {
    let fits = key.len() <= MAX_COLLAPSE_ID_BYTES && key.bytes().all(|c| c.is_ascii_graphic() || c == b' ');
    let fits = fits && key.trim().len() == key.len();
    let value = if fits { HeaderValue::from_str(key).ok() } else { None };
    value.unwrap_or_else(|| {
        // 43 characters of base64url are a header value.
        HeaderValue::try_from(URL_SAFE_NO_PAD.encode(Sha256::digest(key)))
            .unwrap_or(HeaderValue::from_static(""))
    })
}

fn header_value(field: &'static str, parts: &[&str]) -> Result<HeaderValue, Refusal> {
    HeaderValue::try_from(parts.concat()).map_err(|_| {
        Refusal::field(field, Reason::FieldInvalid, "expected visible ASCII, found what no header can hold")
    })
}

/// A value that is new with each push stays out of HPACK's table, which is small and holds what repeats.
fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
