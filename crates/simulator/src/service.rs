//! The services that the simulator stands for.

use serde::{Deserialize, Serialize};

/// One of the two environments of APNs. They accept different device tokens, and a key may be for one of them alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// The environment of apps from the store.
    Production,
    /// The environment of apps in development.
    Sandbox,
}

/// The service that stands behind a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum Service {
    /// APNs, over HTTP/2.
    Apns(Environment),
    /// FCM HTTP v1 with Google's token endpoint and the topics of Instance ID, over HTTP/2 and HTTP/1.1.
    Fcm,
    /// The metadata server of a machine at Google, over HTTP/1.1 without TLS.
    GoogleMetadata,
    /// The Mattermost push proxy, over HTTP/1.1.
    Mattermost,
    /// The push services of browsers, over HTTP/2 and HTTP/1.1.
    WebPush,
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
    /// Every service, in the order of the documentation.
    pub const ALL: [Self; 6] = [
        Self::Apns(Environment::Production),
        Self::Apns(Environment::Sandbox),
        Self::Fcm,
        Self::GoogleMetadata,
        Self::Mattermost,
        Self::WebPush,
    ];

    /// Returns the name of the service in the JSON of the control API.
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
}
