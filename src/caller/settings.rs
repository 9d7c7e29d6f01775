//! What the configuration says of one caller.

use super::certificate::CertificateRule;
use super::key::KeyDigest;
use super::permissions::Permissions;

/// One caller, with everything by which it may be known.
#[derive(Debug)]
pub struct CallerSettings {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// The SHA-256 of its static keys. There are several while one replaces another.
    pub keys: Vec<KeyDigest>,
    /// Which client certificates are its own.
    pub certificate: Option<CertificateRule>,
    /// Which tokens are its own.
    pub token: Option<TokenRule>,
    /// Whether it is whoever shows nothing at all.
    pub anonymous: bool,
}

/// Which tokens are those of one caller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenRule {
    /// The issuer, by its name in the configuration.
    pub issuer: String,
    /// What the claim says that names the caller.
    pub name: String,
}
