//! Device addresses in the log.

use std::fmt;

/// The first characters of a device address, enough to find it in a log and too few to use it.
pub(crate) struct Shortened<'a>(pub(crate) &'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let end = self.0.char_indices().nth(SHOWN).map_or(self.0.len(), |(at, _)| at);
        // A value that is no longer than the shown part would be shown whole, so nothing of it is shown.
        if end == self.0.len() { f.write_str("…") } else { write!(f, "{}…", &self.0[..end]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut_short() {
        assert_eq!(Shortened("0123456789abcdef").to_string(), "01234567…");
        assert_eq!(Shortened("01234567").to_string(), "…");
        assert_eq!(Shortened("ééééééééé").to_string(), "éééééééé…");
    }
}
