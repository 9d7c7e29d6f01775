//! Text in Huffman code.
//!
//! Source: RFC 7541, section 5.2.

use super::error::CompressionError;
use super::huffman_code::{CODES, Code, symbol};

/// How many bytes the text has in Huffman code.
pub(super) fn coded_len(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(CODES[usize::from(byte)].length)).sum::<usize>().div_ceil(8)
}

/// Appends the text in Huffman code.
pub(super) fn encode(text: &[u8], out: &mut Vec<u8>) {
    let mut bits = Bits { value: 0, count: 0, out };
    let (groups, rest) = text.as_chunks::<4>();
    for group in groups {
        // Four short codes are joined first: the processor does that while it still writes the four before.
        let codes = group.map(|byte| CODES[usize::from(byte)]);
        let [a, b, c, d] = codes;
        if a.length + b.length + c.length + d.length <= 32 {
            bits.push(a.then(b).then(c.then(d)));
        } else {
            codes.into_iter().for_each(|code| bits.push(code));
        }
    }
    rest.iter().for_each(|&byte| bits.push(CODES[usize::from(byte)]));
    bits.finish();
}

/// Bits that are written four bytes at a time.
struct Bits<'a> {
    /// The lowest `count` bits are not written yet, which are fewer than 32 of them.
    value: u64,
    count: u32,
    out: &'a mut Vec<u8>,
}

impl Bits<'_> {
    fn push(&mut self, code: Code) {
        self.value = self.value << code.length | u64::from(code.bits);
        self.count += u32::from(code.length);
        if self.count >= 32 {
            self.count -= 32;
            self.out.extend_from_slice(&((self.value >> self.count) as u32).to_be_bytes());
        }
    }

    /// Writes the rest, and fills its last byte with ones, because they begin the code of the symbol that ends a text.
    fn finish(self) {
        let filled = (self.value << 32 | u64::from(u32::MAX)) >> self.count;
        let bytes = (filled as u32).to_be_bytes();
        self.out.extend(bytes.into_iter().take(self.count.div_ceil(8) as usize));
    }
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
