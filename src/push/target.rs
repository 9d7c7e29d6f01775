//! Where a push goes.

use std::fmt;

use super::invalid::{InvalidValue, first_other, visible_ascii};
use super::outcome::ProviderKind;
use super::shortened::Shortened;

/// Where a push goes. Addresses print cut short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A device, by APNs.
    Apns(ApnsDevice),
    /// A broadcast channel, by APNs.
    ApnsChannel(ApnsChannel),
    /// A device, topic or condition, by FCM.
    Fcm(FcmTarget),
    /// A browser, by Web Push.
    WebPush(Subscription),
    /// A device, by a Mattermost push proxy.
    Mattermost(MattermostDevice),
}

impl Target {
    /// Who carries a push to it.
    #[must_use]
    pub fn provider(&self) -> ProviderKind {
        match self {
            Self::Apns(_) | Self::ApnsChannel(_) => ProviderKind::Apns,
            Self::Fcm(_) => ProviderKind::Fcm,
            Self::WebPush(_) => ProviderKind::WebPush,
            Self::Mattermost(_) => ProviderKind::Mattermost,
        }
    }
}

/// The two worlds of APNs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApnsEnvironment {
    /// App Store and TestFlight builds.
    Production,
    /// Development builds.
    Sandbox,
}

/// A device that APNs knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApnsDevice {
    /// Its device token.
    pub token: DeviceToken,
    /// Absent: the app's environment.
    pub environment: Option<ApnsEnvironment>,
    /// The bundle id without suffix. Absent: the app's first topic.
    pub topic: Option<String>,
}

/// A broadcast channel of APNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApnsChannel {
    /// The channel id, in base64.
    pub channel_id: String,
    /// Absent: the app's environment.
    pub environment: Option<ApnsEnvironment>,
    /// The bundle id without suffix. Absent: the app's first topic.
    pub topic: Option<String>,
}

/// A target of FCM HTTP v1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FcmTarget {
    /// A registration token or device group.
    Token(RegistrationToken),
    /// A Firebase installation id.
    InstallationId(String),
    /// A topic, without prefix.
    Topic(String),
    /// A boolean expression over topics.
    Condition(String),
}

/// What a browser's `PushManager` gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The endpoint URL, byte for byte.
    pub endpoint: String,
    /// The browser's public key.
    pub p256dh: Vec<u8>,
    /// The authentication secret.
    pub auth: Vec<u8>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", Shortened(&self.endpoint))
    }
}

/// A device behind a Mattermost push proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MattermostDevice {
    /// `apple`, `android_rn-v2` and so on: what precedes the first colon.
    pub platform: String,
    /// What follows it.
    pub token: RegistrationToken,
    /// Absent: the app's configured one.
    pub server_id: Option<String>,
}

/// A device token of APNs in hexadecimal. Prints cut short.
///
/// Apple says not to assume a length. Source: Apple, "Sending notification requests to APNs".
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DeviceToken(String);

impl DeviceToken {
    /// The most hexadecimal digits taken.
    pub const MAX_DIGITS: usize = 512;

    /// # Errors
    /// Where it is empty, too long, odd, or not hexadecimal.
    pub fn parse(token: String) -> Result<Self, InvalidValue> {
        let expected =
            || format!("a device token of 2 to {} hexadecimal digits, an even number", Self::MAX_DIGITS);
        if token.is_empty() {
            return Err(InvalidValue::required(expected()));
        }
        if token.len() > Self::MAX_DIGITS {
            return Err(InvalidValue::too_large(expected(), format!("{} bytes", token.len())));
        }
        if let Some((at, c)) = first_other(&token, u8::is_ascii_hexdigit) {
            return Err(InvalidValue::invalid(expected(), format!("{c:?} at byte {at}")));
        }
        if !token.len().is_multiple_of(2) {
            return Err(InvalidValue::invalid(expected(), format!("{} digits", token.len())));
        }
        Ok(Self(token))
    }

    /// The digits, as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A registration token of FCM, or a token behind a push proxy. Prints cut short.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RegistrationToken(String);

impl RegistrationToken {
    /// The longest token taken, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// # Errors
    /// Where it is empty, too long, or not visible ASCII.
    pub fn parse(token: String) -> Result<Self, InvalidValue> {
        visible_ascii("a registration token", &token, Self::MAX_BYTES)?;
        Ok(Self(token))
    }

    /// The token, as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! prints_cut_short {
    ($($type:ident),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Shortened(&self.0).fmt(f)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), Shortened(&self.0))
            }
        }
    )*};
}

prints_cut_short!(DeviceToken, RegistrationToken);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::Reason;

    #[test]
    fn device_tokens_are_hexadecimal_of_any_even_length() {
        for good in ["ab", "AB12", &"0".repeat(512)] {
            assert!(DeviceToken::parse(good.into()).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("", Reason::FieldRequired),
            ("abc", Reason::FieldInvalid),
            ("zz", Reason::FieldInvalid),
            ("aé", Reason::FieldInvalid),
            (&"0".repeat(514), Reason::FieldTooLarge),
        ] {
            assert_eq!(DeviceToken::parse(bad.into()).unwrap_err().reason, reason, "{bad}");
        }
    }

    #[test]
    fn a_token_never_prints_whole() {
        let token = "0123456789abcdef0123456789abcdef";
        let parsed = DeviceToken::parse(token.into()).unwrap();
        assert_eq!(format!("{parsed} {parsed:?}"), "01234567… DeviceToken(01234567…)");
    }
}
