//! Texts are shortened by whole characters: to a length of their own, or together until what holds them fits.

/// The first characters of a text, at most so many.
pub(super) fn first_chars(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// A text of at most so many bytes, which ends with `…` where it was longer.
pub(super) fn within_bytes(text: &str, most: usize) -> String {
    const ELLIPSIS: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(ELLIPSIS.len()));
    format!("{}{ELLIPSIS}", &text[..end])
}

/// What a character takes in a JSON string, in bytes, as serde_json writes it.
pub(super) fn in_json(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

/// Takes `excess` away from texts, always from the one that is the longest then, so that short ones stay whole.
pub(super) fn shorten(mut texts: Vec<&mut String>, excess: usize, cost: fn(char) -> usize) {
    let costs: Vec<usize> = texts.iter().map(|text| text.chars().map(cost).sum()).collect();
    let target = costs.iter().sum::<usize>().saturating_sub(excess);
    // The highest level to which all of them can be cut.
    let (mut low, mut high) = (0, costs.iter().copied().max().unwrap_or(0));
    while low < high {
        let level = low + (high - low).div_ceil(2);
        if costs.iter().map(|cost| cost.min(&level)).sum::<usize>() <= target {
            low = level;
        } else {
            high = level - 1;
        }
    }
    for text in &mut texts {
        let mut taken = 0;
        let end = text.char_indices().find(|(_, c)| {
            taken += cost(*c);
            taken > low
        });
        if let Some((end, _)) = end {
            text.truncate(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(first_chars("äöü", 2), "äö");
        assert_eq!(first_chars("äöü", 3), "äöü");
        assert_eq!(within_bytes("ääää", 8), "ääää");
        assert_eq!(within_bytes("äääää", 8), "ää…");
        assert_eq!(within_bytes("abcdef", 2), "…");
    }

    #[test]
    fn the_longest_text_is_shortened_and_short_ones_stay_whole() {
        let (mut name, mut body) = ("Ann".to_owned(), "x".repeat(100));
        shorten(vec![&mut name, &mut body], 60, char::len_utf8);
        assert_eq!((name.as_str(), body.len()), ("Ann", 40));
        shorten(vec![&mut name, &mut body], 1000, char::len_utf8);
        assert_eq!((name.as_str(), body.as_str()), ("", ""));
    }

    proptest! {
        #[test]
        fn what_a_character_takes_in_json_is_what_serde_json_writes(c in any::<char>()) {
            prop_assert_eq!(in_json(c) + 2, serde_json::to_string(&c).unwrap().len());
        }

        #[test]
        fn enough_is_taken_away_and_hardly_more(
            texts in proptest::collection::vec("[aä\"\\n🙂]{0,40}", 1..6),
            excess in 1..400_usize,
        ) {
            let cost = |texts: &[String]| texts.iter().flat_map(|it| it.chars()).map(in_json).sum::<usize>();
            let before = cost(&texts);
            let mut after = texts.clone();
            shorten(after.iter_mut().collect(), excess, in_json);
            let left = cost(&after);
            prop_assert!(left <= before.saturating_sub(excess));
            // One character of four bytes more at most, of each text, and a level that is one too low.
            prop_assert!(left + 4 * texts.len() >= before.saturating_sub(excess));
            for (before, after) in texts.iter().zip(&after) {
                prop_assert!(before.starts_with(after.as_str()));
            }
        }
    }
}
