//! Writes header blocks.

use super::guesses::Guesses;
use super::secrets::Secrets;
use super::table::{ENTRY_OVERHEAD, Name, TABLE_SIZE, Table};
use super::{integer, text};
use crate::fields::{Field, Indexing};

/// Which part of the table one entry may fill, so that a long value does not evict all others.
const ENTRY_SHARE: usize = 4;

/// How a field begins, and how many bits of its first byte belong to the index. Source: RFC 7541, section 6.
type Form = (u8, u32);

/// Name and value are those of an entry.
const INDEXED: Form = (0x80, 7);
/// The value is written out, and the field is added to the table.
const ADDED: Form = (0x40, 6);
/// The value is written out.
const LITERAL: Form = (0x00, 4);
/// The value is written out, and every proxy has to do so too.
const NEVER_INDEXED: Form = (0x10, 4);
/// No field, but the new size of the table.
const SIZE_UPDATE: Form = (0x20, 5);

/// Writes the header blocks of one connection, in the order in which they are sent.
pub(crate) struct Encoder {
    /// What the decoder of the peer holds.
    table: Table,
    guesses: Guesses,
    secrets: Secrets,
    /// The size of the table from the next block on.
    size: usize,
    /// The smallest size that the peer asked for since the last block.
    smallest_size: usize,
}

impl Encoder {
    /// An encoder for a peer whose SETTINGS did not come yet.
    pub(crate) fn new() -> Self {
        Self {
            table: Table::new(),
            guesses: Guesses::new(),
            secrets: Secrets::new(),
            size: TABLE_SIZE,
            smallest_size: TABLE_SIZE,
        }
    }

    /// Follows the peer's SETTINGS_HEADER_TABLE_SIZE, of which 4,096 bytes are used at most.
    pub(crate) fn set_table_size(&mut self, peer: u32) {
        self.size = usize::try_from(peer).map_or(TABLE_SIZE, |size| size.min(TABLE_SIZE));
        self.smallest_size = self.smallest_size.min(self.size);
    }

    /// Appends one whole header block.
    pub(crate) fn encode<'a>(&mut self, fields: impl Iterator<Item = Field<'a>>, out: &mut Vec<u8>) {
        self.change_size(out);
        for field in fields {
            match field.indexing {
                Indexing::Repeats => self.repeats(field, out),
                Indexing::Varies => self.varies(field, out),
                Indexing::Secret => self.secret(field, out),
            }
        }
    }

    /// Tells the peer the smallest size that it asked for, by which it knows what was evicted, and then the last one.
    /// Source: RFC 7541, section 4.2.
    fn change_size(&mut self, out: &mut Vec<u8>) {
        for size in [self.smallest_size, self.size] {
            let max_size = self.table.max_size();
            if size < max_size || size == self.size && size != max_size {
                begin(SIZE_UPDATE, size, out);
                self.table.set_max_size(size);
            }
        }
        self.smallest_size = self.size;
    }

    fn repeats(&mut self, field: Field<'_>, out: &mut Vec<u8>) {
        let Field { name, value, .. } = field;
        let guess = self.guesses.of(name, value);
        let guessed = self.table.index(*guess);
        if self.table.get(guessed) == Some((name, value)) {
            return begin(INDEXED, guessed, out);
        }
        if let Some(index) = self.table.find(name, value) {
            *guess = self.table.place(index);
            return begin(INDEXED, index, out);
        }
        let name_index = self.name_index(name);
        if !self.has_room(field) {
            return literal(LITERAL, name_index, field, out);
        }
        self.add(name_index, field, out);
        *self.guesses.of(name, value) = self.table.newest();
    }

    /// A name that no entry has is added once, with a value that no other push has, so that it is an index afterwards.
    fn varies(&mut self, field: Field<'_>, out: &mut Vec<u8>) {
        let name_index = self.name_index(field.name);
        if name_index.is_none() && self.has_room(field) {
            return self.add(None, field, out);
        }
        literal(LITERAL, name_index, field, out);
    }

    fn secret(&mut self, field: Field<'_>, out: &mut Vec<u8>) {
        let name_index = self.name_index(field.name);
        begin_name(NEVER_INDEXED, name_index, field.name, out);
        self.secrets.encode(field.value, out);
    }

    /// The index of an entry with this name.
    fn name_index(&mut self, name: &[u8]) -> Option<usize> {
        let guess = self.guesses.of(name, b"");
        let guessed = self.table.index(*guess);
        if self.table.get(guessed).is_some_and(|entry| entry.0 == name) {
            return Some(guessed);
        }
        let index = self.table.find_name(name)?;
        *guess = self.table.place(index);
        Some(index)
    }

    /// Writes a field that both sides add to their tables.
    fn add(&mut self, name_index: Option<usize>, field: Field<'_>, out: &mut Vec<u8>) {
        literal(ADDED, name_index, field, out);
        self.table.add(name_index.map_or(Name::Text(field.name), Name::Index), field.value);
    }

    fn has_room(&self, field: Field<'_>) -> bool {
        ENTRY_OVERHEAD + field.name.len() + field.value.len() <= self.table.max_size() / ENTRY_SHARE
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.table
    }
}

fn begin((first, prefix): Form, index: usize, out: &mut Vec<u8>) {
    integer::encode(index, prefix, first, out);
}

/// Writes the beginning of a field up to its name, which is written out if no entry has it.
fn begin_name(form: Form, name_index: Option<usize>, name: &[u8], out: &mut Vec<u8>) {
    begin(form, name_index.unwrap_or(0), out);
    if name_index.is_none() {
        text::encode(name, out);
    }
}

fn literal(form: Form, name_index: Option<usize>, field: Field<'_>, out: &mut Vec<u8>) {
    begin_name(form, name_index, field.name, out);
    text::encode(field.value, out);
}
