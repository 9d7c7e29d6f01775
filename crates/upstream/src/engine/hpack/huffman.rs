//! Text in Huffman code.
//!
//! Source: RFC 7541, section 5.2.

use super::error::CompressionError;
use super::huffman_code::{CODES, symbol};

/// How many bytes the text has in Huffman code.
pub(super) fn coded_len(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(CODES[usize::from(byte)].length)).sum::<usize>().div_ceil(8)
}

/// Appends the text in Huffman code.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    // The lowest `count` bits of `bits` are not written yet. They are fewer than 32, and no code has more than 30.
    let (mut bits, mut count) = (0_u64, 0_u32);
    for &byte in text {
        let code = CODES[usize::from(byte)];
        bits = bits << code.length | u64::from(code.bits);
        count += u32::from(code.length);
        if count >= 32 {
            count -= 32;
            out.extend_from_slice(&((bits >> count) as u32).to_be_bytes());
        }
    }
    // Ones fill the last byte, because they begin the code of the end.
    let last = ((bits << 32 | u64::from(u32::MAX)) >> count) as u32;
    let bytes = last.to_be_bytes();
    out.extend_from_slice(bytes.get(..count.div_ceil(8) as usize).unwrap_or(&bytes));
}

/// Appends the text that this Huffman code stands for, which has at most eight bytes for five of the code.
///
/// # Errors
/// Fails if the code has the symbol that ends a text, or is padded with other bits than the first of that symbol, or
/// with more than seven.
pub(super) fn decode(code: &[u8], out: &mut Vec<u8>) -> Result<(), CompressionError> {
    out.reserve(code.len() * 8 / 5);
    // The highest `count` bits of `bits` are not decoded yet.
    let (mut bits, mut count) = (0_u64, 0_u32);
    let (words, rest) = code.as_chunks::<4>();
    for &word in words {
        bits |= u64::from(u32::from_be_bytes(word)) << (32 - count);
        count += 32;
        while count >= 32 {
            let (symbol, length) = symbol((bits >> 32) as u32);
            out.push(u8::try_from(symbol).map_err(|_| CompressionError::Huffman)?);
            bits <<= length;
            count -= length;
        }
    }
    for &byte in rest {
        bits |= u64::from(byte) << (56 - count);
        count += 8;
    }
    // Behind the text stand ones, as if its padding went on, and so the code that the last bits begin is longer than they.
    let mut padded = bits | u64::MAX >> count;
    loop {
        let (symbol, length) = symbol((padded >> 32) as u32);
        if length > count {
            let ones = padded == u64::MAX;
            return if ones && count < 8 { Ok(()) } else { Err(CompressionError::Huffman) };
        }
        out.push(u8::try_from(symbol).map_err(|_| CompressionError::Huffman)?);
        padded = !(!padded << length);
        count -= length;
    }
}
