//! Finds who calls: by the key or token that a call shows, by the certificate of its connection, or as the caller for whom
//! calls stand that show nothing.
//!
//! A key or token is shown as `Authorization: Bearer`, as the password of `Authorization: Basic`, which is how clients send
//! what stands in a URL (`https://user:KEY@host`), or in front of the path (`/k/KEY/…`), for servers that can only be given
//! a URL. What is shown and wrong is refused, whatever else is shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};

use crate::caller::Unknown;

/// In front of a key in a path.
const KEY_IN_PATH: &str = "/k/";

/// Takes the key off the front of a path, if one is there.
pub(super) fn key_in_path(path: &str) -> (Option<&str>, &str) {
    let Some(behind) = path.strip_prefix(KEY_IN_PATH) else { return (None, path) };
    let key = behind.find('/').unwrap_or(behind.len());
    (Some(&behind[..key]), &behind[key..])
}

/// The key or token that a call shows.
pub(super) enum Secret<'a> {
    Given(&'a str),
    Decoded(SecretString),
}

impl Secret<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Given(secret) => secret,
            Self::Decoded(secret) => secret.expose_secret(),
        }
    }
}

/// Finds the key or token that a call shows, of which there may be one.
pub(super) fn shown<'a>(
    key_in_path: Option<&'a str>,
    headers: &'a HeaderMap,
) -> Result<Option<Secret<'a>>, Unknown> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    match (key_in_path, fields.next(), fields.next()) {
        (None, None, _) => Ok(None),
        (Some(key), None, _) => Ok(Some(Secret::Given(key))),
        (None, Some(field), None) => authorization(field.as_bytes()).map(Some).ok_or(Unknown::NotBearer),
        _ => Err(Unknown::NotBearer),
    }
}

fn authorization(field: &[u8]) -> Option<Secret<'_>> {
    let (scheme, value) = std::str::from_utf8(field).ok()?.split_once(' ')?;
    let value = value.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Secret::Given(value));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = SecretString::from(String::from_utf8(STANDARD.decode(value).ok()?).ok()?);
    let (user, password) = decoded.expose_secret().split_once(':')?;
    // A URL may have the key alone: `https://KEY@host`.
    let secret = if password.is_empty() { user } else { password };
    Some(Secret::Decoded(secret.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_off_the_front_of_a_path() {
        for (path, key, rest) in [
            ("/k/fanfare_1/api/v1/send_push", Some("fanfare_1"), "/api/v1/send_push"),
            ("/k/fanfare_1", Some("fanfare_1"), ""),
            ("/k//a", Some(""), "/a"),
            ("/k", None, "/k"),
            ("/kk/a", None, "/kk/a"),
            ("", None, ""),
        ] {
            assert_eq!(key_in_path(path), (key, rest), "{path}");
        }
    }

    #[test]
    fn one_secret_may_be_shown_in_whichever_form() {
        let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
        for (in_path, fields, expected) in [
            (None, vec![], Ok(None)),
            (Some("k"), vec![], Ok(Some("k"))),
            (None, vec!["Bearer  k ".to_owned()], Ok(Some("k"))),
            (None, vec!["bearer k".to_owned()], Ok(Some("k"))),
            (None, vec![basic("orders:k")], Ok(Some("k"))),
            (None, vec![basic(":k:k")], Ok(Some("k:k"))),
            (None, vec![basic("k:")], Ok(Some("k"))),
            (None, vec![basic("k")], Err(Unknown::NotBearer)),
            (None, vec!["Basic !".to_owned()], Err(Unknown::NotBearer)),
            (None, vec!["Digest k".to_owned()], Err(Unknown::NotBearer)),
            (None, vec!["k".to_owned()], Err(Unknown::NotBearer)),
            (None, vec!["Bearer k".to_owned(), "Bearer k".to_owned()], Err(Unknown::NotBearer)),
            (Some("k"), vec!["Bearer k".to_owned()], Err(Unknown::NotBearer)),
        ] {
            let mut headers = HeaderMap::new();
            for field in &fields {
                headers.append(header::AUTHORIZATION, field.parse().unwrap());
            }
            let found = shown(in_path, &headers);
            let found = found.as_ref().map(|found| found.as_ref().map(Secret::as_str)).map_err(Clone::clone);
            assert_eq!(found, expected, "{in_path:?} {fields:?}");
        }
    }
}
