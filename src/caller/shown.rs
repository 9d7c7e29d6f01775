//! What a call shows, and why the gateway does not know its caller by that.

use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;
use thiserror::Error;

use super::jwt::TokenProblem;
use super::known::KnownByConnection;

/// What a call shows of its caller.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The value of `authorization`, as given; none where there is no such header.
    pub authorization: Option<&'a [u8]>,
    /// The key or the token of the call, where an ingress found it elsewhere. Then `authorization` is none.
    pub secret: Option<&'a str>,
    /// The certificates of the connection, the caller's own first.
    pub certificates: &'a [CertificateDer<'static>],
    /// Whom the certificates were found to belong to.
    pub(crate) by_certificate: &'a KnownByConnection,
    /// Where the call came from.
    pub address: SocketAddr,
}

impl<'a> Shown<'a> {
    /// The token or key of the call.
    pub(super) fn bearer(&self) -> Result<Option<&'a str>, Unknown> {
        let Some(header) = self.authorization else { return Ok(self.secret) };
        let text = std::str::from_utf8(header).map_err(|_| Unknown::NotBearer)?;
        let (scheme, token) = text.split_once(' ').ok_or(Unknown::NotBearer)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Unknown::NotBearer);
        }
        Ok(Some(token.trim_matches(' ')))
    }
}

/// Why the gateway does not know a caller. The sentence goes to the caller and to the log. It never repeats a key or a
/// token; of a token that is refused it says the issuer, the algorithm or the name of the key, cut short.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unknown {
    /// Nothing was shown.
    #[error("the call shows neither a client certificate nor `authorization: Bearer` with a key or a token")]
    NothingShown,
    /// Nothing was shown, from an address from which that is not taken.
    #[error(
        "the call shows nothing by which its caller is known, and such calls are not taken from its address"
    )]
    Elsewhere,
    /// The header has another form.
    #[error("expected one `authorization: Bearer` with a key or a token, found something else")]
    NotBearer,
    /// The key is not one of the configuration's.
    #[error("the key belongs to no caller")]
    Key,
    /// The token is not good.
    #[error("the token is refused: {0}")]
    Token(TokenProblem),
    /// The token is good, and no caller has the name in it.
    #[error("the token is good, but the name in it belongs to no caller")]
    TokenOfNobody,
    /// The certificate belongs to no caller.
    #[error("the client certificate belongs to no caller")]
    Certificate,
    /// The certificate fits the rules of several callers.
    #[error("the client certificate fits the rules of several callers")]
    CertificateOfSeveral,
    /// The certificate has expired since the connection began.
    #[error("the client certificate has expired")]
    CertificateExpired,
}

impl Unknown {
    /// Whether fetching the issuer's keys anew may mend it.
    #[must_use]
    pub(crate) fn may_be_mended_by_a_fetch(&self) -> bool {
        matches!(self, Self::Token(problem) if problem.missing_keys_of().is_some())
    }

    /// Its kind, for metrics.
    #[must_use]
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NothingShown => "nothing_shown",
            Self::Elsewhere => "elsewhere",
            Self::NotBearer => "not_bearer",
            Self::Key => "key",
            Self::Token(_) | Self::TokenOfNobody => "token",
            Self::Certificate | Self::CertificateOfSeveral | Self::CertificateExpired => "certificate",
        }
    }
}
