//! Where a push goes by FCM.

use crate::push::RegistrationToken;

/// A target of FCM HTTP v1. It prints with its token cut short.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// The registration token of a device, or of a device group.
    Token(RegistrationToken),
    /// A Firebase installation id.
    InstallationId(String),
    /// A topic, without prefix.
    Topic(String),
    /// A boolean expression over topics.
    Condition(String),
}

impl Target {
    /// FCM takes smaller messages to topics than to devices.
    pub(super) fn is_of_topics(&self) -> bool {
        match self {
            Self::Token(_) | Self::InstallationId(_) => false,
            Self::Topic(_) | Self::Condition(_) => true,
        }
    }
}
