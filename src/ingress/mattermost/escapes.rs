//! Which bytes of a text JSON cannot have as they are: control characters, `"` and `\`. They are looked for in eight bytes at once,
//! since nearly no text has any.
//!
//! Source: RFC 8259, section 7.

/// The beginning of a text that JSON has as it is, in bytes.
pub(super) fn plain_bytes(text: &str) -> usize {
    let (eights, rest) = text.as_bytes().as_chunks();
    for (number, eight) in eights.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*eight));
        if marks != 0 {
            // The first byte of the eight is the lowest, and so is its mark.
            return number * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, ..0x20 | b'"' | b'\\');
    text.len() - rest.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// Not zero where one of the eight bytes is such a byte; the lowest mark is that of the lowest of them.
///
/// Source: Sean Eron Anderson, "Bit Twiddling Hacks", "Determine if a word has a byte less than n" and "has a zero byte".
fn marks(word: u64) -> u64 {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    const fn less(word: u64, than: u8) -> u64 {
        word.wrapping_sub(each(than)) & !word & each(0x80)
    }
    less(word, 0x20) | less(word ^ each(b'"'), 1) | less(word ^ each(b'\\'), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn it_ends_before_the_first_byte_that_is_written_in_another_way(text in r#"(\PC|[\x00-\x7f]|["\\]){0,30}"#) {
            let found = text.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\');
            proptest::prop_assert_eq!(plain_bytes(&text), found.unwrap_or(text.len()));
        }
    }
}
