//! What the claims of a verified token have to say. Source: RFC 7519, section 4.1.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;

use super::members::Members;
use super::problem::TokenProblem;
use super::settings::IssuerSettings;

/// How far the clocks of an issuer and of the gateway may be apart.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);

/// The longest name of a caller in a token, in bytes, so that the tokens that are kept stay small. A `sub` has at most 255
/// characters of ASCII. Source: OpenID Connect Core, section 2.
const MAX_NAME_BYTES: usize = 256;

/// The last second of the year 9999. A token that claims to be good longer is good until then, so that everybody can
/// count with the moment.
const LATEST: f64 = 253_402_300_799.0;

/// Whom a verified token names, and until when.
pub(super) struct Checked {
    pub(super) name: Arc<str>,
    pub(super) expires_at: SystemTime,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

pub(super) fn check(
    claims: &Members<'_>,
    expected: &IssuerSettings,
    now: SystemTime,
) -> Result<Checked, TokenProblem> {
    let for_us = |audience: &String| expected.audiences.contains(audience);
    let ours = match claims.get("aud") {
        Ok(Some(Audience::One(audience))) => for_us(&audience),
        Ok(Some(Audience::Many(audiences))) => audiences.iter().any(for_us),
        Ok(None) | Err(_) => false,
    };
    if !ours {
        return Err(TokenProblem::Audience(expected.audiences.join(" or ")));
    }
    let expires_at = moment(claims, "exp")?.ok_or_else(|| not_a_time("exp"))?;
    if now >= expires_at + LEEWAY {
        return Err(TokenProblem::Expired(expires_at));
    }
    for claim in ["nbf", "iat"] {
        if let Some(at) = moment(claims, claim)?.filter(|at| *at > now + LEEWAY) {
            return Err(TokenProblem::NotYet { claim, at });
        }
    }
    let name: Option<String> = claims.get(&expected.claim).ok().flatten();
    let is_name = |name: &String| (1..=MAX_NAME_BYTES).contains(&name.len());
    let name = name.filter(is_name).ok_or_else(|| TokenProblem::Claim {
        claim: expected.claim.as_str().into(),
        expected: "a text of 1 to 256 bytes",
    })?;
    Ok(Checked { name: name.into(), expires_at })
}

/// Returns the moment that a claim says, which may have fractions of a second. Source: RFC 7519, section 2, "NumericDate".
fn moment(claims: &Members<'_>, claim: &'static str) -> Result<Option<SystemTime>, TokenProblem> {
    let Some(seconds) = claims.get::<f64>(claim).map_err(|_| not_a_time(claim))? else { return Ok(None) };
    let since = Duration::try_from_secs_f64(seconds.min(LATEST)).map_err(|_| not_a_time(claim))?;
    Ok(Some(UNIX_EPOCH + since))
}

fn not_a_time(claim: &'static str) -> TokenProblem {
    TokenProblem::Claim { claim: claim.into(), expected: "a time in seconds since 1970" }
}
