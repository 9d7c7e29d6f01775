//! Reads what servers send most: an object as Go writes it, without spaces between its parts, whose members are known and in Go's order
//! and whose values are texts without escapes, integers, flags and null. What it saves is in docs/performance.md, "Mattermost servers".

use std::borrow::Cow;

use super::place::{GoStruct, Place};
use crate::ingress::mattermost::escapes::plain_bytes;

/// Reads such an object into a struct, and says whether it is one. Where it is another, or none, some members may be filled.
pub(super) fn read<'a, T: GoStruct<'a>>(text: &'a str, read: &mut T) -> Option<()> {
    let mut rest = after(text, b'{')?;
    for (key, place) in read.members() {
        // Go leaves out members that say nothing.
        let Some(value) = value_of(key, rest) else { continue };
        rest = put(place, value)?;
        match rest.as_bytes().first()? {
            b',' => rest = &rest[1..],
            // What follows the object is ignored.
            b'}' => return Some(()),
            _ => return None,
        }
    }
    None
}

/// What follows this key and its colon, where a text begins with them.
fn value_of<'a>(key: &str, text: &'a str) -> Option<&'a str> {
    after(after(after(text, b'"')?.strip_prefix(key)?, b'"')?, b':')
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
    let text = after(text, b'"')?;
    let (quoted, rest) = text.split_at(plain_bytes(text));
    Some((quoted, after(rest, b'"')?))
}

/// What follows this byte of ASCII at the beginning of a text.
fn after(text: &str, byte: u8) -> Option<&str> {
    if text.as_bytes().first() == Some(&byte) { text.get(1..) } else { None }
}

/// Whether JSON takes it for an integer, which has no zeros before it. Source: RFC 8259, section 6.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    digits.iter().all(u8::is_ascii_digit) && matches!(digits, [b'0'] | [b'1'..=b'9', ..])
}
