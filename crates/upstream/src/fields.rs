//! The header fields of a request or an answer, as one flat list.
//!
//! All names and values lie in one allocation, in the order in which they are sent. A map of headers would allocate
//! several times for each request, and hash names that are looked up once or never.

use std::fmt;

/// How often a connection sends the same value, which decides how HTTP/2 writes the field.
///
/// Source: RFC 7541, sections 6.2 and 7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Indexing {
    /// The same value is sent again and again, so it is written once and referred to from then on.
    Repeats,
    /// The value belongs to this request alone, such as an id.
    Varies,
    /// The value is a secret. No table of HTTP/2 keeps it, neither here nor in a proxy, and it is never printed.
    Secret,
}

/// One header field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name, in lower case. The pseudo-header fields of HTTP/2 begin with a colon.
    pub name: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// How often the same value is sent.
    pub indexing: Indexing,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.indexing == Indexing::Secret { &b"(secret)"[..] } else { self.value };
        write!(f, "{}: {}", self.name.escape_ascii(), value.escape_ascii())
    }
}

/// Why a field cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidField {
    /// The name has a character that no name may have. Source: RFC 9110, section 5.6.2, and RFC 9113, section 8.2.
    #[error("a header name is lower-case letters, digits and !#$%&'*+-.^_`|~")]
    Name,
    /// The value has a character that no value may have, or begins or ends with a space. Source: RFC 9113, section
    /// 8.2.1.
    #[error("a header value has no control characters, and no space at its ends")]
    Value,
    /// The name is longer than 255 bytes, or the value is longer than 65,535 bytes.
    #[error("a header name has at most 255 bytes, and its value at most 65535")]
    TooLong,
    /// The pool writes the field itself, such as `content-length`, or it is about a connection of HTTP/1.1. Source:
    /// RFC 9113, section 8.2.2.
    #[error(
        "the pool itself writes the headers that are about the length of a request or about its connection"
    )]
    Reserved,
}

/// The header fields of a request or an answer, in their order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// For each field its [`Indexing`] in one byte, the length of the name in one byte, the length of the value in two
    /// bytes, the name, and the value.
    packed: Vec<u8>,
}

/// How many bytes stand before each field.
pub(crate) const PREFIX: usize = 4;

impl Fields {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self { packed: Vec::new() }
    }

    /// An empty list with room for names and values of so many bytes, and for some bytes with each field.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { packed: Vec::with_capacity(bytes) }
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Adds a field.
    ///
    /// # Errors
    /// Fails if the name or the value has characters that it may not have, or is too long. The list stays as it was.
    pub fn push(
        &mut self,
        name: &str,
        value: impl AsRef<[u8]>,
        indexing: Indexing,
    ) -> Result<(), InvalidField> {
        check_name(name)?;
        self.push_known(name, value.as_ref(), indexing)
    }

    /// Adds a field whose name was checked.
    pub(crate) fn push_known(
        &mut self,
        name: &str,
        value: &[u8],
        indexing: Indexing,
    ) -> Result<(), InvalidField> {
        let padded = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        if padded(value.first()) || padded(value.last()) || !all(value, is_value) {
            return Err(InvalidField::Value);
        }
        self.pack(name.as_bytes(), value, indexing)
    }

    /// Adds a field whose characters were checked.
    pub(crate) fn pack(&mut self, name: &[u8], value: &[u8], indexing: Indexing) -> Result<(), InvalidField> {
        self.pack_pieces(name, &[value], indexing)
    }

    /// The same with a value in pieces, which are written one behind the other.
    pub(crate) fn pack_pieces(
        &mut self,
        name: &[u8],
        pieces: &[impl AsRef<[u8]>],
        indexing: Indexing,
    ) -> Result<(), InvalidField> {
        let length: usize = pieces.iter().map(|piece| piece.as_ref().len()).sum();
        let (Ok(name_len), Ok(value_len)) = (u8::try_from(name.len()), u16::try_from(length)) else {
            return Err(InvalidField::TooLong);
        };
        self.packed.reserve(PREFIX + name.len() + length);
        self.packed.extend_from_slice(&[indexing as u8, name_len]);
        self.packed.extend_from_slice(&value_len.to_le_bytes());
        self.packed.extend_from_slice(name);
        pieces.iter().for_each(|piece| self.packed.extend_from_slice(piece.as_ref()));
        Ok(())
    }

    /// The fields in their order.
    #[must_use]
    pub fn iter(&self) -> FieldsIter<'_> {
        FieldsIter { packed: &self.packed }
    }

    /// The value of the first field with this name, which is in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.get_all(name).next()
    }

    /// The values of all fields with this name, which is in lower case.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.iter().filter(move |field| field.name == name.as_bytes()).map(|field| field.value)
    }

    /// The value of the first field with this name, where it is ASCII text.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok().filter(|text| text.is_ascii())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = Field<'a>;
    type IntoIter = FieldsIter<'a>;

    fn into_iter(self) -> FieldsIter<'a> {
        self.iter()
    }
}

