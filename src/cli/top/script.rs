//! Which characters the terminal can show, and which ones no text from elsewhere may bring to it.

use serde_json::Value;

/// The variables that name the locale, the strongest first. Source: POSIX.1-2024, "Internationalization Variables".
const LOCALE: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

/// The characters that the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// All of Unicode.
    Unicode,
    /// ASCII alone.
    Ascii,
}

impl Script {
    /// What the locale says. `variable` reads a variable of the environment.
    pub(super) fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = LOCALE.into_iter().filter_map(variable).find(|value| !value.is_empty());
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        if locale.contains("utf-8") || locale.contains("utf8") { Self::Unicode } else { Self::Ascii }
    }

    /// One of two ways to show the same.
    pub(super) fn pick<T>(self, unicode: T, ascii: T) -> T {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }

    /// The text without what a terminal would obey, and without what it cannot show. Each character that is replaced takes
    /// one column, so that nothing moves.
    pub(super) fn clean(self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                '\n' | '\r' | '\t' => clean.push(' '),
                _ if is_unseen(character) => clean.push(self.pick('\u{fffd}', '?')),
                _ if self == Self::Unicode || character.is_ascii() => clean.push(character),
                '…' => clean.push_str("..."),
                '–' | '—' => clean.push('-'),
                _ => clean.push('?'),
            }
        }
        clean
    }

    /// The same for every text in a JSON value, names of members included. What is read from it afterwards is clean.
    pub(super) fn clean_json(self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.clean(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.clean_json(item)).collect(),
            Value::Object(members) => {
                let clean = members.into_iter().map(|(name, it)| (self.clean(&name), self.clean_json(it)));
                Value::Object(clean.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value,
        }
    }
}

/// Whether a character is an order to the terminal, or changes unseen how others stand: control characters, and those of the
/// category Cf that take no column or turn the direction of text. Source: Unicode Standard Annex #9, section 2, and
/// Technical Report #36, section 2.5.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_order_to_the_terminal_passes() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\u{7f}e\nf";
        let clean = Script::Unicode.clean(hostile);
        assert_eq!(clean, "a\u{fffd}]0;title\u{fffd}b\u{fffd}31mc\u{fffd}d\u{fffd}e f");
        assert_eq!(Script::Unicode.clean("Grüße… 推"), "Grüße… 推");
        assert_eq!(Script::Ascii.clean("Grüße… 推\u{1b}"), "Gr??e... ??");
        let json = serde_json::json!({"a\u{1b}": ["\u{7}", {"b": "\u{9b}"}], "c": 1});
        let cleaned = serde_json::json!({"a?": ["?", {"b": "?"}], "c": 1});
        assert_eq!(Script::Ascii.clean_json(json), cleaned);
    }

    #[test]
    fn the_strongest_variable_of_the_locale_that_says_something_decides() {
        for (variables, script) in [
            (&[("LANG", "de_DE.UTF-8")][..], Script::Unicode),
            (&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")], Script::Ascii),
            (&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8"), ("LANG", "C")], Script::Unicode),
            (&[("LANG", "POSIX")], Script::Ascii),
            (&[], Script::Ascii),
        ] {
            let read = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Script::of_locale(read), script, "{variables:?}");
        }
    }
}
