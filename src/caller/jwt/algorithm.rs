//! The algorithms that tokens may be signed by. Each verifies by a public key, so HS256 and `none` are not among them.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, RsaParameters};

/// An algorithm that tokens may be signed by. Source: RFC 7518, section 3.1, and RFC 8037, section 3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA with PKCS #1 padding and SHA-256.
    Rs256,
    /// RSA with PKCS #1 padding and SHA-384.
    Rs384,
    /// RSA with PKCS #1 padding and SHA-512.
    Rs512,
    /// RSA with PSS padding and SHA-256.
    Ps256,
    /// RSA with PSS padding and SHA-384.
    Ps384,
    /// RSA with PSS padding and SHA-512.
    Ps512,
    /// ECDSA on the curve P-256 with SHA-256.
    Es256,
    /// ECDSA on the curve P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// What verifies the signatures of an algorithm, and which keys it takes.
#[derive(Clone, Copy)]
pub(super) enum Verification {
    Rsa(&'static RsaParameters),
    /// A key is a point of this curve, whose two coordinates have so many bytes each.
    Ecdsa {
        curve: &'static str,
        coordinate_bytes: usize,
        algorithm: &'static EcdsaVerificationAlgorithm,
    },
    Ed25519,
}

/// A text that names none of these algorithms.
#[derive(Debug, thiserror::Error)]
#[error("expected one of {}, found {found:?}", names(&SigningAlgorithm::ALL))]
pub struct UnknownAlgorithm {
    found: String,
}

impl SigningAlgorithm {
    const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Those that an issuer's tokens may have where the configuration lists none.
    pub const DEFAULT: [Self; 2] = [Self::Rs256, Self::Es256];

    /// Returns the name of the algorithm in tokens and keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) fn verification(self) -> Verification {
        let ecdsa =
            |curve, coordinate_bytes, algorithm| Verification::Ecdsa { curve, coordinate_bytes, algorithm };
        match self {
            Self::Rs256 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Verification::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Verification::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 => ecdsa("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => ecdsa("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
            Self::EdDsa => Verification::Ed25519,
        }
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        named.ok_or_else(|| UnknownAlgorithm { found: name.to_owned() })
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the names of a list, for a sentence.
pub(super) fn names(algorithms: &[SigningAlgorithm]) -> String {
    algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
}
