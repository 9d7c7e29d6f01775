//! Another implementation reads what the encoder writes, and both read what anyone may write.

use loona_hpack::decoder::DecoderError;
use proptest::prelude::*;

use super::drawn::{Step, block, steps};
use super::*;

/// The other decoder, with the same bound of its table.
fn other_decoder() -> loona_hpack::Decoder<'static> {
    let mut decoder = loona_hpack::Decoder::new();
    decoder.set_max_allowed_table_size(4096);
    decoder
}

proptest! {
    // The other decoder builds its Huffman tables for each string, which takes long without optimization.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn another_decoder_reads_what_the_encoder_writes(steps in steps()) {
        let (mut encoder, mut decoder) = (Encoder::new(), other_decoder());
        for step in steps {
            match step {
                Step::TableSize(size) => encoder.set_table_size(size),
                Step::Block(fields) => {
                    let mut block = Vec::new();
                    encoder.encode(fields.iter().map(|field| field.borrow()), &mut block);
                    let sent: List = fields.into_iter().map(|field| (field.name, field.value)).collect();
                    prop_assert_eq!(decoder.decode(&block).unwrap(), sent);
                }
            }
        }
    }

    #[test]
    fn the_decoder_reads_what_another_encoder_writes(steps in steps()) {
        let (mut encoder, mut decoder) = (loona_hpack::Encoder::new(), Decoder::new());
        for step in steps {
            if let Step::Block(fields) = step {
                let block = encoder.encode(fields.iter().map(|field| (&field.name[..], &field.value[..])));
                let sent: List = fields.iter().map(|field| (field.name.clone(), field.value.clone())).collect();
                prop_assert_eq!(decode(&mut decoder, &block).unwrap(), sent);
            }
        }
    }

    #[test]
    fn both_decoders_accept_the_same_blocks(blocks in prop::collection::vec(block(), 1..12)) {
        let (mut ours, mut other) = (Decoder::new(), other_decoder());
        for block in blocks {
            let list = decode(&mut ours, &block).ok();
            prop_assert_eq!(&list, &other.decode(&block).ok());
            if list.is_none() {
                break;
            }
        }
    }

    #[test]
    fn both_decoders_make_the_same_of_garbage(
        blocks in prop::collection::vec((block(), any::<prop::sample::Index>(), any::<u8>()), 1..6),
        garbage in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let (mut ours, mut other) = (Decoder::new(), other_decoder());
        let damaged = blocks.into_iter().map(|(mut block, at, byte)| {
            let at = at.index(block.len());
            block[at] = byte;
            block
        });
        for block in damaged.chain([garbage]) {
            match (decode(&mut ours, &block), other.decode(&block)) {
                (Ok(list), Ok(other)) => prop_assert_eq!(list, other),
                // RFC 7541, section 4.2, has changes of the size only in front of the first field, at most two. The
                // other decoder takes them everywhere.
                (Err(CompressionError::TableSize), Ok(_)) => break,
                // The other decoder wants a field behind them. The RFC does not.
                (Ok(_), Err(DecoderError::SizeUpdateAtEnd)) | (Err(_), Err(_)) => break,
                (ours, other) => prop_assert!(false, "{ours:?} {other:?} {block:x?}"),
            }
        }
    }
}
