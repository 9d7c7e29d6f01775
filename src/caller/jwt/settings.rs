//! What an operator says of an issuer.

use std::sync::Arc;
use std::time::Duration;

use fanfare_upstream::Origin;
use fanfare_upstream::tls::ClientTls;

use super::algorithm::SigningAlgorithm;
use super::key_set::KeySet;

/// An issuer of tokens, and what its tokens have to say.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub enum JwksSource {
    /// They were read from a file.
    File(Arc<KeySet>),
    /// They are fetched.
    Fetched(JwksFetch),
}

/// Where keys are fetched, and how often.
#[derive(Debug, Clone)]
pub struct JwksFetch {
    /// Where the keys are.
    pub origin: Origin,
    /// The path and the query of the keys.
    pub path: String,
    /// TLS that verifies who gives the keys.
    pub tls: Arc<ClientTls>,
    /// How often they are fetched.
    pub refresh: Duration,
    /// How long keys serve that could not be fetched again.
    pub max_stale: Duration,
}

impl IssuerSettings {
    /// Whether both say the same, so that the keys of one are those of the other.
    #[must_use]
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let Self { name, issuer, audiences, algorithms, claim, jwks } = self;
        let of_other = (&other.name, &other.issuer, &other.audiences, &other.algorithms, &other.claim);
        (name, issuer, audiences, algorithms, claim) == of_other && jwks.is_same(&other.jwks)
    }

    /// The claim that names the caller where the configuration says none.
    pub const CLAIM: &str = "sub";
}

impl JwksSource {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(keys), Self::File(others)) => keys.is_same(others),
            (Self::Fetched(fetch), Self::Fetched(other)) => {
                let said = |it: &JwksFetch| (it.origin.clone(), it.path.clone(), it.refresh, it.max_stale);
                said(fetch) == said(other) && fetch.tls.is_same(&other.tls)
            }
            (Self::File(_), Self::Fetched(_)) | (Self::Fetched(_), Self::File(_)) => false,
        }
    }
}

impl JwksFetch {
    /// How often keys are fetched where the configuration does not say it.
    pub const REFRESH: Duration = Duration::from_secs(5 * 60);

    /// How long keys serve that could not be fetched again, where the configuration does not say it.
    pub const MAX_STALE: Duration = Duration::from_secs(24 * 60 * 60);
}
