//! Reads a browser's subscription, as `PushSubscription.toJSON()` gives it.

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::proto::WebPushSubscription;

/// The length of a browser's public key. Source: RFC 8291, section 3.1.
const P256DH_BYTES: usize = 65;

/// The length of a browser's authentication secret. Source: RFC 8291, section 3.2.
const AUTH_BYTES: usize = 16;

/// The JSON of a subscription. Its `expirationTime`, and members that pages add, are ignored. Source: W3C, "Push API",
/// `PushSubscriptionJSON`.
#[derive(Debug, Deserialize)]
pub(super) struct Subscription {
    pub(super) endpoint: String,
    pub(super) keys: Keys,
}

#[derive(Debug, Deserialize)]
pub(super) struct Keys {
    pub(super) p256dh: String,
    pub(super) auth: String,
}

/// Reads the JSON of a subscription. The endpoint is not checked, because the gateway decides where it may lead.
pub(super) fn parse(json: &str) -> anyhow::Result<WebPushSubscription> {
    read(serde_json::from_str(json)?)
}

/// Decodes the keys of a subscription.
pub(super) fn read(subscription: Subscription) -> anyhow::Result<WebPushSubscription> {
    let Subscription { endpoint, keys } = subscription;
    Ok(WebPushSubscription {
        endpoint,
        p256dh: bytes("keys.p256dh", &keys.p256dh, P256DH_BYTES)?,
        auth: bytes("keys.auth", &keys.auth, AUTH_BYTES)?,
    })
}

/// Decodes a key. Browsers write base64url without padding. Pages that encode the keys themselves use `btoa`, which writes
/// base64 with padding.
fn bytes(member: &str, text: &str, expected: usize) -> anyhow::Result<Vec<u8>> {
    let url_safe = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    let bytes = URL_SAFE_NO_PAD
        .decode(url_safe)
        .with_context(|| format!("{member}: expected {expected} bytes in base64url"))?;
    let found = bytes.len();
    ensure!(found == expected, "{member}: expected {expected} bytes in base64url, found {found} bytes");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: RFC 8291, section 5 and appendix A.
    const P256DH: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn json(p256dh: &str, auth: &str) -> String {
        format!(
            r#"{{"endpoint":"https://push.example/%2F?a=b","expirationTime":null,"keys":{{"p256dh":"{p256dh}","auth":"{auth}"}}}}"#
        )
    }

    #[test]
    fn what_browsers_and_pages_write_is_read() {
        let url_safe = parse(&json(P256DH, AUTH)).unwrap();
        assert_eq!(url_safe.endpoint, "https://push.example/%2F?a=b");
        assert_eq!((url_safe.p256dh.len(), url_safe.p256dh[0], url_safe.auth.len()), (65, 4, 16));
        let btoa = |text: &str| text.replace('-', "+").replace('_', "/");
        let padded = json(&format!("{}=", btoa(P256DH)), &format!("{}==", btoa(AUTH)));
        assert_eq!(parse(&padded).unwrap(), url_safe);
    }

    #[test]
    fn each_error_says_why_the_json_is_no_subscription() {
        for (json, expected) in [
            ("{}".to_owned(), "missing field `endpoint`"),
            (r#"{"endpoint":"https://push.example/"}"#.to_owned(), "missing field `keys`"),
            (
                r#"{"endpoint":"https://push.example/","keys":{"auth":""}}"#.to_owned(),
                "missing field `p256dh`",
            ),
            (json(P256DH, "b?d"), "keys.auth: expected 16 bytes in base64url"),
            (json(P256DH, P256DH), "keys.auth: expected 16 bytes in base64url, found 65 bytes"),
            (json("", AUTH), "keys.p256dh: expected 65 bytes in base64url, found 0 bytes"),
            ("https://push.example/".to_owned(), "expected value at line 1"),
            (json(P256DH, AUTH) + "x", "trailing characters"),
        ] {
            let error = parse(&json).unwrap_err();
            assert!(error.to_string().contains(expected), "{json}: {error:#}");
        }
    }
}
