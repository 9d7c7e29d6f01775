//! The emoji that stand in a message as names between colons, such as `:smile:`.
//!
//! Names are those that Mattermost's own clients show. What is no such name stays as it is.

mod names;

use std::borrow::Cow;

/// The text with the emoji in place of their names.
pub(super) fn expand(text: &str) -> Cow<'_, str> {
    let mut expanded = String::new();
    // What precedes this place was copied.
    let mut done = 0;
    let mut colons = text.match_indices(':').map(|(at, _)| at).peekable();
    while let Some(open) = colons.next() {
        let Some(close) = colons.peek().copied() else { break };
        // The colon that ends what is no name may begin one.
        if let Some(emoji) = names::emoji(&text[open + 1..close]) {
            expanded.push_str(&text[done..open]);
            expanded.push_str(emoji);
            done = close + 1;
            colons.next();
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    expanded.push_str(&text[done..]);
    Cow::Owned(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_emoji_and_all_else_stays() {
        for (text, expected) in [
            ("hi :smile: <b>&", "hi 😄 <b>&"),
            ("plain :tada:", "plain 🎉"),
            (":+1::-1:", "👍👎"),
            ("12:30:smile: 9", "12:30😄 9"),
            (":unknown:smile:", ":unknown😄"),
            (":unknown_custom: :smile", ":unknown_custom: :smile"),
            ("::smile::", ":😄:"),
            ("a : b : c", "a : b : c"),
            (":", ":"),
            ("", ""),
            ("http://x:80/:8ball:", "http://x:80/🎱"),
        ] {
            assert_eq!(expand(text), expected, "{text}");
        }
        assert!(matches!(expand("no names: none"), Cow::Borrowed(_)));
    }
}
