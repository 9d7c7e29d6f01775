//! Where a push goes.

use super::check::{Decoded, at, https, invalid, known, malformed, present, required, text, within};
use crate::desk::TargetDraft;
use crate::proto;
use crate::provider::webpush::Subscription;
use crate::provider::{apns, fcm, mattermost};
use crate::push::{ApnsEnvironment, DeviceToken, Reason, Refusal, RegistrationToken};

const MAX_CHANNEL_ID_BYTES: usize = 256;
const MAX_INSTALLATION_ID_BYTES: usize = 256;
const MAX_FCM_TOPIC_BYTES: usize = 900;
const MAX_CONDITION_BYTES: usize = 4096;
/// A condition names at most so many topics. Source: Firebase, "Topic messaging", conditions.
const MAX_CONDITION_TOPICS: usize = 5;
const MAX_ENDPOINT_BYTES: usize = 2048;
const MAX_SERVER_ID_BYTES: usize = 64;

/// Where a push goes. There must be exactly one target: which one tells who carries the push, even where the target
/// itself cannot be decoded.
pub(super) fn target(target: Option<proto::Target>) -> Decoded<TargetDraft> {
    let target = target.ok_or_else(|| required("target", "a target"))?;
    let proto::Target { apns, apns_channel, fcm, web_push, mattermost } = target;
    match (apns, apns_channel, fcm, web_push, mattermost) {
        (Some(device), None, None, None, None) => {
            Ok(TargetDraft::Apns(apns_device(device).map(apns::Target::Device)))
        }
        (None, Some(channel), None, None, None) => {
            Ok(TargetDraft::Apns(broadcast_channel(*channel).map(apns::Target::Channel)))
        }
        (None, None, Some(target), None, None) => Ok(TargetDraft::Fcm(fcm_target(*target))),
        (None, None, None, Some(target), None) => Ok(TargetDraft::WebPush(subscription(*target))),
        (None, None, None, None, Some(device)) => Ok(TargetDraft::Mattermost(mattermost_device(*device))),
        (None, None, None, None, None) => Err(required("target", ONE_TARGET)),
        _ => Err(several("target")),
    }
}

/// What is expected of a target. The wire cannot promise it.
const ONE_TARGET: &str = "exactly one target";

fn several(field: &'static str) -> Refusal {
    Refusal::field(field, Reason::FieldsConflict, "expected exactly one target, found several")
}

fn apns_device(device: proto::ApnsDevice) -> Decoded<apns::Device> {
    Ok(apns::Device {
        token: DeviceToken::parse(device.token).map_err(at("target.apns.token")).map_err(malformed)?,
        environment: environment("target.apns.environment", device.environment)?,
        topic: present(device.topic),
    })
}

fn broadcast_channel(channel: proto::ApnsChannel) -> Decoded<apns::Channel> {
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

fn fcm_target(target: proto::FcmTarget) -> Decoded<fcm::Target> {
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

fn subscription(target: proto::WebPushSubscription) -> Decoded<Subscription> {
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

fn mattermost_device(device: proto::MattermostDevice) -> Decoded<mattermost::Device> {
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
