//! Cuts texts to what a push service takes, at a character.

use crate::provider::cut;

/// A message longer than this is cut to [`CUT_MESSAGE_BYTES`], as the real push proxy does.
///
/// Source: recorded from the real push proxy.
const LONGEST_MESSAGE_BYTES: usize = 2047;
const CUT_MESSAGE_BYTES: usize = 2046;

/// The longest name of a channel. Source: recorded from the real push proxy.
const MAX_CHANNEL_NAME_BYTES: usize = 64;

/// A message as long as the real push proxy lets it be. Where that cuts a character in two, the character is left out.
pub(super) fn message(message: &str) -> &str {
    if message.len() > LONGEST_MESSAGE_BYTES { cut(message, CUT_MESSAGE_BYTES) } else { message }
}

/// The name of a channel, likewise.
pub(super) fn channel_name(name: &str) -> &str {
    cut(name, MAX_CHANNEL_NAME_BYTES)
}

/// The longest beginning of a text that is shorter by at least so many bytes, as they are counted.
pub(super) fn shorter_by(text: &str, surplus: usize, bytes: fn(char) -> usize) -> &str {
    let mut left = surplus;
    let mut ends = text.char_indices().rev();
    let end = ends.find_map(|(at, character)| {
        left = left.saturating_sub(bytes(character));
        (left == 0).then_some(at)
    });
    if surplus == 0 { text } else { &text[..end.unwrap_or(0)] }
}

/// The bytes of a character in the JSON that the gateway writes, which escapes what JSON needs and nothing else.
///
/// Source: RFC 8259, section 7; the short forms as serde_json writes them.
pub(super) fn in_json(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cut_where_the_real_proxy_cuts_them_but_at_a_character() {
        assert_eq!(message(&"x".repeat(2047)).len(), 2047);
        assert_eq!(message(&"x".repeat(2048)).len(), 2046);
        let umlauts = format!("x{}", "ü".repeat(1024));
        assert_eq!(message(&umlauts).len(), 2045, "the character at byte 2045 has two bytes");
        assert_eq!(channel_name(&"z".repeat(65)).len(), 64);
        assert_eq!(channel_name(&format!("{}é", "z".repeat(63))).len(), 63);
    }

    #[test]
    fn a_text_gets_shorter_by_whole_characters() {
        let by = |surplus| shorter_by("a\"é\n", surplus, in_json);
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 7, 100].map(by),
            ["a\"é\n", "a\"é", "a\"é", "a\"", "a\"", "a", "a", "", ""]
        );
    }

    proptest! {
        #[test]
        fn what_a_character_takes_in_json_is_what_is_written(character: char) {
            let written = serde_json::to_string(&character).unwrap().len() - 2;
            prop_assert_eq!(in_json(character), written);
        }
    }
}
