//! The Huffman code against that of another implementation, and its padding.

use loona_hpack::huffman::HuffmanDecoder;
use proptest::prelude::*;

use crate::http2::engine::hpack::error::CompressionError;
use crate::http2::engine::hpack::huffman;

fn encoded(text: &[u8]) -> Vec<u8> {
    let mut code = Vec::new();
    huffman::encode(text, &mut code);
    code
}

fn decoded(code: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let mut text = Vec::new();
    huffman::decode(code, &mut text).map(|()| text)
}

#[test]
fn each_byte_has_the_code_of_the_rfc() {
    let mut other = HuffmanDecoder::new();
    for byte in 0..=255 {
        // Behind each code stands another one, so that no bit of it can be taken for padding.
        let text = [byte, b'a', byte, byte];
        assert_eq!(other.decode(&encoded(&text)), Ok(text.to_vec()));
        assert_eq!(decoded(&encoded(&text)), Ok(text.to_vec()));
    }
}

#[test]
fn padding_is_fewer_than_eight_ones() {
    // Source: RFC 7541, section 5.2. "a" is 00011, "0" is 00000.
    for (code, text) in [
        (&[0b0001_1111][..], Some(&b"a"[..])),
        (&[0b0001_1110], None),
        (&[0b0001_1011], None),
        (&[0b0001_1111, 0xff], None),
        (&[0xff], None),
        (&[], Some(b"")),
        (&[0, 0, 0, 0, 0], Some(b"00000000")),
        (&[0, 0, 0, 0, 0, 0xff], None),
        // The symbol that ends a text, alone and behind one.
        (&[0xff, 0xff, 0xff, 0xff], None),
        (&[0b0001_1111, 0xff, 0xff, 0xff, 0xff], None),
        (&[0b0001_1111, 0xff, 0xff, 0xff, 0b1110_0000, 0, 0, 0, 0], None),
    ] {
        assert_eq!(decoded(code).ok().as_deref(), text, "{code:x?}");
    }
}

proptest! {
    #[test]
    fn all_text_comes_back(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let code = encoded(&text);
        prop_assert_eq!(code.len(), huffman::coded_len(&text));
        prop_assert_eq!(decoded(&code), Ok(text.clone()));
        prop_assert_eq!(HuffmanDecoder::new().decode(&code), Ok(text));
    }

    #[test]
    fn both_decoders_make_the_same_of_any_bytes(
        code in prop::collection::vec(prop_oneof![any::<u8>(), 0xf0_u8..], 0..40),
        text in "[ -~]{0,20}",
    ) {
        let code = [encoded(text.as_bytes()), code].concat();
        let (ours, other) = (decoded(&code), HuffmanDecoder::new().decode(&code));
        prop_assert!(ours.as_ref().map_or(0, Vec::len) * 5 <= code.len() * 8);
        prop_assert_eq!(ours.ok(), other.ok());
    }
}
