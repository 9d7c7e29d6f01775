//! Why a value cannot be what it should be.

use super::Reason;

/// Why a value cannot be what it should be: one sentence that never repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct InvalidValue {
    /// The kind of refusal.
    pub reason: Reason,
    /// What was expected.
    pub expected: String,
    /// What was found: a length or a character, but never a whole token.
    pub found: String,
}

impl InvalidValue {
    pub(crate) fn invalid(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { reason: Reason::FieldInvalid, expected: expected.into(), found: found.into() }
    }

    pub(crate) fn required(expected: impl Into<String>) -> Self {
        Self { reason: Reason::FieldRequired, expected: expected.into(), found: "nothing".into() }
    }

    pub(crate) fn too_large(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { reason: Reason::FieldTooLarge, expected: expected.into(), found: found.into() }
    }
}

pub(crate) fn visible_ascii(what: &str, value: &str, max: usize) -> Result<(), InvalidValue> {
    let expected = || format!("{what} of 1 to {max} visible ASCII characters");
    if value.is_empty() {
        return Err(InvalidValue::required(expected()));
    }
    if value.len() > max {
        return Err(InvalidValue::too_large(expected(), format!("{} bytes", value.len())));
    }
    match first_other(value, u8::is_ascii_graphic) {
        Some((_, c)) => Err(InvalidValue::invalid(expected(), format!("{c:?}"))),
        None => Ok(()),
    }
}

/// The first character that is not one of some ASCII characters, and where it stands. It looks at bytes rather than
/// characters because addresses are long.
pub(super) fn first_other(text: &str, one_of: impl Fn(&u8) -> bool) -> Option<(usize, char)> {
    let at = text.as_bytes().iter().position(|byte| !one_of(byte))?;
    text.get(at..)?.chars().next().map(|c| (at, c))
}
