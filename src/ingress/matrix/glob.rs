//! Patterns of names: `*` stands for any characters, also none, and `?` for one.

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    /// A pattern, where the text has `*` or `?`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.contains(['*', '?']).then(|| Self(text.into()))
    }

    /// A pattern of any text, which stands for itself where it has neither `*` nor `?`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(text.into())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a name is one of those that are meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        // A name is a pattern that stands for itself alone, whatever its characters are.
        let name: Vec<_> = name.chars().map(Symbol::Char).collect();
        meet(&symbols(&self.0), &name)
    }

    /// Whether there is a name that both patterns mean.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        meet(&symbols(&self.0), &symbols(&other.0))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Char(char),
    One,
    Any,
}

fn symbols(text: &str) -> Vec<Symbol> {
    let symbol = |c| match c {
        '*' => Symbol::Any,
        '?' => Symbol::One,
        c => Symbol::Char(c),
    };
    text.chars().map(symbol).collect()
}

/// Whether two rows of symbols can stand for the same name. It takes as many steps as both are long, multiplied.
fn meet(one: &[Symbol], other: &[Symbol]) -> bool {
    // `reached[at]`: whether what was read of `one` and the first `at` symbols of `other` can stand for the same beginning.
    let leading = other.iter().take_while(|symbol| **symbol == Symbol::Any).count();
    let mut reached: Vec<bool> = (0..=other.len()).map(|at| at <= leading).collect();
    for symbol in one {
        let mut next = vec![false; reached.len()];
        let mut before = (false, false);
        for (at, (next_here, &here)) in next.iter_mut().zip(&reached).enumerate() {
            let (diagonal, left) = before;
            let beside = at.checked_sub(1).and_then(|at| other.get(at));
            *next_here = match (symbol, beside) {
                (Symbol::Any, None) => here,
                (Symbol::Any, Some(_)) => here || left,
                (_, Some(Symbol::Any)) => here || left,
                (_, None) => false,
                (Symbol::One, Some(_)) | (_, Some(Symbol::One)) => diagonal,
                (symbol, Some(beside)) => diagonal && symbol == beside,
            };
            before = (here, *next_here);
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The plainest matcher there is.
    fn plain(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], name) => name.is_empty(),
            (['*', rest @ ..], name) => (0..=name.len()).any(|skipped| plain(rest, &name[skipped..])),
            (['?', rest @ ..], [_, name @ ..]) => plain(rest, name),
            ([c, rest @ ..], [first, name @ ..]) => c == first && plain(rest, name),
            ([_, ..], []) => false,
        }
    }

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn globs_match_as_operators_expect() {
        let glob = |text| Glob::of(text);
        assert!(glob("com.example.*").matches("com.example.ios"));
        assert!(glob("com.example.*").matches("com.example."));
        assert!(!glob("com.example.*").matches("com.example"));
        assert!(glob("*").matches("") && glob("*").matches("a*?"));
        assert!(glob("a?c").matches("a*c") && !glob("a?c").matches("ac"));
        assert!(Glob::parse("com.example.ios").is_none() && Glob::parse("com.?").is_some());
        assert!(glob("com.*.ios").overlaps(&glob("com.example.*")));
        assert!(!glob("com.example.*").overlaps(&glob("org.example.*")));
        assert!(!glob("*.ios").overlaps(&glob("*.android")));
        assert!(glob("a*").overlaps(&glob("*a")));
    }

    proptest! {
        #[test]
        fn a_glob_matches_what_the_plainest_matcher_matches(pattern in "[ab*?]{0,7}", name in "[ab*?]{0,7}") {
            prop_assert_eq!(Glob::of(&pattern).matches(&name), plain(&chars(&pattern), &chars(&name)));
        }

        #[test]
        fn globs_that_match_one_name_overlap(one in "[ab*?]{0,6}", other in "[ab*?]{0,6}", name in "[ab]{0,6}") {
            if plain(&chars(&one), &chars(&name)) && plain(&chars(&other), &chars(&name)) {
                prop_assert!(Glob::of(&one).overlaps(&Glob::of(&other)));
            }
        }

        #[test]
        fn globs_that_overlap_match_one_name(one in "[ab*?]{0,4}", other in "[ab*?]{0,4}") {
            // A shortest common name is no longer than both patterns together.
            let mut names = vec![String::new()];
            let mut found = false;
            for _ in 0..=8 {
                found |= names.iter().any(|name| {
                    plain(&chars(&one), &chars(name)) && plain(&chars(&other), &chars(name))
                });
                if found { break }
                names = names.iter().flat_map(|name| ["a", "b"].map(|c| format!("{name}{c}"))).collect();
            }
            prop_assert_eq!(Glob::of(&one).overlaps(&Glob::of(&other)), found);
        }
    }
}
