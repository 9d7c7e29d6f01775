//! Reads the token of a caller from its file.

use std::path::Path;

use anyhow::{Context, ensure};
use tonic::metadata::{Ascii, MetadataValue};

use crate::files::FileContent;

/// The longest token in bytes. A gateway refuses a call with more metadata; source: the top of `push.proto`.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Reads a token and returns what is sent as `authorization`. Source: RFC 6750, section 2.1.
///
/// # Errors
/// Says which file cannot be used and why, and never repeats what is in it.
pub(super) fn authorization(file: &Path) -> anyhow::Result<MetadataValue<Ascii>> {
    let text = FileContent::read(file).and_then(FileContent::into_text);
    let value = text.map_err(anyhow::Error::from).and_then(|text| bearer(&text));
    value.with_context(|| format!("--token-file {}", file.display()))
}

fn bearer(text: &str) -> anyhow::Result<MetadataValue<Ascii>> {
    let token = text.trim_ascii();
    ensure!(!token.is_empty(), "expected a token, found an empty file");
    ensure!(
        token.len() <= MAX_TOKEN_BYTES,
        "expected a token of at most {MAX_TOKEN_BYTES} bytes, found more"
    );
    ensure!(!token.contains(['\n', '\r']), "expected one token, found several lines");
    ensure!(
        token.bytes().all(|byte| byte.is_ascii_graphic()),
        "expected a token of visible ASCII characters, without `Bearer` before it, found a space or another character"
    );
    let mut value = MetadataValue::try_from(format!("Bearer {token}")).context("the token cannot be sent")?;
    // HTTP/2 neither compresses the value nor keeps it in a table.
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_line_of_visible_characters() {
        for text in ["secret", "secret\n", " secret\r\n"] {
            let value = bearer(text).unwrap();
            assert_eq!(value, "Bearer secret", "{text:?}");
            assert!(!format!("{value:?}").contains("secret"), "{value:?}");
        }
        assert!(bearer(&"x".repeat(MAX_TOKEN_BYTES)).is_ok());
        for (text, expected) in [
            ("", "found an empty file"),
            (" \n", "found an empty file"),
            ("secret\nsecond", "found several lines"),
            ("secret\rsecond", "found several lines"),
            ("Bearer secret", "without `Bearer` before it"),
            ("secré", "visible ASCII"),
            ("secret\0", "visible ASCII"),
            (&"x".repeat(MAX_TOKEN_BYTES + 1), "found more"),
        ] {
            let error = format!("{:#}", bearer(text).unwrap_err());
            assert!(error.contains(expected) && !error.contains("secr"), "{text:?}: {error}");
        }
    }
}
