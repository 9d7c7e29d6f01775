//! Signatures of requests, by which a receiver knows that they are the gateway's.
//!
//! Source: Standard Webhooks specification 1.0.0, "Symmetric signatures" (github.com/standard-webhooks/standard-webhooks).

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};

/// What a secret begins with. Source: the specification, "Signature scheme".
const PREFIX: &str = "whsec_";

/// How many bytes a secret has. Source: the same.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret that the gateway shares with a receiver. It prints as a digest.
#[derive(Clone)]
pub struct SigningSecret(SecretSlice<u8>);

/// A text that is no secret. The error does not say which text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected whsec_ and then 24 to 64 bytes in base64, found something else")]
pub struct InvalidSecret;

impl SigningSecret {
    /// Reads a secret in the form that the specification gives it.
    ///
    /// # Errors
    /// Fails if it has another form, or is too short or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).ok_or(InvalidSecret)?);
        let bytes = bytes.ok().filter(|bytes| BYTES.contains(&bytes.len())).ok_or(InvalidSecret)?;
        Ok(Self(bytes.into()))
    }

    /// The signature of a message, which is sent at this moment.
    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.expose_secret());
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{timestamp}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

/// The value of `webhook-signature`: a signature by each secret.
pub(super) fn signatures(secrets: &[SigningSecret], id: &str, timestamp: u64, body: &[u8]) -> String {
    let signatures: Vec<_> = secrets.iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    signatures.join(" ")
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Sha256::digest(self.0.expose_secret());
        write!(
            f,
            "SigningSecret(sha256 {:02x}{:02x}{:02x}{:02x}…)",
            digest[0], digest[1], digest[2], digest[3]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_specification_shows_it() {
        // Source: the tests of its reference libraries, libraries/python/tests/test_webhooks.py.
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let signed = |secrets: &[SigningSecret]| {
            signatures(secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
        };
        assert_eq!(signed(std::slice::from_ref(&secret)), expected);
        let other = SigningSecret::parse(&format!("whsec_{}", STANDARD.encode([7; 24]))).unwrap();
        let both = signed(&[other.clone(), secret.clone()]);
        assert!(both.ends_with(&format!(" {expected}")) && both.matches("v1,").count() == 2, "{both}");
        assert_ne!(format!("{secret:?}"), format!("{other:?}"));
    }

    #[test]
    fn a_secret_has_its_prefix_and_its_length() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        for (text, is_good) in [
            (of(24), true),
            (of(64), true),
            (of(23), false),
            (of(65), false),
            (of(32).replace("whsec_", ""), false),
            ("whsec_!".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(SigningSecret::parse(&text).is_ok(), is_good, "{text}");
        }
    }
}
