//! The name of a header that the program itself names.

use crate::fields::{InvalidField, is_name};

/// The name of a header that a program adds to many requests. It is checked once, when the program is compiled where it is a
/// constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldName(&'static str);

impl FieldName {
    /// Takes a name that [`Request::push`](crate::Request::push) would take as well.
    ///
    /// # Panics
    /// Where it would not: as a constant it does not compile then.
    #[must_use]
    #[expect(clippy::panic, reason = "a constant is made when the program is compiled")]
    pub const fn constant(name: &'static str) -> Self {
        match check(name) {
            Ok(()) => Self(name),
            Err(_) => panic!("a header cannot have this name, or the pool writes it itself"),
        }
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// Whether a header of a request may have this name.
///
/// # Errors
/// Fails if it has other characters than a name may have, or the pool writes that header itself.
pub(crate) const fn check(name: &str) -> Result<(), InvalidField> {
    let bytes = name.as_bytes();
    let mut fine = !bytes.is_empty();
    let mut at = 0;
    while at < bytes.len() {
        fine &= is_name(bytes[at]);
        at += 1;
    }
    if !fine {
        return Err(InvalidField::Name);
    }
    if bytes.len() > u8::MAX as usize {
        return Err(InvalidField::TooLong);
    }
    if is_reserved(bytes) { Err(InvalidField::Reserved) } else { Ok(()) }
}

/// Whether the pool writes this header itself, or HTTP/2 forbids it because it is about a connection of HTTP/1.1.
/// Source: RFC 9113, section 8.2.2.
const fn is_reserved(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection"
            | b"content-length"
            | b"host"
            | b"keep-alive"
            | b"proxy-connection"
            | b"te"
            | b"transfer-encoding"
            | b"upgrade"
    )
}
