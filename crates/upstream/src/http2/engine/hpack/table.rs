//! The fields that can be referred to by an index: the static ones, and those that were sent before.
//!
//! The names and values of the latter lie in one buffer, one behind the other, so that a field is added and evicted
//! without an allocation. Answers come with an id each, which most servers add to the table.

use std::collections::VecDeque;

use super::static_table::STATIC_TABLE;

/// The size that a table has at first and at most, here and at the peer. Source: RFC 9113, section 6.5.2.
pub(super) const TABLE_SIZE: usize = 4096;

/// How many bytes an entry counts beside its name and value. Source: RFC 7541, section 4.1.
pub(super) const ENTRY_OVERHEAD: usize = 32;

/// How many bytes the buffer has at most. It has room for the table twice, so that the entries are moved to its front
/// only when as many bytes were added as the table has.
const BUFFER_SIZE: usize = 2 * TABLE_SIZE;

/// The index of the newest entry that was sent before. Source: RFC 7541, section 2.3.3.
const NEWEST: usize = STATIC_TABLE.len() + 1;

/// The name of a field that is added: its text, or the index of an entry that has it.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    Text(&'a [u8]),
    Index(usize),
}

/// An entry, however many are added after it. Its index grows with each of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Place(usize);

struct Entry {
    /// Where the name begins in the buffer; the value follows it.
    start: usize,
    name_len: usize,
    value_len: usize,
}

impl Entry {
    fn size(&self) -> usize {
        ENTRY_OVERHEAD + self.name_len + self.value_len
    }
}

/// The static table, and the dynamic one behind it.
pub(super) struct Table {
    /// From the oldest to the newest.
    entries: VecDeque<Entry>,
    buffer: Vec<u8>,
    /// The sum of the sizes of all entries.
    size: usize,
    max_size: usize,
    /// How many entries were ever added.
    added: usize,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), buffer: Vec::new(), size: 0, max_size: TABLE_SIZE, added: 0 }
    }

    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn max_size(&self) -> usize {
        self.max_size
    }

    /// Sets how large the table may be, which is at most [`TABLE_SIZE`], and evicts what has no room any more.
    pub(super) fn set_max_size(&mut self, max_size: usize) {
        self.max_size = max_size.min(TABLE_SIZE);
        self.evict_to(self.max_size);
    }

    /// The name and the value of an entry.
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        if index < NEWEST {
            return static_entry(index);
        }
        let entry = self.entry(index)?;
        self.buffer
            .get(entry.start..)?
            .get(..entry.name_len + entry.value_len)?
            .split_at_checked(entry.name_len)
    }

    /// The text of a name.
    pub(super) fn name<'a>(&'a self, name: Name<'a>) -> Option<&'a [u8]> {
        match name {
            Name::Text(text) => Some(text),
            Name::Index(index) => self.get(index).map(|(name, _)| name),
        }
    }

    /// Adds a field, and evicts the oldest ones that have no room any more. A field that is larger than the table only
    /// empties it. Source: RFC 7541, section 4.4.
    pub(super) fn add(&mut self, name: Name<'_>, value: &[u8]) {
        let Some(name_len) = self.name(name).map(<[u8]>::len) else { return };
        let value_len = value.len();
        let size = ENTRY_OVERHEAD + name_len + value_len;
        let Some(room_for_others) = self.max_size.checked_sub(size) else { return self.evict_to(0) };
        if self.buffer.len() + name_len + value_len > BUFFER_SIZE {
            self.compact();
        }
        let start = self.buffer.len();
        // The name may be that of an entry that is evicted now, and so it is copied before.
        self.copy_name(name);
        self.buffer.extend_from_slice(value);
        self.evict_to(room_for_others);
        self.entries.push_back(Entry { start, name_len, value_len });
        self.size += size;
        self.added = self.added.wrapping_add(1);
    }

    /// The index of the entry that has this name and this value.
    pub(super) fn find(&self, name: &[u8], value: &[u8]) -> Option<usize> {
        let wanted = Some((name, value));
        let sent = NEWEST..NEWEST + self.entries.len();
        sent.chain(1..NEWEST).find(|&index| self.get(index) == wanted)
    }

    /// The smallest index of an entry that has this name.
    pub(super) fn find_name(&self, name: &[u8]) -> Option<usize> {
        (1..NEWEST + self.entries.len()).find(|&index| self.get(index).is_some_and(|entry| entry.0 == name))
    }

    /// The place of the entry that has this index now.
    pub(super) fn place(&self, index: usize) -> Place {
        if index < NEWEST { Place(index) } else { Place(self.newest().0.wrapping_sub(index - NEWEST)) }
    }

    /// The place of the entry that was added last.
    pub(super) fn newest(&self) -> Place {
        Place(self.added.wrapping_add(NEWEST - 1))
    }

    /// The index that the entry at this place has now. There is nothing at the index if the entry was evicted.
    pub(super) fn index(&self, place: Place) -> usize {
        if place.0 < NEWEST { place.0 } else { NEWEST.wrapping_add(self.newest().0.wrapping_sub(place.0)) }
    }

    #[cfg(test)]
    pub(super) fn buffer_len(&self) -> usize {
        self.buffer.len()
    }

    fn entry(&self, index: usize) -> Option<&Entry> {
        let age = index.checked_sub(NEWEST)?;
        self.entries.get(self.entries.len().checked_sub(1)?.checked_sub(age)?)
    }

    /// Appends a name to the buffer.
    fn copy_name(&mut self, name: Name<'_>) {
        match name {
            Name::Text(text) => self.buffer.extend_from_slice(text),
            Name::Index(index) => {
                match self.entry(index).map(|entry| entry.start..entry.start + entry.name_len) {
                    Some(range) => self.buffer.extend_from_within(range),
                    None => self.buffer.extend_from_slice(static_entry(index).map_or(b"", |(name, _)| name)),
                }
            }
        }
    }

    fn evict_to(&mut self, size: usize) {
        while self.size > size
            && let Some(oldest) = self.entries.pop_front()
        {
            self.size -= oldest.size();
        }
    }

    /// Moves all entries to the front of the buffer.
    fn compact(&mut self) {
        let unused = self.entries.front().map_or(self.buffer.len(), |oldest| oldest.start);
        self.buffer.drain(..unused);
        for entry in &mut self.entries {
            entry.start -= unused;
        }
    }
}

fn static_entry(index: usize) -> Option<(&'static [u8], &'static [u8])> {
    STATIC_TABLE.get(index.checked_sub(1)?).copied()
}