/// Goes through the fields of a list in their order.
#[derive(Debug, Clone)]
pub struct FieldsIter<'a> {
    packed: &'a [u8],
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (&[indexing, name_len, low, high], rest) = self.packed.split_first_chunk()?;
        let (name, rest) = rest.split_at_checked(name_len.into())?;
        let (value, rest) = rest.split_at_checked(u16::from_le_bytes([low, high]).into())?;
        self.packed = rest;
        let indexing = match indexing {
            0 => Indexing::Repeats,
            1 => Indexing::Varies,
            _ => Indexing::Secret,
        };
        Some(Field { name, value, indexing })
    }
}

/// Whether all characters are allowed. It looks at each of them in any case, because then the compiler looks at many at
/// once: a provider token has some 230, and is looked at for each push.
pub(crate) fn all(bytes: &[u8], allowed: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |fine, byte| fine & allowed(*byte))
}

/// Whether a field may have this name.
///
/// # Errors
/// Fails if it is empty or has a character that no name may have.
pub(crate) const fn check_name(name: &str) -> Result<(), InvalidField> {
    let bytes = name.as_bytes();
    let (mut fine, mut at) = (!bytes.is_empty(), 0);
    while at < bytes.len() {
        fine &= is_name(bytes[at]);
        at += 1;
    }
    if fine { Ok(()) } else { Err(InvalidField::Name) }
}

/// Whether a name may have this character.
pub(crate) const fn is_name(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Whether a value may have this character.
pub(crate) fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_field_that_would_break_the_wire_is_refused_and_leaves_the_list_as_it_was() {
        let mut fields = Fields::new();
        for (name, value, why) in [
            ("", "x", InvalidField::Name),
            ("Upper", "x", InvalidField::Name),
            (":path", "x", InvalidField::Name),
            ("a b", "x", InvalidField::Name),
            ("a", "x\r\ny: z", InvalidField::Value),
            ("a", "x\0", InvalidField::Value),
            ("a", " x", InvalidField::Value),
            ("a", "x\t", InvalidField::Value),
            ("a", "\u{7f}", InvalidField::Value),
            (&"n".repeat(256), "x", InvalidField::TooLong),
            ("a", &"v".repeat(65_536), InvalidField::TooLong),
        ] {
            assert_eq!(fields.push(name, value, Indexing::Varies), Err(why), "{name:?} {value:?}");
            assert!(fields.is_empty());
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let mut fields = Fields::new();
        fields.push("authorization", "bearer abc", Indexing::Secret).unwrap();
        fields.push("x", "y", Indexing::Repeats).unwrap();
        assert_eq!(format!("{fields:?}"), "[authorization: (secret), x: y]");
        assert_eq!(fields.get_str("authorization"), Some("bearer abc"));
        assert_eq!(fields.get("z"), None);
    }

    proptest! {
        #[test]
        fn what_was_pushed_comes_back_in_its_order(
            all in prop::collection::vec(("[a-z0-9-]{1,20}", "[!-~]{0,300}", 0_u8..3), 0..20),
        ) {
            let mut fields = Fields::new();
            let kinds = [Indexing::Repeats, Indexing::Varies, Indexing::Secret];
            for (name, value, kind) in &all {
                fields.push(name, value, kinds[usize::from(*kind)]).unwrap();
            }
            let back: Vec<_> = fields.iter().map(|it| (it.name.to_vec(), it.value.to_vec(), it.indexing)).collect();
            let expected = all.iter().map(|(name, value, kind)| {
                (name.clone().into_bytes(), value.clone().into_bytes(), kinds[usize::from(*kind)])
            });
            prop_assert_eq!(back, expected.collect::<Vec<_>>());
        }
    }
}
