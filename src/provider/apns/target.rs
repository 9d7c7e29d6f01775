//! Where a push goes by APNs.

use crate::push::{ApnsEnvironment, DeviceToken};

/// A target of APNs. It prints with its token cut short.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// One device.
    Device(Device),
    /// Every device that subscribed to a broadcast channel.
    Channel(Channel),
}

/// A device that APNs knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Device {
    /// Its device token.
    pub token: DeviceToken,
    /// The environment that the token belongs to. Where it is absent, the app's environment is meant.
    pub environment: Option<ApnsEnvironment>,
    /// The bundle id without suffix. Where it is absent, the app's first topic is meant.
    pub topic: Option<String>,
}

/// A broadcast channel of APNs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Channel {
    /// The channel id, in base64.
    pub channel_id: String,
    /// The environment that the channel was created in. Where it is absent, the app's environment is meant.
    pub environment: Option<ApnsEnvironment>,
    /// The bundle id without suffix. Where it is absent, the app's first topic is meant.
    pub topic: Option<String>,
}

impl Target {
    /// The environment that the target names by itself.
    pub(super) fn environment(&self) -> Option<ApnsEnvironment> {
        match self {
            Self::Device(device) => device.environment,
            Self::Channel(channel) => channel.environment,
        }
    }
}
