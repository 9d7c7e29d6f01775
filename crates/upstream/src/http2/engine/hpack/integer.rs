//! Numbers: as many bits of the first byte as are free, and behind them groups of seven bits.
//!
//! Source: RFC 7541, section 5.1.

use super::error::CompressionError;

/// How many bytes may follow the first one, so that a number has at most 28 bits more. No index and no length of a
/// string is as large.
const MORE_BYTES: usize = 4;

/// Appends a number whose first byte begins with the bits of `first` and has `prefix` bits free.
pub(super) fn encode(number: usize, prefix: u32, first: u8, out: &mut Vec<u8>) {
    let largest = low_bits(prefix);
    match u8::try_from(number) {
        Ok(number) if number < largest => out.push(first | number),
        _ => {
            out.push(first | largest);
            let mut rest = number.saturating_sub(largest.into());
            while rest >= 0x80 {
                out.push(0x80 | (rest & 0x7f) as u8);
                rest >>= 7;
            }
            out.push(rest as u8);
        }
    }
}

/// Takes a number from the front of `block`; `prefix` bits of its first byte belong to it.
///
/// # Errors
/// Fails if the block ends inside of the number, or the number is too long.
pub(super) fn decode(block: &mut &[u8], prefix: u32) -> Result<usize, CompressionError> {
    let largest = low_bits(prefix);
    let first = take_byte(block)? & largest;
    let mut number = usize::from(first);
    if first < largest {
        return Ok(number);
    }
    for group in 0..MORE_BYTES {
        let byte = take_byte(block)?;
        number += usize::from(byte & 0x7f) << (7 * group);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(CompressionError::Number)
}

fn take_byte(block: &mut &[u8]) -> Result<u8, CompressionError> {
    let (&first, rest) = block.split_first().ok_or(CompressionError::Truncated)?;
    *block = rest;
    Ok(first)
}

/// The lowest `bits` bits of a byte; there are 1 to 8 of them.
const fn low_bits(bits: u32) -> u8 {
    u8::MAX >> (8 - bits)
}
