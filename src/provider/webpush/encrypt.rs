//! Encryption for one browser: one record of the content coding `aes128gcm`.
//!
//! Source: RFC 8291, and RFC 8188 for the coding.
//!
//! Mozilla's `ece` crate, which the tests decrypt with, is not used for two reasons. Its `encrypt` pads to multiples of
//! 128 bytes and goes on in a second record, so a payload of 3,968 to 3,993 bytes would exceed the limit of 4,096.
//! And it takes neither key nor salt, so a test could not show that the vectors of the RFC come out.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, PrivateKey, UnparsedPublicKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;

use super::Subscription;
use crate::provider::bug;
use crate::push::{Outcome, Reason, Refusal};

/// The length of an uncompressed point on P-256. Source: RFC 8291, section 3.1.
const PUBLIC_KEY_BYTES: usize = 65;
/// The length of the authentication secret. Source: RFC 8291, section 3.2.
const AUTH_SECRET_BYTES: usize = 16;
/// The length of the salt. Source: RFC 8188, section 2.1.
const SALT_BYTES: usize = 16;
/// The field `rs` of the header, which is larger than any record becomes. Source: RFC 8291, section 4.
const RECORD_SIZE: u32 = 4096;
/// The delimiter that follows the payload in the last record. Source: RFC 8188, section 2.
const LAST_RECORD: u8 = 2;

/// What is drawn at random for each message: a key pair and a salt. It is never used twice.
#[derive(Debug)]
pub(super) struct Ephemeral(Result<Drawn, Unspecified>);

#[derive(Debug)]
struct Drawn {
    key: PrivateKey,
    salt: [u8; SALT_BYTES],
}

impl Ephemeral {
    /// Draws a fresh key pair and salt. Where the system has no randomness to give, encryption fails.
    pub(super) fn draw() -> Self {
        let drawn = || {
            let mut salt = [0; SALT_BYTES];
            rand::fill(&mut salt)?;
            Ok(Drawn { key: PrivateKey::generate(&ECDH_P256)?, salt })
        };
        Self(drawn())
    }

    /// The key pair and salt of a test vector.
    #[cfg(test)]
    pub(super) fn given(key: &[u8], salt: [u8; SALT_BYTES]) -> Self {
        Self(Ok(Drawn { key: PrivateKey::from_private_key(&ECDH_P256, key).unwrap(), salt }))
    }
}

/// Why a payload cannot be encrypted.
#[derive(Clone, Copy)]
enum Failure {
    /// The browser's public key is not a point on the curve.
    NoPoint,
    /// The library failed.
    Library,
}

impl From<Unspecified> for Failure {
    fn from(Unspecified: Unspecified) -> Self {
        Self::Library
    }
}

/// Encrypts a payload, hidden in `padding` zeros, so that only this browser can read it.
pub(super) fn encrypt(
    subscription: &Subscription,
    ephemeral: &Ephemeral,
    plaintext: &[u8],
    padding: usize,
) -> Result<Vec<u8>, Refusal> {
    let Subscription { p256dh, auth, .. } = subscription;
    // Only this form is taken, although the library knows other notations of the same point.
    check("target.web_push.p256dh", p256dh, PUBLIC_KEY_BYTES)?;
    check("target.web_push.auth", auth, AUTH_SECRET_BYTES)?;
    if p256dh.first() != Some(&4) {
        return Err(no_point());
    }
    let sealed = || {
        let Drawn { key, salt } = ephemeral.0.as_ref().map_err(|_| Failure::Library)?;
        let own = key.compute_public_key()?;
        let input =
            agreement::agree(key, UnparsedPublicKey::new(&ECDH_P256, p256dh), Failure::NoPoint, |secret| {
                Ok(input_key(secret, auth, p256dh, own.as_ref())?)
            })?;
        Ok(aes128gcm(&input, *salt, own.as_ref(), plaintext, padding)?)
    };
    sealed().map_err(|failure: Failure| match failure {
        Failure::NoPoint => no_point(),
        Failure::Library => bug("target", &"the payload could not be encrypted"),
    })
}

fn no_point() -> Refusal {
    let detail = "expected an uncompressed point on P-256, found other bytes";
    malformed("target.web_push.p256dh", detail)
}

fn check(field: &'static str, bytes: &[u8], length: usize) -> Result<(), Refusal> {
    let found = bytes.len();
    if found == length {
        return Ok(());
    }
    let detail = format!("expected {length} bytes to encrypt the payload with, found {found}");
    // A subscription without keys is still good for pushes that have no payload.
    Err(if found == 0 {
        Refusal::field(field, Reason::FieldRequired, detail)
    } else {
        malformed(field, detail)
    })
}

/// Refuses a key that no browser can have made, so the subscription was never valid.
fn malformed(field: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal { outcome: Outcome::InvalidToken, ..Refusal::field(field, Reason::FieldInvalid, detail) }
}

/// Combines what both parties agreed on with what only the browser and its application server know.
///
/// Source: RFC 8291, section 3.4.
fn input_key(secret: &[u8], auth: &[u8], browser: &[u8], own: &[u8]) -> Result<[u8; 32], Unspecified> {
    let key = Salt::new(HKDF_SHA256, auth).extract(secret);
    derived(&key, &[b"WebPush: info\0", browser, own])
}

/// The header and one record.
///
/// Source: RFC 8188, sections 2.1 to 2.3.
pub(super) fn aes128gcm(
    input_key: &[u8],
    salt: [u8; SALT_BYTES],
    key_id: &[u8],
    plaintext: &[u8],
    padding: usize,
) -> Result<Vec<u8>, Unspecified> {
    let key = Salt::new(HKDF_SHA256, &salt).extract(input_key);
    let content_key: [u8; 16] = derived(&key, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = derived(&key, &[b"Content-Encoding: nonce\0"])?;
    let id_length = u8::try_from(key_id.len()).map_err(|_| Unspecified)?;

    let header = salt.len() + size_of_val(&RECORD_SIZE) + 1 + key_id.len();
    let mut body = Vec::with_capacity(header + plaintext.len() + 1 + padding + AES_128_GCM.tag_len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(id_length);
    body.extend_from_slice(key_id);
    body.extend_from_slice(plaintext);
    body.push(LAST_RECORD);
    body.resize(body.len() + padding, 0);

    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content_key)?);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let (_, record) = body.split_at_mut(header);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), record)?;
    body.extend_from_slice(tag.as_ref());
    Ok(body)
}

fn derived<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut bytes = [0; N];
    key.expand(info, Length(N))?.fill(&mut bytes)?;
    Ok(bytes)
}
