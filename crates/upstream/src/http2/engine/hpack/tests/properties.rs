//! What holds whatever is sent, and whatever a peer sends.

use proptest::prelude::*;

use super::drawn::{Step, block, steps};
use super::*;
use crate::http2::engine::hpack::integer;

/// The most entries that fit into a table.
const ENTRIES: usize = 4096 / 32;

fn assert_bounds(table: &Table) {
    let entries = added(table);
    assert!(entries.len() <= ENTRIES);
    let size: usize = entries.iter().map(|(name, value)| 32 + name.len() + value.len()).sum();
    assert_eq!(size, table.size());
    assert!(size <= table.max_size() && table.max_size() <= 4096);
    assert!(table.buffer_len() <= 2 * 4096);
}

proptest! {
    #[test]
    fn what_is_sent_comes_back_and_both_tables_are_the_same(steps in steps()) {
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
        let mut largest = 4096;
        for step in steps {
            match step {
                Step::TableSize(size) => {
                    encoder.set_table_size(size);
                    largest = size.min(4096) as usize;
                }
                Step::Block(fields) => {
                    let mut block = b"before".to_vec();
                    encoder.encode(fields.iter().map(|field| field.borrow()), &mut block);
                    let block = block.strip_prefix(b"before").unwrap();
                    let sent: List = fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
                    prop_assert_eq!(decode(&mut decoder, block).unwrap(), sent);
                    prop_assert_eq!(added(encoder.table()), added(decoder.table()));
                    prop_assert_eq!(encoder.table().max_size(), largest);
                    prop_assert_eq!(decoder.table().max_size(), largest);
                    assert_bounds(encoder.table());
                    assert_bounds(decoder.table());
                }
            }
        }
    }

    #[test]
    fn bounds_hold_whatever_the_peer_sends(
        blocks in prop::collection::vec(block(), 0..20),
        garbage in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let mut decoder = Decoder::new();
        for block in blocks.iter().chain([&garbage]) {
            let failed = decode(&mut decoder, block).is_err();
            assert_bounds(decoder.table());
            if failed {
                break;
            }
        }
    }

    #[test]
    fn no_table_keeps_a_secret(names in prop::collection::vec(super::drawn::name(), 1..20)) {
        let mut encoder = Encoder::new();
        let mut block = Vec::new();
        for name in &names {
            let secret = Field { name, value: b"secret", indexing: Indexing::Secret };
            block.clear();
            encoder.encode([secret].into_iter(), &mut block);
            prop_assert_eq!(block[0] & 0xf0, 0x10);
            prop_assert_eq!(added(encoder.table()), List::new());
        }
    }
}

#[test]
fn a_change_of_the_size_is_wrong_behind_a_field_or_beyond_the_bound() {
    for (hex, expected) in [
        ("20 3fe11f 82", Ok(1)),
        ("20 20 20", Err(CompressionError::TableSize)),
        ("3fe21f", Err(CompressionError::TableSize)),
        ("82 20", Err(CompressionError::TableSize)),
    ] {
        let list = decode(&mut Decoder::new(), &bytes(hex));
        assert_eq!(list.map(|list| list.len()), expected, "{hex}");
    }
}

#[test]
fn what_no_block_may_have_is_an_error() {
    for (hex, error) in [
        ("80", CompressionError::Index),
        ("be", CompressionError::Index),
        ("7f00 01 61", CompressionError::Index),
        ("0f2f 01 61", CompressionError::Index),
        ("ff ff ff ff ff 0f", CompressionError::Number),
        ("ff 80 80 80 80 00", CompressionError::Number),
        ("00 7f ff ff ff ff 0f", CompressionError::Number),
        ("ff", CompressionError::Truncated),
        ("44", CompressionError::Truncated),
        ("44 05 61", CompressionError::Truncated),
        ("00 01 61", CompressionError::Truncated),
        ("44 81 00", CompressionError::Huffman),
    ] {
        assert_eq!(decode(&mut Decoder::new(), &bytes(hex)), Err(error), "{hex}");
    }
}

#[test]
fn a_block_that_refers_to_a_large_entry_again_and_again_copies_nothing() {
    let mut decoder = Decoder::new();
    let mut block = vec![0x40, 1, b'n'];
    let value_len = 4096 - 32 - 1;
    integer::encode(value_len, 7, 0, &mut block);
    block.extend(vec![b'v'; value_len]);
    let before = block.len();
    block.extend(vec![0xbe; 32_768 - before]);
    let (mut addresses, mut fields) = (std::collections::BTreeSet::new(), 0);
    decoder
        .decode(&block, |_, value| {
            fields += 1;
            addresses.insert(value.as_ptr());
        })
        .unwrap();
    assert_eq!(fields, 1 + 32_768 - before);
    // The first one is that of the block, all others are that of the table.
    assert_eq!(addresses.len(), 2);
}
