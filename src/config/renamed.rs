//! Keys that earlier versions had, and what is written in their place.
//!
//! Such a key is refused, as an unknown one is: a gateway that left it out would wait, hold or send otherwise than its operator
//! wrote, and nobody would know. `fanfare check` of the new version says so before the old one is replaced.

/// Each key as a path, and the sentence that says what to do.
const RENAMED: [(&str, &str); 1] = [(
    "upstream.settings_timeout",
    "this is a key of earlier versions: take it out, since upstream.connect_timeout holds for the first SETTINGS too",
)];

/// What to write in the place of a key, where earlier versions had it.
pub(super) fn instead_of(key: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(former, _)| *former == key).map(|(_, instead)| *instead)
}
