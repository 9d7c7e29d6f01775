//! Reads JSON Web Tokens as leniently as the services do.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};

/// Decodes base64url with padding or without it.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a segment in base64url or standard base64, with padding or without it. The standard allows no padding (RFC
/// 7515, 2), but A2 and recipes for the command line write what `openssl base64` prints, and APNs accepts it.
pub(super) fn segment(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(text.replace('+', "-").replace('/', "_")).ok()
}

/// Parses the JSON of a segment.
pub(super) fn json<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    serde_json::from_slice(&segment(text)?).ok()
}

/// Reads the whole seconds of a NumericDate, which may have a fraction. Source: RFC 7519, 2.
pub(super) fn numeric_date<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    whole_seconds(f64::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("a date before 1970"))
}

/// Cuts the fraction off a number that was read. The result is `None` before 1970.
pub(super) fn whole_seconds(seconds: f64) -> Option<u64> {
    // A date beyond what a u64 holds becomes the largest, which no check mistakes for the present.
    (seconds >= 0.0).then_some(seconds as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_base64_is_the_same_bytes() {
        for text in ["-_8", "-_8=", "+/8", "+/8="] {
            assert_eq!(segment(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        assert_eq!((segment("-_8=="), segment("a b")), (None, None));
    }

    #[test]
    fn a_date_may_have_a_fraction_and_is_a_number() {
        #[derive(Deserialize)]
        struct Claims {
            #[serde(deserialize_with = "numeric_date")]
            iat: u64,
        }
        let iat = |json: &str| serde_json::from_str(json).ok().map(|claims: Claims| claims.iat);
        assert_eq!(iat(r#"{"iat":1700000000}"#), Some(1_700_000_000));
        assert_eq!(iat(r#"{"iat":1700000000.25}"#), Some(1_700_000_000));
        assert_eq!(iat(r#"{"iat":1e300}"#), Some(u64::MAX));
        assert_eq!((iat(r#"{"iat":-1}"#), iat(r#"{"iat":"1700000000"}"#), iat("{}")), (None, None, None));
    }
}
