//! Checks who sends: the application server signs a token for the origin of the push service. Source: RFC 8292.

use std::collections::HashSet;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::decrypt::PUBLIC_KEY_LEN;
use super::refusal::{VapidFault, WebPushRefusal};
use crate::error::SimulatorError;
use crate::jwt;
use crate::sync::lock;

/// A token may be good for a day at most. Source: RFC 8292, 2.
const MAX_AHEAD_S: u64 = 24 * 60 * 60;

/// How many checked tokens are remembered. Beyond that the memory starts anew.
const MAX_REMEMBERED: usize = 4096;

/// The key of an application server, as its owner holds it.
#[derive(Clone, Debug)]
pub struct VapidKey {
    /// The private key as PKCS#8 PEM.
    pub private_key_pem: String,
    /// The public key in the form of an `applicationServerKey`: base64url of an uncompressed point.
    pub public_key: String,
}

impl VapidKey {
    pub(super) fn new() -> Result<Self, SimulatorError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let public_key = URL_SAFE_NO_PAD.encode(pair.public_key_raw());
        Ok(Self { private_key_pem: pair.serialize_pem(), public_key })
    }

    /// Makes an `Authorization` header for the push service at `audience`, which is good until `expires_s`, in seconds
    /// since the epoch.
    ///
    /// # Errors
    ///
    /// It fails when the private key was changed into something else.
    pub fn authorization(
        &self,
        audience: &str,
        expires_s: u64,
        subject: Option<&str>,
    ) -> Result<String, SimulatorError> {
        let mut claims = json!({ "aud": audience, "exp": expires_s });
        if let Some(subject) = subject {
            claims["sub"] = subject.into();
        }
        let key = EncodingKey::from_ec_pem(self.private_key_pem.as_bytes())?;
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key)?;
        Ok(format!("vapid t={token}, k={}", self.public_key))
    }
}

/// What a request is checked against.
pub(super) struct ExpectedSender<'a> {
    /// The origin of the push service. `aud` must be the same without the default port. Source: RFC 6454, 6.2.
    pub(super) origin: &'a str,
    /// The key that the subscription was made with, or `None` where anybody may send.
    pub(super) key: Option<&'a [u8]>,
    /// Whether the vendor insists on `sub`, which the RFC leaves open.
    pub(super) subject: bool,
    pub(super) now_s: u64,
}

/// The tokens whose signatures were checked so far: checking one for every message would cost more than the message.
#[derive(Default)]
pub(super) struct VapidTokens(Mutex<HashSet<[u8; 32]>>);

/// A request whose sender is known.
pub(super) struct Sender {
    /// The public key. It is `None` for a request that proves nothing where nothing is asked.
    pub(super) key: Option<Vec<u8>>,
    /// Whether its token was never seen before.
    pub(super) new: bool,
}

impl VapidTokens {
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        expected: &ExpectedSender<'_>,
    ) -> Result<Sender, WebPushRefusal> {
        let refused = WebPushRefusal::Vapid;
        let Some(header) = headers.get("authorization") else {
            return match expected.key {
                Some(_) => Err(refused(VapidFault::Missing)),
                None => Ok(Sender { key: None, new: false }),
            };
        };
        let (token, key) = parse(header).ok_or(refused(VapidFault::Malformed))?;
        let key = match URL_SAFE_NO_PAD.decode(key) {
            Ok(key) if key.len() == PUBLIC_KEY_LEN && key.first() == Some(&4) => key,
            Ok(_) | Err(_) => return Err(refused(VapidFault::PublicKey)),
        };
        let new = self.verify(header, token, &key)?;
        judge(token, expected).map_err(refused)?;
        if expected.key.is_some_and(|own| own != key) {
            return Err(WebPushRefusal::KeyMismatch);
        }
        Ok(Sender { key: Some(key), new })
    }

    /// Checks the signature. The result is true for a token that was never seen before.
    fn verify(&self, header: &HeaderValue, token: &str, key: &[u8]) -> Result<bool, WebPushRefusal> {
        let fingerprint = Sha256::digest(header).into();
        if lock(&self.0).contains(&fingerprint) {
            return Ok(false);
        }
        let refused = WebPushRefusal::Vapid;
        let (message, signature) = token.rsplit_once('.').ok_or(refused(VapidFault::Malformed))?;
        let key = DecodingKey::from_ec_der(key);
        let good = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::ES256);
        if !good.unwrap_or(false) {
            return Err(refused(VapidFault::Signature));
        }
        let mut remembered = lock(&self.0);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        Ok(remembered.insert(fingerprint))
    }
}

