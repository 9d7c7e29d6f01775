//! The compact form of a token: three parts in base64url, with a dot between them. Source: RFC 7515, section 7.1.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::members::Members;
use super::problem::TokenProblem;

/// The parts of a token. Nothing is known to be true before the signature was verified.
pub(super) struct CompactToken<'a> {
    pub(super) header: Header,
    /// The claims as JSON.
    pub(super) claims: Vec<u8>,
    /// What was signed: the two first parts as they came.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
}

/// What the header says of the signature. Every other member says nothing that is needed here; a key that the header
/// itself brings or points to (`jwk`, `jku`, `x5c`, `x5u`) is a stranger's.
pub(super) struct Header {
    pub(super) algorithm: String,
    pub(super) key_id: Option<String>,
}

impl<'a> CompactToken<'a> {
    pub(super) fn read(token: &'a str) -> Result<Self, TokenProblem> {
        let parts = token.rsplit_once('.').and_then(|(message, signature)| {
            let (header, claims) = message.split_once('.')?;
            (!claims.contains('.')).then_some((message, header, claims, signature))
        });
        let (message, header, claims, signature) =
            parts.ok_or(TokenProblem::Malformed("something else than three parts with dots between them"))?;
        let decode = |part: &str| {
            let found = TokenProblem::Malformed("a part that is not base64url");
            URL_SAFE_NO_PAD.decode(part).map_err(|_| found)
        };
        Ok(Self {
            header: Header::read(&decode(header)?)?,
            claims: decode(claims)?,
            message: message.as_bytes(),
            signature: decode(signature)?,
        })
    }
}

impl Header {
    fn read(json: &[u8]) -> Result<Self, TokenProblem> {
        let members = Members::read(json).ok_or(TokenProblem::Malformed(
            "a header that is no JSON object, or has two members of the same name",
        ))?;
        // Extensions that must be understood are not: whoever does not understand them has to refuse the token.
        // Source: RFC 7515, section 4.1.11.
        if members.has("crit") {
            return Err(TokenProblem::Critical);
        }
        let algorithm = members.get("alg").ok().flatten();
        let key_id = members.get("kid").map_err(|_| TokenProblem::Malformed("a \"kid\" that is no text"))?;
        let algorithm = algorithm.ok_or(TokenProblem::Malformed("a header whose \"alg\" is no text"))?;
        Ok(Self { algorithm, key_id })
    }
}
