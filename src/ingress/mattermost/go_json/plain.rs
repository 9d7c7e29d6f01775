//! Reads what servers send most: an object as Go writes it, without spaces between its parts, whose keys are known and whose values
//! are texts without escapes, integers, flags and null. What it saves is in docs/performance.md, "Mattermost servers".

use std::borrow::Cow;

use super::place::{GoStruct, Place};
use crate::ingress::mattermost::escapes::plain_bytes;

/// Reads such an object. `None` says that it is another, or none, and nothing of what is wrong with it.
pub(super) fn read<'a, T: GoStruct<'a>>(text: &'a str) -> Option<T> {
    let (mut read, mut rest) = (T::default(), text.strip_prefix('{')?);
    loop {
        let (key, value) = quoted(rest)?;
        rest = put(read.place(key)?, value.strip_prefix(':')?)?;
        match rest.as_bytes().first()? {
            b',' => rest = &rest[1..],
            // What follows the object is ignored.
            b'}' => return Some(read),
            _ => return None,
        }
    }
}

/// Puts the value at the beginning of a text into its place, and returns what follows it.
fn put<'a>(place: Place<'_, 'a>, text: &'a str) -> Option<&'a str> {
    if let Some((value, rest)) = quoted(text) {
        let Place::Text(place) = place else { return None };
        *place = Cow::Borrowed(value);
        return Some(rest);
    }
    let end = text.bytes().position(|byte| matches!(byte, b',' | b'}'))?;
    let (value, rest) = text.split_at(end);
    match place {
        Place::Flag(place) if value == "true" => *place = true,
        Place::Flag(place) if value == "false" => *place = false,
        Place::Integer(place, _) if is_integer(value) => *place = value.parse().ok()?,
        Place::Text(_) | Place::Flag(_) | Place::Integer(..) if value == "null" => {}
        Place::Text(_) | Place::Flag(_) | Place::Integer(..) => return None,
    }
    Some(rest)
}

/// A text without escapes at the beginning of another, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('"')?;
    let (quoted, rest) = text.split_at(plain_bytes(text));
    Some((quoted, rest.strip_prefix('"')?))
}

/// Whether JSON takes it for an integer, which has no zeros before it. Source: RFC 8259, section 6.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    digits.iter().all(u8::is_ascii_digit) && matches!(digits, [b'0'] | [b'1'..=b'9', ..])
}
