//! Reads header blocks.

use super::error::CompressionError;
use super::table::{Name, TABLE_SIZE, Table};
use super::{integer, text};

/// How often one block may change the size of the table. Source: RFC 7541, section 4.2.
const SIZE_UPDATES: usize = 2;

/// How many bytes of memory for text in Huffman code are kept until the next block.
const KEPT_SCRATCH: usize = 1024;

/// Reads the header blocks of one connection, in the order in which they came.
pub(crate) struct Decoder {
    table: Table,
    scratch: Scratch,
}

/// The last name and the last value that were in Huffman code.
#[derive(Default)]
struct Scratch {
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    /// A decoder whose table has the size that connections begin with.
    pub(crate) fn new() -> Self {
        Self { table: Table::new(), scratch: Scratch::default() }
    }

    /// Hands each field of one whole header block to `on`, in order.
    ///
    /// The work is bounded: no byte of the block makes it copy more than the table has, and a field that was sent before
    /// is not copied at all.
    ///
    /// # Errors
    /// Fails if this is no header block. It ends the connection, and the decoder is not used again.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        mut on: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), CompressionError> {
        let Self { table, scratch } = self;
        let mut rest = block;
        change_size(table, &mut rest)?;
        while let Some(&first) = rest.first() {
            // The first bits say what follows. Source: RFC 7541, section 6.
            match first {
                0x80.. => {
                    let index = integer::decode(&mut rest, 7)?;
                    let (name, value) = table.get(index).ok_or(CompressionError::Index)?;
                    on(name, value);
                }
                0x40.. => {
                    let (name, value) = literal(&mut rest, 6, scratch)?;
                    on(table.name(name).ok_or(CompressionError::Index)?, value);
                    table.add(name, value);
                }
                0x20.. => return Err(CompressionError::TableSize),
                _ => {
                    let (name, value) = literal(&mut rest, 4, scratch)?;
                    on(table.name(name).ok_or(CompressionError::Index)?, value);
                }
            }
        }
        scratch.name.shrink_to(KEPT_SCRATCH);
        scratch.value.shrink_to(KEPT_SCRATCH);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.table
    }
}

/// Takes the changes of the size of the table, which are at the front of a block.
fn change_size(table: &mut Table, block: &mut &[u8]) -> Result<(), CompressionError> {
    let mut updates = 0;
    while let Some(0x20..0x40) = block.first() {
        updates += 1;
        let size = integer::decode(block, 5)?;
        if size > TABLE_SIZE || updates > SIZE_UPDATES {
            return Err(CompressionError::TableSize);
        }
        table.set_max_size(size);
    }
    Ok(())
}

/// Takes a field whose value is written out from the front of a block; `prefix` bits of its first byte belong to the
/// index of its name, which is 0 if the name is written out too.
fn literal<'s, 'b: 's>(
    block: &mut &'b [u8],
    prefix: u32,
    scratch: &'s mut Scratch,
) -> Result<(Name<'s>, &'s [u8]), CompressionError> {
    let name = match integer::decode(block, prefix)? {
        0 => Name::Text(text::decode(block, &mut scratch.name)?),
        index => Name::Index(index),
    };
    Ok((name, text::decode(block, &mut scratch.value)?))
}
