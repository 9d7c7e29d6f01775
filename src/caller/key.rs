//! Static keys: what a caller shows that has neither a certificate nor a token, and the SHA-256 of it that a gateway
//! keeps.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::{constant_time, rand};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// How each key begins, so that scanners for secrets find one that was committed or logged.
const PREFIX: &str = "fanfare_";

/// The random part of a key. Nobody can try out 128 bits, so that a plain SHA-256 of them is safe to keep.
/// Source: NIST SP 800-63B, section 5.1.2.2, which asks for no more from 112 bits on.
const RANDOM_BYTES: usize = 16;

/// The length of a SHA-256 in bytes. Source: FIPS 180-4.
const DIGEST_BYTES: usize = 32;

/// Why a text is no key, or no SHA-256 of one. It never repeats the text, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text does not have the form of a key.
    #[error(
        "expected `fanfare_` and 32 hexadecimal digits in lower case, as `fanfare caller-key` makes them"
    )]
    NotAKey,
    /// The text does not have the form of a SHA-256.
    #[error(
        "expected the SHA-256 of a key as 64 hexadecimal digits, found {found} bytes that are something else"
    )]
    NotADigest {
        /// The length of the text.
        found: usize,
    },
    /// The text is the key itself, which does not belong into a configuration.
    #[error("expected the SHA-256 of a key, found a key; `fanfare caller-key --show` prints its SHA-256")]
    KeyForDigest,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

/// The key of one caller. It never prints.
#[derive(Debug)]
pub struct CallerKey(SecretString);

impl CallerKey {
    /// Makes a key at random.
    ///
    /// # Errors
    /// Fails if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, KeyError> {
        let mut random = [0; RANDOM_BYTES];
        rand::fill(&mut random).map_err(|_| KeyError::NoRandomness)?;
        Ok(Self(format!("{PREFIX}{}", Hexadecimal(&random)).into()))
    }

    /// Reads a key, which has only one spelling. A line break behind it, as files have it, does not count.
    ///
    /// # Errors
    /// Fails if the text is no key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim_ascii();
        let random = text.strip_prefix(PREFIX).ok_or(KeyError::NotAKey)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if random.len() != 2 * RANDOM_BYTES || !random.bytes().all(is_digit) {
            return Err(KeyError::NotAKey);
        }
        Ok(Self(text.into()))
    }

    /// Returns the SHA-256 of the key as it is written, so that `sha256sum` finds the same.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest(Sha256::digest(self.0.expose_secret()).into())
    }
}

impl ExposeSecret<str> for CallerKey {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// The SHA-256 of a key. Two are compared in constant time, so that the time of an answer does not show how much of a
/// wrong key is right.
#[derive(Debug, Clone, Copy, Eq)]
pub struct KeyDigest([u8; DIGEST_BYTES]);

impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl FromStr for KeyDigest {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if CallerKey::parse(text).is_ok() {
            return Err(KeyError::KeyForDigest);
        }
        let no_digest = || KeyError::NotADigest { found: text.len() };
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
        let digits = digits.filter(|digits| digits.len() == 2 * DIGEST_BYTES).ok_or_else(no_digest)?;
        let mut digest = [0; DIGEST_BYTES];
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(digest))
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hexadecimal(&self.0).fmt(f)
    }
}

/// Bytes, written as hexadecimal digits in lower case.
struct Hexadecimal<'a>(&'a [u8]);

impl fmt::Display for Hexadecimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: `printf %s fanfare_00112233445566778899aabbccddeeff | sha256sum`.
    const KEY: &str = "fanfare_00112233445566778899aabbccddeeff";
    const SHA256: &str = "be1adc3600a45ed8255ea4c93d466204af9828c8388d6c25ccc526c790d6049c";

    #[test]
    fn a_key_is_told_by_its_digest_and_never_prints() {
        let key = CallerKey::parse(&format!("{KEY}\r\n")).unwrap();
        assert_eq!((key.expose_secret(), key.digest().to_string().as_str()), (KEY, SHA256));
        assert_eq!(SHA256.parse(), Ok(key.digest()));
        assert_eq!(SHA256.to_ascii_uppercase().parse(), Ok(key.digest()));
        assert_ne!(format!("{}0", &SHA256[..63]).parse(), Ok(key.digest()));
        assert!(!format!("{key:?}").contains("0011"), "{key:?}");
    }

    #[test]
    fn keys_are_made_at_random_in_the_form_that_is_read() {
        let (one, other) = (CallerKey::generate().unwrap(), CallerKey::generate().unwrap());
        assert_ne!(one.expose_secret(), other.expose_secret());
        let read = CallerKey::parse(one.expose_secret()).unwrap();
        assert_eq!(read.digest(), one.digest());
        assert_ne!(read.digest(), other.digest());
    }

    #[test]
    fn other_texts_are_no_keys_and_no_digests() {
        for text in ["", "fanfare_", &KEY[1..], &KEY[..39], &format!("{KEY}0"), &KEY.to_ascii_uppercase()] {
            assert_eq!(CallerKey::parse(text).err(), Some(KeyError::NotAKey), "{text}");
        }
        assert_eq!(KEY.parse::<KeyDigest>(), Err(KeyError::KeyForDigest));
        for text in ["", &SHA256[1..], &format!("{SHA256}0"), &format!("g{}", &SHA256[1..]), &"é".repeat(32)]
        {
            assert_eq!(text.parse::<KeyDigest>(), Err(KeyError::NotADigest { found: text.len() }), "{text}");
        }
    }
}
