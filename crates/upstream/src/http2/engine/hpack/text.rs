//! Strings: their length, and their bytes as they are or in Huffman code.
//!
//! Source: RFC 7541, section 5.2.

use super::error::CompressionError;
use super::{huffman, integer};

/// The bit of the first byte that says that the string is in Huffman code.
const HUFFMAN: u8 = 0x80;

/// The length of a text that is shorter than this is one byte, and so is that of its Huffman code where that is shorter.
const LONG: usize = 0x7f;

/// Appends a string, in Huffman code where that is shorter.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    if text.len() < LONG { encode_short(text, out) } else { encode_long(text, out) }
}

/// Leaves a byte for the length, which is known once the string is written. Nearly all strings are short.
fn encode_short(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.push(text.len() as u8);
    huffman::encode(text, out);
    let coded_len = out.len() - start - 1;
    if coded_len < text.len() {
        if let Some(length) = out.get_mut(start) {
            *length = HUFFMAN | coded_len as u8;
        }
    } else {
        out.truncate(start + 1);
        out.extend_from_slice(text);
    }
}

fn encode_long(text: &[u8], out: &mut Vec<u8>) {
    let coded_len = huffman::coded_len(text);
    if coded_len < text.len() {
        integer::encode(coded_len, 7, HUFFMAN, out);
        huffman::encode(text, out);
    } else {
        integer::encode(text.len(), 7, 0, out);
        out.extend_from_slice(text);
    }
}

/// Takes a string from the front of the block. It is a part of the block, or of `scratch` if it was in Huffman code.
///
/// # Errors
/// Fails if the block ends inside of the string, or the string is no Huffman code.
pub(super) fn decode<'s, 'b: 's>(
    block: &mut &'b [u8],
    scratch: &'s mut Vec<u8>,
) -> Result<&'s [u8], CompressionError> {
    let is_huffman = block.first().is_some_and(|first| first & HUFFMAN != 0);
    let len = integer::decode(block, 7)?;
    let (text, rest) = block.split_at_checked(len).ok_or(CompressionError::Truncated)?;
    *block = rest;
    if !is_huffman {
        return Ok(text);
    }
    scratch.clear();
    huffman::decode(text, scratch)?;
    Ok(scratch)
}
