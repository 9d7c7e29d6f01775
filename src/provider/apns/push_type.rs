//! Push types: their names, and what each does to topic, size and priority.

use super::{MAX_PAYLOAD_BYTES, MAX_VOIP_PAYLOAD_BYTES};
use crate::push::Priority;

/// The value of `apns-push-type`.
///
/// Source: Apple, "Sending notification requests to APNs".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushType {
    Alert,
    Background,
    Voip,
    Complication,
    FileProvider,
    Mdm,
    Location,
    LiveActivity,
    PushToTalk,
    Widgets,
    Controls,
    /// A type that is newer than the gateway. It is sent as the caller names it.
    Unknown,
}

impl PushType {
    /// The push types that Apple names.
    pub(super) const KNOWN: [Self; 11] = [
        Self::Alert,
        Self::Background,
        Self::Voip,
        Self::Complication,
        Self::FileProvider,
        Self::Mdm,
        Self::Location,
        Self::LiveActivity,
        Self::PushToTalk,
        Self::Widgets,
        Self::Controls,
    ];

    /// The known push type of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::KNOWN.into_iter().find(|known| known.name() == name)
    }

    /// Its name on the wire. It is empty for a type that only the caller knows.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::Voip => "voip",
            Self::Complication => "complication",
            Self::FileProvider => "fileprovider",
            Self::Mdm => "mdm",
            Self::Location => "location",
            Self::LiveActivity => "liveactivity",
            Self::PushToTalk => "pushtotalk",
            Self::Widgets => "widgets",
            Self::Controls => "controls",
            Self::Unknown => "",
        }
    }

    /// What follows the bundle id in `apns-topic`. For `mdm` nothing does, because its topic is not a bundle id.
    ///
    /// Source: Apple, "Sending notification requests to APNs"; `liveactivity` as in Apple, "Starting
    /// and updating Live Activities with ActivityKit push notifications".
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Alert | Self::Background | Self::Mdm | Self::Unknown => "",
            Self::Voip => ".voip",
            Self::Complication => ".complication",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::Location => ".location-query",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::PushToTalk => ".voip-ptt",
            Self::Widgets => ".push-type.widgets",
            Self::Controls => ".push-type.controls",
        }
    }

    /// The largest payload to a device, in bytes of JSON.
    pub(super) fn max_payload_bytes(self) -> usize {
        if self == Self::Voip { MAX_VOIP_PAYLOAD_BYTES } else { MAX_PAYLOAD_BYTES }
    }

    /// The priority of a push that asks for none. It is high where something is shown, and otherwise normal.
    ///
    /// A call, a talk burst and a Live Activity are shown by the app itself, whatever `aps` says.
    pub(super) fn default_priority(self, shows: bool) -> Priority {
        match self {
            Self::Background => Priority::Normal,
            Self::Voip | Self::PushToTalk | Self::LiveActivity => Priority::High,
            Self::Alert
            | Self::Complication
            | Self::FileProvider
            | Self::Mdm
            | Self::Location
            | Self::Widgets
            | Self::Controls
            | Self::Unknown => {
                if shows {
                    Priority::High
                } else {
                    Priority::Normal
                }
            }
        }
    }
}

/// The names of the push types that Apple names.
pub(crate) fn known_push_types() -> impl Iterator<Item = &'static str> {
    PushType::KNOWN.into_iter().map(PushType::name)
}
