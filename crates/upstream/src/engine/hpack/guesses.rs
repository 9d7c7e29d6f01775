//! Where a field like this one was found last.
//!
//! Most fields are the same from push to push, and comparing one entry is cheaper than searching all. What is not found
//! there is searched, so that a guess may be wrong.

use super::table::Place;

/// How many guesses are kept. A push has about ten fields.
const GUESSES: usize = 64;

/// The guesses, by the lengths and the last characters of names and values.
pub(super) struct Guesses {
    places: [Place; GUESSES],
}

impl Guesses {
    pub(super) fn new() -> Self {
        Self { places: [Place::default(); GUESSES] }
    }

    /// Where a field with this name and this value, or one that looks like it, was found last.
    pub(super) fn of(&mut self, name: &[u8], value: &[u8]) -> &mut Place {
        let last = |text: &[u8]| text.last().map_or(0, |&byte| usize::from(byte));
        let mixed = name.len() + 3 * last(name) + 7 * value.len() + 13 * last(value);
        &mut self.places[mixed % GUESSES]
    }
}
