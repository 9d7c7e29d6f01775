//! How text looks: its tones, and the marks that say the same without colours.

use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::script::Script;

/// How something is, or how loudly it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// It is the name of what follows.
    Strong,
    /// It is read by who looks for it.
    Quiet,
    Well,
    Unused,
    Troubled,
    Failing,
}

impl Tone {
    /// A sign for those that tell how something is, so that no colour has to.
    pub(super) fn mark(self, script: Script) -> &'static str {
        match self {
            Self::Well => script.pick("○", "o"),
            Self::Unused => script.pick("–", "-"),
            Self::Troubled => script.pick("▲", "!"),
            Self::Failing => script.pick("✖", "X"),
            Self::Plain | Self::Strong | Self::Quiet => " ",
        }
    }
}

/// What text is painted with. Colours are those of the terminal's own theme, so that they can be read on it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) script: Script,
    pub(super) colours: bool,
}

impl Paint {
    pub(super) fn style(self, tone: Tone) -> Style {
        let (colour, modifier) = match tone {
            Tone::Plain => return Style::new(),
            Tone::Strong => (Color::Reset, Modifier::BOLD),
            Tone::Quiet | Tone::Unused => (Color::Reset, Modifier::DIM),
            Tone::Well => (Color::Green, Modifier::empty()),
            Tone::Troubled => (Color::Yellow, Modifier::BOLD),
            Tone::Failing => (Color::Red, Modifier::BOLD),
        };
        let style = Style::new().add_modifier(modifier);
        if self.colours && colour != Color::Reset { style.fg(colour) } else { style }
    }

    pub(super) fn span(self, text: impl Into<String>, tone: Tone) -> Span<'static> {
        Span::styled(text.into(), self.style(tone))
    }

    pub(super) fn line(self, text: impl Into<String>, tone: Tone) -> Line<'static> {
        Line::from(self.span(text, tone))
    }

    /// The text in at most so many columns, with a sign where something is left out.
    pub(super) fn fit(self, text: &str, columns: usize) -> String {
        if text.width() <= columns {
            return text.to_owned();
        }
        let sign = self.script.pick("…", "~");
        format!("{}{sign}", beginning(text, columns.saturating_sub(1))).chars().take(columns).collect()
    }
}

/// The text in lines of at most so many columns, broken between words where that is possible.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let mut rest = word;
        while line.width() + rest.width() > columns {
            let mut part = beginning(rest, columns);
            if part.is_empty() {
                // A character of two columns has no place in one, and is left out.
                part = rest.get(..rest.chars().next().map_or(0, char::len_utf8)).unwrap_or_default();
            } else {
                lines.push(part.to_owned());
            }
            rest = rest.get(part.len()..).unwrap_or_default();
        }
        line.push_str(rest);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// As much of the text as has room in so many columns.
fn beginning(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or_default();
        used > columns
    });
    end.map_or(text, |(at, _)| text.get(..at).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_and_cut_by_columns() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a verylongword b", 5), ["a", "veryl", "ongwo", "rd b"]);
        assert_eq!(wrap("推送推送", 5), ["推送", "推送"]);
        assert_eq!(wrap("推a", 1), ["a"]);
        assert!(wrap("  ", 5).is_empty());
        let paint = |script| Paint { script, colours: false };
        assert_eq!(paint(Script::Unicode).fit("推送推送", 6), "推送…");
        assert_eq!(paint(Script::Ascii).fit("abcdef", 4), "abc~");
        assert_eq!(paint(Script::Ascii).fit("abcdef", 0), "");
    }
}
