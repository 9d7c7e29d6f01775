//! One key of a set. Source: RFC 7517, section 4; RFC 7518, section 6; RFC 8037, section 2.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::{SigningAlgorithm, Verification, names};
use super::members::Members;
use super::problem::shortened;

/// The sizes of RSA keys that are taken, in bits. Source: RFC 7518, section 3.3, for the least; aws-lc-rs, "RSA", for both.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The mark of an uncompressed point. Source: SEC 1, section 2.3.3.
const UNCOMPRESSED: u8 = 4;

/// A public key, bound to the one algorithm that it verifies.
pub(super) struct VerificationKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) key: ParsedPublicKey,
}

/// Why a key is left out.
pub(super) type LeftOut = String;

/// Makes a key for each of the algorithms that the JWK is for: of its type and curve, and narrowed by its own `alg`.
pub(super) fn read(json: &str, algorithms: &[SigningAlgorithm]) -> Result<Vec<VerificationKey>, LeftOut> {
    let jwk = Members::read(json.as_bytes())
        .ok_or("a key is no JSON object, or has two members of the same name".to_owned())?;
    let id = text(&jwk, "kid")?;
    let named = |why: String| match &id {
        Some(id) => format!("the key {:?} {why}", shortened(id)),
        None => format!("a key without \"kid\" {why}"),
    };
    let keys = verifying_keys(&jwk, algorithms).map_err(named)?;
    Ok(keys.into_iter().map(|(algorithm, key)| VerificationKey { id: id.clone(), algorithm, key }).collect())
}

fn verifying_keys(
    jwk: &Members<'_>,
    algorithms: &[SigningAlgorithm],
) -> Result<Vec<(SigningAlgorithm, ParsedPublicKey)>, LeftOut> {
    if let Some(intended) = text(jwk, "use")?.filter(|intended| intended != "sig") {
        return Err(format!("has the \"use\" {:?}", shortened(&intended)));
    }
    let operations: Option<Vec<String>> = jwk.get("key_ops").map_err(|_| "has no list as \"key_ops\"")?;
    if operations.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
        return Err("has \"key_ops\" without \"verify\"".to_owned());
    }
    let kind = text(jwk, "kty")?.unwrap_or_default();
    let (curve, own) = (text(jwk, "crv")?, text(jwk, "alg")?);
    let fits = |algorithm: &&SigningAlgorithm| {
        own.as_ref().is_none_or(|own| own == algorithm.name())
            && match algorithm.verification() {
                Verification::Rsa(_) => kind == "RSA",
                Verification::Ecdsa { curve: its, .. } => kind == "EC" && curve.as_deref() == Some(its),
                Verification::Ed25519 => kind == "OKP" && curve.as_deref() == Some("Ed25519"),
            }
    };
    let keys: Result<Vec<_>, LeftOut> = algorithms
        .iter()
        .filter(fits)
        .map(|algorithm| Ok((*algorithm, public_key(jwk, algorithm.verification())?)))
        .collect();
    let keys = keys?;
    if keys.is_empty() {
        let own = own.map_or(String::new(), |own| format!(" and \"alg\" {:?}", shortened(&own)));
        let curve = curve.map_or(String::new(), |curve| format!(", \"crv\" {:?}", shortened(&curve)));
        let listed = names(algorithms);
        return Err(format!("has \"kty\" {:?}{curve}{own}, which is for none of {listed}", shortened(&kind)));
    }
    Ok(keys)
}

fn public_key(jwk: &Members<'_>, verification: Verification) -> Result<ParsedPublicKey, LeftOut> {
    match verification {
        Verification::Rsa(parameters) => {
            let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
            // A number has no leading zeros. Source: RFC 7518, section 2, "Base64urlUInt".
            let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
            if !RSA_BITS.contains(&bits) {
                let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
                return Err(format!("has an \"n\" of {bits} bits, expected {least} to {most}"));
            }
            let components = RsaPublicKeyComponents { n, e };
            components
                .to_parsed_public_key(parameters)
                .map_err(|_| "has an \"n\" and an \"e\" that are no RSA key".to_owned())
        }
        Verification::Ecdsa { coordinate_bytes, algorithm, .. } => {
            let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
            if [x.len(), y.len()] != [coordinate_bytes; 2] {
                return Err(format!("has an \"x\" or a \"y\" that is not {coordinate_bytes} bytes long"));
            }
            ParsedPublicKey::new(algorithm, [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat())
                .map_err(|_| "has an \"x\" and a \"y\" that are no point of its curve".to_owned())
        }
        Verification::Ed25519 => {
            let x = bytes(jwk, "x")?;
            if x.len() != signature::ED25519_PUBLIC_KEY_LEN {
                return Err(format!(
                    "has an \"x\" that is not {} bytes long",
                    signature::ED25519_PUBLIC_KEY_LEN
                ));
            }
            ParsedPublicKey::new(&signature::ED25519, x)
                .map_err(|_| "has an \"x\" that is no Ed25519 key".to_owned())
        }
    }
}

fn text(jwk: &Members<'_>, name: &str) -> Result<Option<String>, LeftOut> {
    jwk.get(name).map_err(|_| format!("has a {name:?} that is no text"))
}

fn bytes(jwk: &Members<'_>, name: &str) -> Result<Vec<u8>, LeftOut> {
    let decoded = text(jwk, name)?.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    decoded.ok_or_else(|| format!("has no {name:?} in base64url"))
}
