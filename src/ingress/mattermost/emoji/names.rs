//! The names of emoji. Each of these knows names that the others do not:
//!
//! - `names.tsv` has those of Mattermost that no other list has, or that Mattermost means otherwise;
//! - the short codes of GitHub, of which Mattermost has most;
//! - the names of Unicode's CLDR, with underscores, of which Mattermost has those with skin tones.
//!
//! Source: github.com/mattermost/mattermost, `server/public/model/emoji_data.go`, which is made of emoji-datasource.

use std::collections::HashMap;
use std::iter;
use std::sync::LazyLock;

use emojis::{Emoji, SkinTone};

/// The longest name that is looked up, in bytes. The longest of Mattermost has less.
const MAX_NAME_BYTES: usize = 128;

/// Names of Mattermost, one on a line, with a tab and the emoji.
const OF_MATTERMOST: &str = include_str!("names.tsv");

/// Mattermost's own names. Like the other list, it is made when a name is looked up for the first time.
static MATTERMOST: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| OF_MATTERMOST.lines().filter_map(|line| line.split_once('\t')).collect());

/// The names of Unicode, [`plain`].
static UNICODE: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let all =
        emojis::iter().flat_map(|emoji| iter::once(emoji).chain(emoji.skin_tones().into_iter().flatten()));
    all.map(|emoji| (plain(emoji.name()), emoji.as_str())).collect()
});

/// The emoji of a name.
pub(super) fn emoji(name: &str) -> Option<&'static str> {
    let fits = (1..=MAX_NAME_BYTES).contains(&name.len());
    if !fits || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+')) {
        return None;
    }
    whole(name).or_else(|| with_skin_tone(name))
}

fn whole(name: &str) -> Option<&'static str> {
    let of_mattermost = MATTERMOST.get(name).copied();
    let short_code = || emojis::get_by_shortcode(name).map(Emoji::as_str);
    let of_unicode = || UNICODE.get(&plain(name)).copied();
    of_mattermost.or_else(short_code).or_else(|| flag(name)).or_else(of_unicode)
}

/// An emoji with a skin tone, such as `wave_dark_skin_tone`.
fn with_skin_tone(name: &str) -> Option<&'static str> {
    // A tone whose name ends with another's comes before it.
    const TONES: [(&str, SkinTone); 5] = [
        ("_medium_light_skin_tone", SkinTone::MediumLight),
        ("_medium_dark_skin_tone", SkinTone::MediumDark),
        ("_medium_skin_tone", SkinTone::Medium),
        ("_light_skin_tone", SkinTone::Light),
        ("_dark_skin_tone", SkinTone::Dark),
    ];
    let (name, tone) = TONES.iter().find_map(|(end, tone)| Some((name.strip_suffix(end)?, *tone)))?;
    emojis::get(whole(name)?)?.with_skin_tone(tone).map(Emoji::as_str)
}

/// The flag of a region, such as `flag-de`: two regional indicators, of which the table of emoji has every flag.
fn flag(name: &str) -> Option<&'static str> {
    let letters = name.strip_prefix("flag-").filter(|letters| letters.len() == 2)?;
    let indicator =
        |letter: u8| char::from_u32(u32::from(letter.to_ascii_lowercase()) - u32::from(b'a') + 0x1f1e6);
    let flag: String = letters.bytes().map(indicator).collect::<Option<_>>()?;
    emojis::get(&flag).map(Emoji::as_str)
}

/// A name without what is written in several ways: letter case, and all but letters and digits.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|character| character.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_name_is_known() {
        for (name, expected) in [
            ("smile", Some("😄")),
            ("hugging_face", Some("🤗")),
            ("satellite", Some("🛰️")),
            ("thinking_face", Some("🤔")),
            ("star-struck", Some("🤩")),
            ("wave_dark_skin_tone", Some("👋🏿")),
            ("wave_medium_dark_skin_tone", Some("👋🏾")),
            ("waving_hand_dark_skin_tone", Some("👋🏿")),
            ("flag-de", Some("🇩🇪")),
            ("flag-zz", None),
            ("flag-9", None),
            ("de", Some("🇩🇪")),
            // CLDR calls the whole animal so, and Mattermost its face.
            ("dog", Some("🐶")),
            ("100", Some("💯")),
            ("+1", Some("👍")),
            ("", None),
            ("-", None),
            ("smile ", None),
        ] {
            assert_eq!(emoji(name), expected, "{name}");
        }
    }

    #[test]
    fn the_table_is_read_whole() {
        for line in OF_MATTERMOST.lines() {
            let (name, expected) = line.split_once('\t').unwrap();
            assert_eq!(emoji(name), Some(expected), "{name}");
        }
    }
}
