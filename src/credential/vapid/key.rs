//! A VAPID key: a key pair on P-256, read from each of the forms in which teams keep one.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::agreement;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use secrecy::{ExposeSecret, SecretString};

use crate::credential::CredentialError;

/// The length of an uncompressed point on P-256, and its first byte. Source: SEC 1, section 2.3.3.
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;

/// A private key on P-256 and its public key. It prints the public key alone.
pub(crate) struct VapidKey {
    pair: EcdsaKeyPair,
    public: String,
}

impl VapidKey {
    /// Reads PEM (PKCS #8 or SEC 1), the 32 bytes of the private key in base64url, or both keys as npm web-push prints them,
    /// with `--json` or without.
    ///
    /// # Errors
    /// Fails if the text is no such key.
    pub(crate) fn parse(text: &SecretString) -> Result<Self, CredentialError> {
        let text = text.expose_secret().trim();
        let (private, public) = printed_pair(text).unwrap_or((text.into(), None));
        let pair = if private.contains("-----BEGIN ") { from_pem(&private) } else { from_base64(&private) };
        let pair = pair.map_err(|found| CredentialError::VapidKey { found })?;
        let key = Self { public: URL_SAFE_NO_PAD.encode(pair.public_key()), pair };
        match public {
            Some(public) if !key.is_of(&public) => {
                Err(CredentialError::VapidKey { found: "one beside the public key of another" })
            }
            _ => Ok(key),
        }
    }

    /// Returns the public key in base64url without padding: what browsers take as `applicationServerKey`, and what a
    /// request shows as `k`. Source: RFC 8292, section 3.2.
    #[must_use]
    pub(crate) fn public_key(&self) -> &str {
        &self.public
    }

    /// Whether this is its public key, in base64url with padding or without.
    #[must_use]
    pub(crate) fn is_of(&self, public_key: &str) -> bool {
        public_key.trim_end_matches('=') == self.public
    }

    /// Returns the private key in the form in which tokens are signed with it.
    pub(super) fn encoding_key(&self) -> Result<EncodingKey, CredentialError> {
        let unusable = |_| CredentialError::VapidKey { found: "one that cannot be used" };
        Ok(EncodingKey::from_ec_der(self.pair.to_pkcs8v1().map_err(unusable)?.as_ref()))
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VapidKey({})", self.public)
    }
}

/// The private key and the public one, where a text is all that npm web-push printed: a JSON object, or a line below each of
/// two headings. Source: github.com/web-push-libs/web-push, `src/cli.js`, `generate-vapid-keys`.
fn printed_pair(text: &str) -> Option<(Cow<'_, str>, Option<Cow<'_, str>>)> {
    if text.starts_with('{') {
        let Printed { private_key, public_key } = serde_json::from_str(text).ok()?;
        return Some((private_key.into(), public_key.map(Cow::from)));
    }
    let below = |heading: &str| {
        let mut lines = text.lines().map(str::trim).skip_while(|line| *line != heading).skip(1);
        lines.find(|line| !line.is_empty()).map(Cow::from)
    };
    Some((below("Private Key:")?, below("Public Key:")))
}

/// What npm web-push prints with `--json`.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    private_key: String,
    public_key: Option<String>,
}

fn from_pem(text: &str) -> Result<EcdsaKeyPair, &'static str> {
    // The parser skips what else the file holds: openssl writes the parameters of the curve before the key.
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|error| {
        match matches!(error, PemError::NoItemsFound) {
            true if text.contains("ENCRYPTED PRIVATE KEY") => "one that is encrypted",
            true if text.contains("PUBLIC KEY") => "a public key",
            true => "PEM without a private key",
            false => "PEM that is damaged",
        }
    })?;
    if matches!(key, PrivateKeyDer::Pkcs1(_)) {
        return Err("an RSA key");
    }
    let der = key.secret_der();
    EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
        .map_err(|_| "a key of another kind")
}

