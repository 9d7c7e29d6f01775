//! Where a push goes, by the pushkey of its device.
//!
//! What can be no address is the push's own fault, and nothing that the guard of targets hears of: whoever is on the internet
//! may make up pushkeys, and so many of them would keep the devices of others from being deleted.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::apps::{Dialect, WebPushDialect};
use super::request::Device;
use crate::desk::TargetDraft;
use crate::provider::{apns, fcm, webpush};
use crate::push::{DeviceToken, Reason, Refusal, RegistrationToken};

/// The longest endpoint of a subscription, in bytes, as in the contract.
const MAX_ENDPOINT_BYTES: usize = 2048;

/// A pushkey of hexadecimal digits alone is no base64 where it has so many of them, as every device token of APNs has.
const LEAST_HEX_DIGITS: usize = 64;

const BASE64: GeneralPurpose = base64(&alphabet::STANDARD);
const BASE64_URL: GeneralPurpose = base64(&alphabet::URL_SAFE);

const fn base64(alphabet: &alphabet::Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

/// The target of a device; none where the operator does not allow its push service.
pub(super) fn target(device: &Device, dialect: &Dialect) -> Option<TargetDraft> {
    Some(match dialect {
        Dialect::Apns(dialect) => TargetDraft::Apns(
            with_object(device).and_then(|()| device_token(&device.pushkey, dialect.converts_to_hex)),
        ),
        Dialect::Fcm(_) => {
            TargetDraft::Fcm(with_object(device).and_then(|()| registration_token(&device.pushkey)))
        }
        Dialect::WebPush(dialect) => {
            if !dialect.allows(device) {
                return None;
            }
            TargetDraft::WebPush(subscription(device))
        }
    })
}

fn with_object(device: &Device) -> Result<(), Refusal> {
    match device.data.get("default_payload") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(wrong("content", "expected an object in data.default_payload, found something else")),
    }
}

fn device_token(pushkey: &str, converts: bool) -> Result<apns::Target, Refusal> {
    const FIELD: &str = "target.apns.token";
    let is_hex = pushkey.len() >= LEAST_HEX_DIGITS && pushkey.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = if is_hex || !converts {
        pushkey.to_owned()
    } else {
        let bytes = decoded(pushkey).ok_or_else(|| {
            wrong(FIELD, "expected a pushkey in base64 or hexadecimal, found something else")
        })?;
        hexadecimal(&bytes)
    };
    let token = DeviceToken::parse(digits).map_err(|error| Refusal::value(FIELD, &error))?;
    Ok(apns::Target::Device(apns::Device { token, environment: None, topic: None }))
}

fn registration_token(pushkey: &str) -> Result<fcm::Target, Refusal> {
    let token = RegistrationToken::parse(pushkey.to_owned());
    token.map(fcm::Target::Token).map_err(|error| Refusal::value("target.fcm.registration_token", &error))
}

fn subscription(device: &Device) -> Result<webpush::Subscription, Refusal> {
    let endpoint = device.text("endpoint").filter(|endpoint| endpoint.len() <= MAX_ENDPOINT_BYTES);
    let endpoint = endpoint.ok_or_else(|| {
        wrong("target.web_push.endpoint", "expected a URL in data.endpoint, found none that can be one")
    })?;
    let key = |field, text: Option<&str>, length, expected: &str| {
        let bytes = text.and_then(decoded).filter(|bytes| bytes.len() == length);
        bytes.ok_or_else(|| wrong(field, expected))
    };
    let p256dh = "expected the browser's public key of 65 bytes as the pushkey, in base64";
    let auth = "expected a secret of 16 bytes in data.auth, in base64";
    Ok(webpush::Subscription {
        endpoint: endpoint.to_owned(),
        p256dh: key("target.web_push.p256dh", Some(&device.pushkey), 65, p256dh)?,
        auth: key("target.web_push.auth", device.text("auth"), 16, auth)?,
    })
}

impl WebPushDialect {
    /// Whether the operator allows the push service of a device.
    fn allows(&self, device: &Device) -> bool {
        if self.allowed_endpoints.is_empty() {
            return true;
        }
        // Who has no endpoint is refused for that.
        let Some(endpoint) = device.text("endpoint") else { return true };
        let Ok(endpoint) = endpoint.parse::<http::Uri>() else { return false };
        let host = endpoint.authority().map(|authority| authority.as_str().to_ascii_lowercase());
        host.is_some_and(|host| self.allowed_endpoints.iter().any(|glob| glob.matches(&host)))
    }
}

/// Base64 in either alphabet, padded or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).or_else(|_| BASE64_URL.decode(text)).ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

fn wrong(field: &'static str, detail: &str) -> Refusal {
    Refusal::field(field, Reason::FieldInvalid, detail)
}
