//! Writes TOML with sentences between its keys, which no serializer does.

use std::path::Path;

use toml::Value;

/// A text as a value or a key of TOML, with quotation marks.
pub(super) fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A path as a value of TOML.
pub(super) fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A list of texts as a value of TOML.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    Value::Array(texts.into_iter().map(|text| Value::String(text.to_owned())).collect()).to_string()
}
