//! Where a field like this one was found last.
//!
//! Most fields are the same from push to push, and comparing one entry is cheaper than searching all. What is not found
//! there is searched, so that a guess may be wrong.

use super::table::Place;

/// How many guesses are kept. A push has about ten fields, of which hardly two should share a guess.
const GUESSES: usize = 128;

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
        // With these factors, which were found by trial, no two fields of a push share a guess for most topics and hosts.
        let mixed = name.len() + 35 * last(name) + 3 * value.len() + 51 * last(value);
        &mut self.places[mixed % GUESSES]
    }
}
