//! Push types: what each adds to the topic, and what it allows.

use http::HeaderValue;

use crate::push::{Body, Priority, Reason, Refusal};

/// `apns-push-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushType<'a> {
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
    /// One that Apple added since.
    Unknown(&'a str),
}

impl<'a> PushType<'a> {
    /// The type that the body names, or that its content implies.
    pub(super) fn of(body: &'a Body, unknown: bool) -> Result<Self, Refusal> {
        const FIELD: &str = "content.apns.push_type";
        let apns = body.content.apns.as_ref();
        let named = apns.map_or("", |apns| apns.push_type.as_str());
        if named.is_empty() {
            return Ok(Self::implied(body));
        }
        if let Some(known) = Self::known(named) {
            return Ok(known);
        }
        let header = !named.is_empty() && named.len() <= 64 && named.bytes().all(|c| c.is_ascii_graphic());
        if unknown && header {
            return Ok(Self::Unknown(named));
        }
        let detail =
            "expected a push type that APNs documents (an app's unknown_push_types passes others on)";
        Err(Refusal::field(FIELD, Reason::FieldInvalid, detail))
    }

    /// Source: Apple, "Sending notification requests to APNs", on `apns-push-type`.
    fn known(name: &str) -> Option<Self> {
        Some(match name {
            "alert" => Self::Alert,
            "background" => Self::Background,
            "voip" => Self::Voip,
            "complication" => Self::Complication,
            "fileprovider" => Self::FileProvider,
            "mdm" => Self::Mdm,
            "location" => Self::Location,
            "liveactivity" => Self::LiveActivity,
            "pushtotalk" => Self::PushToTalk,
            "widgets" => Self::Widgets,
            "controls" => Self::Controls,
            _ => return None,
        })
    }

    fn implied(body: &Body) -> Self {
        let content = &body.content;
        let apns = content.apns.as_ref();
        if apns.is_some_and(|apns| apns.live_activity.is_some()) {
            return Self::LiveActivity;
        }
        // What a raw payload shows is not looked at.
        let raw = apns.is_some_and(|apns| !apns.payload_json.is_empty());
        let sounds = apns.is_some_and(|apns| apns.critical_sound.is_some());
        let shows = content.notification.as_ref().is_some_and(|it| it.shows());
        if raw || sounds || shows { Self::Alert } else { Self::Background }
    }

    pub(super) fn name(self) -> &'a str {
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
            Self::Unknown(name) => name,
        }
    }

    pub(super) fn header(self) -> Option<HeaderValue> {
        HeaderValue::from_str(self.name()).ok()
    }

    /// What follows the bundle id in `apns-topic`. Source: the same; for Live Activities Apple, "Starting and
    /// updating Live Activities with ActivityKit push notifications", which has the leading dot that the other
    /// page lacks.
    pub(super) fn topic_suffix(self) -> &'static str {
        match self {
            Self::Voip => ".voip",
            Self::Complication => ".complication",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::Location => ".location-query",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::PushToTalk => ".voip-ptt",
            Self::Widgets => ".push-type.widgets",
            Self::Controls => ".push-type.controls",
            Self::Alert | Self::Background | Self::Mdm | Self::Unknown(_) => "",
        }
    }

    /// `apns-priority`: 10 now, 5 as power allows, 1 never wakes. Source: the same.
    ///
    /// # Errors
    /// Background pushes are always 5.
    pub(super) fn priority(self, asked: Option<Priority>) -> Result<HeaderValue, Refusal> {
        let priority = match asked {
            Some(Priority::High) if self == Self::Background => {
                let detail = "expected NORMAL or LOW for a background push, found HIGH, which APNs refuses";
                return Err(Refusal::field("options.priority", Reason::FieldInvalid, detail));
            }
            None if self == Self::Background => Priority::Normal,
            None => Priority::High,
            Some(priority) => priority,
        };
        Ok(HeaderValue::from_static(match priority {
            Priority::High => "10",
            Priority::Normal => "5",
            Priority::Low => "1",
        }))
    }
}
