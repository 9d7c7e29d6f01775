//! The vendors of browsers, and what each of their push services says.

mod accepted;
mod apple;
mod google;
mod media_type;
mod microsoft;
mod mozilla;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(super) use accepted::AcceptedMessage;

use super::refusal::WebPushRefusal;
use crate::decision::Decision;
use media_type::TEXT;

const DAY_S: u64 = 24 * 60 * 60;

/// The vendor whose push service a subscription belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// Firefox, whose service is autopush.
    Mozilla,
    /// Chrome and most others, whose service is FCM.
    Google,
    /// Safari.
    Apple,
    /// Edge, whose service is WNS.
    Microsoft,
}

impl Vendor {
    /// Every vendor.
    pub const ALL: [Self; 4] = [Self::Mozilla, Self::Google, Self::Apple, Self::Microsoft];

    /// Returns the name of the vendor in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mozilla => "mozilla",
            Self::Google => "google",
            Self::Apple => "apple",
            Self::Microsoft => "microsoft",
        }
    }

    /// Returns the vendor whose paths have this form.
    pub(crate) fn of_path(path: &str) -> Self {
        if path.starts_with("/wpush/") {
            Self::Mozilla
        } else if path.starts_with("/fcm/send/") || path.starts_with("/wp/") {
            Self::Google
        } else if path.starts_with("/w/") {
            Self::Microsoft
        } else {
            Self::Apple
        }
    }

    /// Makes the path and query of a new subscription, in the form that browsers show.
    pub(super) fn path(self, random: &[u8; 96]) -> String {
        let text = URL_SAFE_NO_PAD.encode(random);
        let (short, long) = text.split_at(11);
        match self {
            Self::Mozilla => format!("/wpush/v2/gAAAAA{text}"),
            Self::Google => format!("/fcm/send/{short}:APA91b{long}"),
            Self::Apple => format!("/Q{text}"),
            // The token is percent-encoded base64, so whoever decodes it makes another token of it.
            Self::Microsoft => format!("/w/?token=BQYAAAC{short}%2b{long}%2f%3d%3d"),
        }
    }

    /// Returns for how many seconds a message is kept at most. Source: mozilla-services/autopush-rs; Apple, "Sending
    /// web push notifications in web apps and browsers". Google's number is that of FCM, "About FCM messages", and no
    /// page gives it for Web Push; WNS ends its channels after 30 days.
    pub(super) fn max_ttl(self) -> u64 {
        match self {
            Self::Mozilla | Self::Apple | Self::Microsoft => 30 * DAY_S,
            Self::Google => 28 * DAY_S,
        }
    }

    /// Whether a token without `sub` is refused. Source: mozilla-services/autopush-rs; Apple, "Sending web push
    /// notifications in web apps and browsers".
    pub(super) fn asks_for_subject(self) -> bool {
        match self {
            Self::Mozilla | Self::Apple => true,
            Self::Google | Self::Microsoft => false,
        }
    }

    pub(super) fn accept(self, accepted: &AcceptedMessage<'_>) -> Decision {
        match self {
            Self::Mozilla => mozilla::accept(accepted),
            Self::Google => google::accept(accepted),
            Self::Apple => apple::accept(),
            Self::Microsoft => microsoft::accept(accepted),
        }
    }

    pub(super) fn refuse(self, refusal: WebPushRefusal, now_ms: u64) -> Decision {
        let decision = match self {
            Self::Mozilla => mozilla::refuse(refusal),
            Self::Google => google::refuse(refusal),
            Self::Apple => apple::refuse(refusal),
            Self::Microsoft => microsoft::refuse(refusal),
        };
        match refusal.retry_after().header(now_ms) {
            Some(value) => decision.with_header("retry-after", value),
            None => decision,
        }
    }

    /// Returns the answer that a fault asks for. The reason of Mozilla is an errno.
    pub(super) fn scripted_answer(self, status: u16, reason: Option<&str>) -> Decision {
        let Some(reason) = reason else { return Decision::new(status, TEXT, "") };
        let reason = reason.to_owned();
        match self {
            Self::Mozilla => mozilla::error(status, reason.parse().unwrap_or(999), reason),
            Self::Google => Decision::new(status, TEXT, reason.clone()).with_reason(reason),
            Self::Apple => apple::error(status, reason),
            Self::Microsoft => microsoft::error(status, reason),
        }
    }
}
