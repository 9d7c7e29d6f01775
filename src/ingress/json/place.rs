//! Where the parts of a text lie.

/// Walks over a text, from part to part, in their order.
pub(super) struct Walk<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    column: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn over(text: &'a str) -> Self {
        Self { text, at: 0, line: 1, column: 1 }
    }

    /// In which line and column, both counted from 1, a part begins that is not before the one that was asked for last.
    pub(super) fn to(&mut self, part: &str) -> (usize, usize) {
        let at = Self::offset(self.text, part);
        let passed = self.text.get(self.at..at).unwrap_or_default();
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.column = match passed.rfind('\n') {
            Some(end) => passed.len() - end,
            None => self.column + passed.len(),
        };
        self.at = at;
        (self.line, self.column)
    }

    /// How many bytes of a text stand before a part of it.
    pub(super) fn offset(text: &str, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_their_lines() {
        let text = "a\nbä c\n\nd";
        let mut walk = Walk::over(text);
        for (part, place) in [("a", (1, 1)), ("ä", (2, 2)), ("c", (2, 5)), ("d", (4, 1))] {
            let at = text.find(part).unwrap();
            assert_eq!(walk.to(&text[at..at + part.len()]), place, "{part}");
        }
    }
}
