//! What may stand in the path of a request.

use crate::fields::all;

/// Why a path cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path begins with a slash, and has at most {MAX_PATH_BYTES} visible ASCII characters that a URI may have"
)]
pub struct InvalidPath;

/// The longest path with its query. The `http` crate, which HTTP/1.1 is written with, takes no longer one.
const MAX_PATH_BYTES: usize = 65_534;

/// Whether the pieces make a path with or without a query: visible ASCII, but no `#`, `<` and `>`, no backquote in the
/// path, and no quotation mark in the query. The `http` crate takes the same, which is a little more than RFC 3986 allows,
/// since URLs in use are not all that strict.
pub(crate) fn is_path(pieces: &[&str]) -> bool {
    let first = pieces.iter().find_map(|piece| piece.as_bytes().first());
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut in_query = false;
    first == Some(&b'/')
        && length <= MAX_PATH_BYTES
        && pieces.iter().all(|piece| {
            let bytes = piece.as_bytes();
            let query = bytes.iter().position(|byte| *byte == b'?').filter(|_| !in_query);
            let before = query.unwrap_or(if in_query { 0 } else { bytes.len() });
            let (path, query) = bytes.split_at(before);
            in_query |= !query.is_empty();
            all(path, |byte| may_stand(byte) & (byte != b'`'))
                && all(query, |byte| may_stand(byte) & (byte != b'"'))
        })
}

/// Whether a path or a query may have this character.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_graphic() & (byte != b'#') & (byte != b'<') & (byte != b'>')
}

#[cfg(test)]
mod tests {
    use http::uri::PathAndQuery;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_bounded() {
        let fits = |length| is_path(&["/", &"x".repeat(length - 1)]);
        assert!(fits(MAX_PATH_BYTES) && !fits(MAX_PATH_BYTES + 1));
        assert_eq!(
            InvalidPath.to_string(),
            "a path begins with a slash, and has at most 65534 visible ASCII characters that a URI may have"
        );
    }

    proptest! {
        #[test]
        fn a_path_is_taken_as_it_is_or_refused(
            pieces in prop::collection::vec(prop_oneof!["/[ -~]{0,20}", "[ -~]{0,3}", any::<String>()], 0..4),
        ) {
            let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
            let whole = pieces.concat();
            let theirs = PathAndQuery::try_from(whole.as_str());
            let as_it_is = theirs.is_ok_and(|theirs| theirs.as_str() == whole);
            let taken = as_it_is && whole.starts_with('/') && whole.is_ascii();
            prop_assert_eq!(is_path(&pieces), taken, "{}", whole);
        }
    }
}