fn from_base64(text: &str) -> Result<EcdsaKeyPair, &'static str> {
    let private = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| "neither")?;
    if private.len() == POINT_BYTES && private.first() == Some(&UNCOMPRESSED) {
        return Err("a public key");
    }
    // The public key is computed by the library's key agreement, because no other part of the library does so.
    let curve = &agreement::ECDH_P256;
    let public = agreement::PrivateKey::from_private_key(curve, &private)
        .ok()
        .and_then(|key| key.compute_public_key().ok())
        .ok_or("base64url of something else")?;
    let signing = &ECDSA_P256_SHA256_FIXED_SIGNING;
    EcdsaKeyPair::from_private_key_and_public_key(signing, &private, public.as_ref())
        .map_err(|_| "base64url of something else")
}

#[cfg(test)]
mod tests {
    use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    // These are one key, which npm web-push 3.6.7 made: as it printed the key, and as openssl writes such keys.
    const RAW: &str = include_str!("../../../tests/data/vapid/private.key");
    const PUBLIC: &str = include_str!("../../../tests/data/vapid/public.key");
    const PKCS8: &str = include_str!("../../../tests/data/vapid/pkcs8.pem");
    const SEC1: &str = include_str!("../../../tests/data/vapid/sec1.pem");

    fn parse(text: &str) -> Result<VapidKey, CredentialError> {
        VapidKey::parse(&text.to_owned().into())
    }

    #[test]
    fn every_form_of_a_key_is_the_same_key() {
        let public = PUBLIC.trim();
        let json = format!("{{\"publicKey\":{public:?},\"privateKey\":{:?}}}\n", RAW.trim());
        let printed = format!("\n====\n\nPublic Key:\n{public}\n\nPrivate Key:\n{RAW}\n====\n");
        let crlf = PKCS8.replace('\n', "\r\n");
        for form in [PKCS8, SEC1, RAW, &format!("{}=", RAW.trim()), &crlf, &json, &printed] {
            let key = parse(form).unwrap();
            assert_eq!(key.public_key(), public, "{form}");
            assert!(key.is_of(public) && key.is_of(&format!("{public}=")));
            assert!(!key.is_of(RAW) && !key.is_of(""));
            assert_eq!(format!("{key:?}"), format!("VapidKey({public})"));
        }
    }

    #[test]
    fn what_is_no_key_is_named_and_never_shown() {
        let generate = |kind| rcgen::KeyPair::generate_for(kind).unwrap();
        let (raw, of_bytes) = (RAW.trim(), |bytes| URL_SAFE_NO_PAD.encode([bytes; 32]));
        for (text, expected) in [
            ("", "base64url of something else"),
            ("no key", "neither"),
            ("{\"type\":\"service_account\"}", "neither"),
            (
                &format!("{{\"privateKey\":{raw:?},\"publicKey\":\"AAAA\"}}"),
                "one beside the public key of another",
            ),
            (&format!("{{\"privateKey\":{:?}}}", PUBLIC.trim()), "a public key"),
            (&format!("Public Key:\nAAAA\nPrivate Key:\n{raw}\n"), "one beside the public key of another"),
            (PUBLIC, "a public key"),
            (&raw[1..], "neither"),
            (&raw[4..], "base64url of something else"),
            // Neither of these two is a number from 1 to below the order of the curve.
            (&of_bytes(0), "base64url of something else"),
            (&of_bytes(255), "base64url of something else"),
            (&generate(&PKCS_ECDSA_P256_SHA256).public_key_pem(), "a public key"),
            (&PKCS8.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "one that is encrypted"),
            (&PKCS8.replace("END PRIVATE", "END PUBLIC"), "PEM that is damaged"),
            (&PKCS8.replace("PRIVATE KEY", "CERTIFICATE"), "PEM without a private key"),
            (&PKCS8.replace("PRIVATE KEY", "RSA PRIVATE KEY"), "an RSA key"),
            (&generate(&PKCS_ECDSA_P384_SHA384).serialize_pem(), "a key of another kind"),
            (&generate(&PKCS_ED25519).serialize_pem(), "a key of another kind"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.ends_with(&format!("; found {expected}")), "{text}: {error}");
            assert!(!error.contains(raw), "{error}");
        }
    }
}
