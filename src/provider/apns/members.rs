//! Members that an ordinary push and a Live Activity write alike.

use crate::push::LocalizedText;

/// The number 1 where something is so, because APNs knows no `true`.
pub(super) fn flag(is_so: bool) -> Option<u8> {
    is_so.then_some(1)
}

/// What the placeholders become. The member is left out where there are none.
pub(super) fn arguments(localized: Option<&LocalizedText>) -> Option<&[String]> {
    localized.map(|text| text.arguments.as_slice()).filter(|arguments| !arguments.is_empty())
}

/// A sound by name, or a critical alert's.
#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum Sound<'a> {
    Name(&'a str),
    Critical { critical: u8, name: &'a str, volume: f64 },
}
