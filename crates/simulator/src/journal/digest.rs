//! One number that says whether the request which arrived is the request which was meant.

use sha2::{Digest, Sha256};

/// The headers that say nothing about the push: they change with the hour, the connection or the version of the
/// client, or follow from the body. `ttl` counts down while a push waits.
const NOT_DIGESTED: [&str; 7] =
    ["authorization", "connection", "content-length", "host", "te", "ttl", "user-agent"];

/// Returns the SHA-256 over the method, the path, the headers sorted by name and value, and the body.
///
/// Every field is preceded by its length (8 bytes, big-endian), so that no two requests run into each other. The body
/// is represented by its own SHA-256, and an encrypted body by that of its plaintext. Header names are compared in lower
/// case. Pseudo-headers are left out, and so are `authorization`, `connection`, `content-length`, `host`, `te`, `ttl` and
/// `user-agent`, which do not say what was meant.
pub fn digest(method: &str, path: &str, headers: &[(&str, &[u8])], body: &[u8]) -> [u8; 32] {
    digest_of_parts(method, path, headers, &Sha256::digest(body).into())
}

/// Returns the same as [`digest`] where the SHA-256 of the body is known already.
pub(super) fn digest_of_parts(
    method: &str,
    path: &str,
    headers: &[(&str, &[u8])],
    body_sha256: &[u8; 32],
) -> [u8; 32] {
    let mut counted: Vec<(String, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), *value))
        .filter(|(name, _)| !name.starts_with(':') && !NOT_DIGESTED.contains(&name.as_str()))
        .collect();
    counted.sort_unstable();

    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(method.as_bytes());
    field(path.as_bytes());
    for (name, value) in counted {
        field(name.as_bytes());
        field(value);
    }
    field(body_sha256);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_case_and_passing_headers_do_not_count() {
        let one = digest("POST", "/p", &[("B", b"2"), ("a", b"1"), ("authorization", b"x")], b"body");
        let two = digest("POST", "/p", &[("a", b"1"), ("b", b"2"), ("user-agent", b"y")], b"body");
        assert_eq!(one, two);
    }

    #[test]
    fn every_field_counts_and_none_runs_into_the_next() {
        let base = digest("POST", "/p", &[("a", b"1")], b"body");
        assert_ne!(base, digest("GET", "/p", &[("a", b"1")], b"body"));
        assert_ne!(base, digest("POST", "/pa", &[("", b"1")], b"body"));
        assert_ne!(base, digest("POST", "/p", &[("a", b"1"), ("a", b"1")], b"body"));
        assert_ne!(base, digest("POST", "/p", &[("a", b"1")], b"bod"));
    }
}