/// Reads `t` and `k` of `vapid t=…, k=…`, in any order.
fn parse(header: &HeaderValue) -> Option<(&str, &str)> {
    let (scheme, parameters) = header.to_str().ok()?.split_once(' ')?;
    let (mut token, mut key) = (None, None);
    for parameter in parameters.split(',') {
        let (name, value) = parameter.trim().split_once('=')?;
        match name {
            "t" => token = Some(value),
            "k" => key = Some(value),
            // Unknown parameters are ignored. Source: RFC 9110, 11.2.
            _ => {}
        }
    }
    Some((token?, key?)).filter(|_| scheme.eq_ignore_ascii_case("vapid"))
}

/// Judges what a token says. Its signature has been checked.
fn judge(token: &str, expected: &ExpectedSender<'_>) -> Result<(), VapidFault> {
    let mut parts = token.split('.').map(decode::<Map<String, Value>>);
    let (Some(Some(header)), Some(Some(claims))) = (parts.next(), parts.next()) else {
        return Err(VapidFault::Malformed);
    };
    let text = |name| claims.get(name).and_then(Value::as_str);
    if header.get("alg").and_then(Value::as_str) != Some("ES256") {
        return Err(VapidFault::Malformed);
    }
    if text("aud") != Some(expected.origin.strip_suffix(":443").unwrap_or(expected.origin)) {
        return Err(VapidFault::Audience);
    }
    let expires = claims.get("exp").and_then(Value::as_f64).and_then(jwt::whole_seconds).unwrap_or(0);
    if expires <= expected.now_s {
        return Err(VapidFault::Expired);
    }
    if expires > expected.now_s.saturating_add(MAX_AHEAD_S) {
        return Err(VapidFault::TooFarAhead);
    }
    let contact = |subject: &str| {
        ["mailto:", "https:"].iter().any(|scheme| subject.len() > scheme.len() && subject.starts_with(scheme))
    };
    let good = match claims.get("sub") {
        Some(_) => text("sub").is_some_and(contact),
        None => !expected.subject,
    };
    if good { Ok(()) } else { Err(VapidFault::Subject) }
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Source: RFC 8292, 2.4.
    const EXAMPLE: &str = "vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
    const EXPIRES_S: u64 = 1_453_523_768;

    fn check(header: &str, origin: &str, now_s: u64) -> Result<Sender, WebPushRefusal> {
        let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, header.parse().unwrap())]);
        VapidTokens::default().check(&headers, &ExpectedSender { origin, key: None, subject: true, now_s })
    }

    #[test]
    fn the_token_of_the_rfc_is_good_there_and_then() {
        let fault = |origin, now_s| match check(EXAMPLE, origin, now_s) {
            Ok(sender) => {
                assert_eq!(sender.key.unwrap().len(), PUBLIC_KEY_LEN);
                None
            }
            Err(WebPushRefusal::Vapid(fault)) => Some(fault),
            Err(other) => panic!("{other:?}"),
        };
        let origin = "https://push.example.net";
        assert_eq!(fault(origin, EXPIRES_S - 1), None);
        assert_eq!(
            fault("https://push.example.net:443", EXPIRES_S - 1),
            None,
            "the default port is no part of it"
        );
        assert_eq!(fault("https://push.example.net:8443", EXPIRES_S - 1), Some(VapidFault::Audience));
        assert_eq!(fault(origin, EXPIRES_S), Some(VapidFault::Expired));
        assert_eq!(fault(origin, EXPIRES_S - MAX_AHEAD_S), None);
        assert_eq!(fault(origin, EXPIRES_S - MAX_AHEAD_S - 1), Some(VapidFault::TooFarAhead));
        assert_eq!(fault("https://push.example.net/", EXPIRES_S - 1), Some(VapidFault::Audience));
    }

    #[test]
    fn another_key_or_scheme_is_noticed() {
        let origin = "https://push.example.net";
        let other = VapidKey::new().unwrap().public_key;
        let (token, _) = EXAMPLE.split_once(", k=").unwrap();
        for (header, expected) in [
            (format!("{token}, k={other}"), VapidFault::Signature),
            (format!("{token}, k={}", &other[1..]), VapidFault::PublicKey),
            (EXAMPLE.replace("vapid ", "WebPush "), VapidFault::Malformed),
            (token.to_owned(), VapidFault::Malformed),
        ] {
            let refused = check(&header, origin, EXPIRES_S - 1).err();
            assert_eq!(refused, Some(WebPushRefusal::Vapid(expected)), "{header}");
        }
        assert!(check(&EXAMPLE.replace("vapid ", "VAPID  "), origin, EXPIRES_S - 1).is_ok());
    }
}
