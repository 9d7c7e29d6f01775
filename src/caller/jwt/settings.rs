//! What an operator says of an issuer.

use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::Origin;
use rustls::ClientConfig;

use super::algorithm::SigningAlgorithm;
use super::key_set::KeySet;

/// An issuer of tokens, and what its tokens have to say.
#[derive(Clone)]
pub struct IssuerSettings {
    /// The name of the issuer in the configuration.
    pub name: Arc<str>,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The names of this gateway, of which the `aud` of a token has to have one.
    pub audiences: Vec<String>,
    /// The algorithms that its tokens may be signed by.
    pub algorithms: Vec<SigningAlgorithm>,
    /// The claim that names the caller.
    pub claim: String,
    /// Where its keys come from.
    pub jwks: JwksSource,
}

/// Where the keys of an issuer come from.
#[derive(Clone)]
pub enum JwksSource {
    /// They were read from a file.
    File(Arc<KeySet>),
    /// They are fetched.
    Fetched(JwksFetch),
}

/// Where keys are fetched, and how often.
#[derive(Clone)]
pub struct JwksFetch {
    /// Where the keys are.
    pub origin: Origin,
    /// The path and the query of the keys.
    pub path: String,
    /// TLS that verifies who gives the keys.
    pub tls: Arc<ClientConfig>,
    /// How often they are fetched.
    pub refresh: Duration,
    /// How long keys serve that could not be fetched again.
    pub max_stale: Duration,
}

impl IssuerSettings {
    /// The claim that names the caller where the configuration says none.
    pub const CLAIM: &str = "sub";
}

impl JwksFetch {
    /// How often keys are fetched where the configuration does not say it.
    pub const REFRESH: Duration = Duration::from_secs(5 * 60);

    /// How long keys serve that could not be fetched again, where the configuration does not say it.
    pub const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);
}
