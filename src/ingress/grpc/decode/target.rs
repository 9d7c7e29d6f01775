//! Where a push goes.

use super::Decoded;
use super::check::{at, https, invalid, known, malformed, present, required, text, within};
use crate::proto;
use crate::provider::webpush::Subscription;
use crate::provider::{apns, fcm, mattermost};
use crate::push::{ApnsEnvironment, DeviceToken, Reason, Refusal, RegistrationToken};

const MAX_CHANNEL_ID_BYTES: usize = 256;
const MAX_INSTALLATION_ID_BYTES: usize = 256;
const MAX_FCM_TOPIC_BYTES: usize = 900;
const MAX_CONDITION_BYTES: usize = 4096;
/// Source: Firebase, "Topic messaging", conditions.
const MAX_CONDITION_TOPICS: usize = 5;
const MAX_ENDPOINT_BYTES: usize = 2048;
const MAX_SERVER_ID_BYTES: usize = 64;

/// The one target of a push, which is not looked into yet.
pub(in super::super) enum OneTarget {
    ApnsDevice(proto::ApnsDevice),
    ApnsChannel(Box<proto::ApnsChannel>),
    Fcm(Box<proto::FcmTarget>),
    WebPush(Box<proto::WebPushSubscription>),
    Mattermost(Box<proto::MattermostDevice>),
}

#[cfg(test)]
impl OneTarget {
    /// Decodes the target, and keeps only what is wrong with it.
    pub(in super::super) fn check(self) -> Decoded<()> {
        match self {
            Self::ApnsDevice(device) => apns_device(device).map(drop),
            Self::ApnsChannel(channel) => apns_channel(*channel).map(drop),
            Self::Fcm(target) => fcm_target(*target).map(drop),
            Self::WebPush(target) => subscription(*target).map(drop),
            Self::Mattermost(device) => mattermost_device(*device).map(drop),
        }
    }
}

/// The target of a push, of which there must be exactly one.
pub(in super::super) fn one_target(target: Option<proto::Target>) -> Decoded<OneTarget> {
    let target = target.ok_or_else(|| required("target", "a target"))?;
    let proto::Target { apns, apns_channel, fcm, web_push, mattermost } = target;
    let members = [
        apns.map(OneTarget::ApnsDevice),
        apns_channel.map(OneTarget::ApnsChannel),
        fcm.map(OneTarget::Fcm),
        web_push.map(OneTarget::WebPush),
        mattermost.map(OneTarget::Mattermost),
    ];
    let mut present = members.into_iter().flatten();
    match (present.next(), present.next()) {
        (Some(target), None) => Ok(target),
        (Some(_), Some(_)) => Err(several("target")),
        (None, _) => Err(required("target", ONE_TARGET)),
    }
}

/// Which the wire cannot promise.
const ONE_TARGET: &str = "exactly one target";

fn several(field: &'static str) -> Refusal {
    Refusal::field(field, Reason::FieldsConflict, "expected exactly one target, found several")
}

pub(in super::super) fn apns_device(device: proto::ApnsDevice) -> Decoded<apns::Device> {
    Ok(apns::Device {
        token: DeviceToken::parse(device.token).map_err(at("target.apns.token")).map_err(malformed)?,
        environment: environment("target.apns.environment", device.environment)?,
        topic: present(device.topic),
    })
}

pub(in super::super) fn apns_channel(channel: proto::ApnsChannel) -> Decoded<apns::Channel> {
    text("target.apns_channel.channel_id", "a channel id", &channel.channel_id, MAX_CHANNEL_ID_BYTES)
        .map_err(malformed)?;
    Ok(apns::Channel {
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

pub(in super::super) fn fcm_target(target: proto::FcmTarget) -> Decoded<fcm::Target> {
    let proto::FcmTarget { registration_token, fid, topic, condition } = target;
    match (present(registration_token), present(fid), present(topic), present(condition)) {
        (Some(token), None, None, None) => {
            let token = RegistrationToken::parse(token).map_err(at("target.fcm.registration_token"));
            token.map(fcm::Target::Token).map_err(malformed)
        }
        (None, Some(fid), None, None) => {
            text("target.fcm.fid", "an installation id", &fid, MAX_INSTALLATION_ID_BYTES)
                .map_err(malformed)?;
            Ok(fcm::Target::InstallationId(fid))
        }
        (None, None, Some(name), None) => topic_name(name).map(fcm::Target::Topic),
        (None, None, None, Some(condition)) => condition_of_topics(condition).map(fcm::Target::Condition),
        (None, None, None, None) => Err(required("target.fcm", ONE_TARGET)),
        _ => Err(several("target.fcm")),
    }
}

fn topic_name(name: String) -> Decoded<String> {
    const FIELD: &str = "target.fcm.topic";
    text(FIELD, "a topic", &name, MAX_FCM_TOPIC_BYTES)?;
    match name.chars().find(|c| !c.is_ascii_alphanumeric() && !"-_.~%".contains(*c)) {
        None => Ok(name),
        Some(c) => Err(invalid(FIELD, "letters, digits and -_.~%", format!("{c:?}"))),
    }
}

fn condition_of_topics(condition: String) -> Decoded<String> {
    const FIELD: &str = "target.fcm.condition";
    within(FIELD, condition.len(), MAX_CONDITION_BYTES)?;
    let topics = condition.matches("in topics").count();
    if topics > MAX_CONDITION_TOPICS {
        let expected = format!("at most {MAX_CONDITION_TOPICS} topics");
        return Err(invalid(FIELD, expected, topics.to_string()));
    }
    Ok(condition)
}

pub(in super::super) fn subscription(target: proto::WebPushSubscription) -> Decoded<Subscription> {
    text("target.web_push.endpoint", "an endpoint", &target.endpoint, MAX_ENDPOINT_BYTES)?;
    https("target.web_push.endpoint", &target.endpoint)?;
    for (field, bytes, length) in
        [("target.web_push.p256dh", &target.p256dh, 65), ("target.web_push.auth", &target.auth, 16)]
    {
        if !bytes.is_empty() && bytes.len() != length {
            let found = format!("{} bytes", bytes.len());
            return Err(malformed(invalid(field, format!("{length} bytes"), found)));
        }
    }
    Ok(Subscription { endpoint: target.endpoint, p256dh: target.p256dh, auth: target.auth })
}

pub(in super::super) fn mattermost_device(device: proto::MattermostDevice) -> Decoded<mattermost::Device> {
    const FIELD: &str = "target.mattermost.device_id";
    if device.device_id.is_empty() {
        return Err(required(FIELD, "platform:token"));
    }
    // Tokens hold colons themselves, so the first one splits.
    let Some((platform, token)) =
        device.device_id.split_once(':').filter(|(platform, _)| !platform.is_empty())
    else {
        return Err(malformed(invalid(FIELD, "platform:token", "no platform before a colon")));
    };
    let server_id = present(device.server_id);
    if let Some(server_id) = &server_id {
        text("target.mattermost.server_id", "a server id", server_id, MAX_SERVER_ID_BYTES)?;
    }
    Ok(mattermost::Device {
        platform: platform.to_owned(),
        token: RegistrationToken::parse(token.to_owned()).map_err(at(FIELD)).map_err(malformed)?,
        server_id,
    })
}
