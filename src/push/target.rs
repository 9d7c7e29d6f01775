//! Parts of targets that more than one module names: the tokens of devices, and the environments of APNs.

use std::borrow::Cow;
use std::fmt;

use super::invalid::first_other;
use super::{InvalidValue, Shortened};

/// Whom a push reaches. A topic or a channel may have millions of subscribers, so a caller is permitted to use it apart
/// from devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience<'a> {
    /// One device, or one browser.
    Device,
    /// Those who subscribed to a topic of FCM.
    Topic(&'a str),
    /// Those whose subscriptions fulfil a condition over topics of FCM.
    Condition(&'a str),
    /// Those who subscribed to a broadcast channel of APNs.
    Broadcast(&'a str),
}

/// A target as somebody is told of it who has to find it again. It is whole, so it does not print.
pub struct ToldTarget<'a> {
    /// The field of the contract that it stood in, as a path from the push.
    pub field: &'static str,
    /// What stood there.
    pub text: Cow<'a, str>,
}

impl<'a> ToldTarget<'a> {
    /// A target that stood in this field.
    #[must_use]
    pub fn of(field: &'static str, text: &'a str) -> Self {
        Self { field, text: Cow::Borrowed(text) }
    }
}

/// APNs runs two environments, which do not know each other's device tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApnsEnvironment {
    /// The environment of App Store and TestFlight builds.
    Production,
    /// The environment of development builds.
    Sandbox,
}

/// A device token of APNs in hexadecimal. It prints cut short.
///
/// Its length is not fixed: Apple says not to assume one. Source: Apple, "Sending notification requests to APNs".
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DeviceToken(String);

impl DeviceToken {
    /// The most hexadecimal digits that are taken. The number is the gateway's own.
    pub(crate) const MAX_DIGITS: usize = 512;

    /// # Errors
    /// Fails if it is empty, too long, odd, or not hexadecimal.
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
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A registration token of FCM, or a token behind a push proxy. It prints cut short.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RegistrationToken(String);

impl RegistrationToken {
    /// The longest token that is taken, in bytes. The number is the gateway's own.
    pub(crate) const MAX_BYTES: usize = 4096;

    /// # Errors
    /// Fails if it is empty, too long, or not visible ASCII.
    pub fn parse(token: String) -> Result<Self, InvalidValue> {
        super::visible_ascii("a registration token", &token, Self::MAX_BYTES)?;
        Ok(Self(token))
    }

    /// The token, as given.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
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
