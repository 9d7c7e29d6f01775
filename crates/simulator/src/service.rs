//! The services that the simulator stands for.

use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::apns::{self, Session};
use super::body::{self, Body, Opened};
use super::decision::Decision;
use super::fault::Refusal;
use super::world::World;
use super::{fcm, mattermost, webpush};

/// One of APNs' two environments. Their device tokens and their keys are different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// For apps from the store.
    Production,
    /// For apps in development.
    Sandbox,
}

/// What stands behind a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Service {
    /// APNs, over HTTP/2.
    Apns(Environment),
    /// FCM HTTP v1, Google's token endpoint and the topics of Instance ID, over HTTP/2 and HTTP/1.1.
    Fcm,
    /// The metadata server of a machine at Google, over plain HTTP/1.1.
    GoogleMetadata,
    /// The Mattermost push proxy, over HTTP/1.1.
    Mattermost,
    /// The push services of browsers, over HTTP/2 and HTTP/1.1.
    WebPush,
}

/// A request that was read in full.
pub(super) struct Ask<'a> {
    pub(super) world: &'a World,
    /// Of a connection to APNs.
    pub(super) session: Option<&'a Session>,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Body,
}

impl From<Service> for &'static str {
    fn from(service: Service) -> Self {
        service.name()
    }
}

impl TryFrom<String> for Service {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|service| service.name() == name);
        found.ok_or_else(|| {
            format!("found {name:?}, expected one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Apns(Environment::Production),
        Self::Apns(Environment::Sandbox),
        Self::Fcm,
        Self::GoogleMetadata,
        Self::Mattermost,
        Self::WebPush,
    ];

    /// What it is called in the JSON of the control API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Apns(Environment::Production) => "apns_production",
            Self::Apns(Environment::Sandbox) => "apns_sandbox",
            Self::Fcm => "fcm",
            Self::GoogleMetadata => "google_metadata",
            Self::Mattermost => "mattermost",
            Self::WebPush => "web_push",
        }
    }

    /// The true answer.
    pub(super) fn decide(self, ask: &Ask<'_>) -> Decision {
        let Ask { world, session, parts, body } = ask;
        match (self, session) {
            (Self::Apns(environment), Some(session)) => {
                apns::decide(world, session, environment, parts, body)
            }
            (Self::Apns(_), None) => Decision::wrong_version(),
            (Self::Fcm, _) => fcm::decide(world, parts, body),
            (Self::GoogleMetadata, _) => fcm::metadata(world, parts),
            (Self::Mattermost, _) => mattermost::decide(world, parts, body),
            (Self::WebPush, _) => webpush::decide(world, parts, body),
        }
    }

    /// The answer that a script asks for, in the service's own form.
    pub(super) fn told(self, parts: &Parts, status: u16, reason: Option<&str>) -> Decision {
        match self {
            Self::Apns(environment) => apns::told(parts, environment, status, reason),
            Self::Fcm | Self::GoogleMetadata => fcm::told(parts, status, reason),
            Self::Mattermost => mattermost::told(status, reason),
            Self::WebPush => webpush::told(parts, status, reason),
        }
    }

    /// The refusal that a script asks for, in the service's own words.
    pub(super) fn refuse(self, world: &World, parts: &Parts, refusal: Refusal) -> Decision {
        match self {
            Self::Apns(environment) => apns::refuse(parts, environment, refusal),
            Self::Fcm => fcm::refuse(world, parts, refusal),
            Self::GoogleMetadata => fcm::told(parts, fcm::metadata_status(refusal), None),
            Self::Mattermost => mattermost::refuse(refusal),
            Self::WebPush => webpush::refuse(world, parts, refusal),
        }
    }

    /// What the body holds for whom it was encrypted.
    pub(super) fn open(self, world: &World, parts: &Parts, body: &Body) -> Option<Opened> {
        match self {
            Self::WebPush => webpush::open(world, parts, body),
            Self::Apns(_) | Self::Fcm | Self::GoogleMetadata | Self::Mattermost => None,
        }
    }

    /// Bytes of a body that are looked at. The Mattermost proxy was seen to take 5 MB.
    pub(super) fn reads_at_most(self) -> usize {
        match self {
            Self::Mattermost => body::MAX_READ_UNLIMITED,
            Self::Apns(_) | Self::Fcm | Self::GoogleMetadata | Self::WebPush => body::MAX_READ,
        }
    }

    /// True where the body names the device, not the path.
    pub(super) fn names_token_in_body(self) -> bool {
        matches!(self, Self::Fcm | Self::Mattermost)
    }

    /// The device that the body names.
    pub(super) fn token_in(self, parts: &Parts, body: &Body) -> Option<String> {
        match self {
            Self::Apns(_) | Self::GoogleMetadata | Self::WebPush => None,
            Self::Fcm => fcm::token_in(parts, body),
            Self::Mattermost => mattermost::device_id_in(parts, body),
        }
    }
}
