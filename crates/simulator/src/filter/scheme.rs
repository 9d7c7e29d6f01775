//! Repairs `:scheme: https:`, with a colon at the end, which npm firebase-admin sends, FCM accepts and h2 resets.
//!
//! The value is a literal in the header block, and is changed there to `https`. Later requests name it by its place in
//! the dynamic table, where h2 finds the repaired value. The entry of h2 is therefore a byte shorter than that of the
//! client: h2 may keep entries a little longer than the client, which never names those. Source: RFC 7541, 4.4 and
//! 6.2.

use bytes::BytesMut;

use super::frame::HEAD_LEN;

/// The flags of HEADERS. Source: RFC 9113, 6.2.
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The indexes of `:scheme` in the static table. Source: RFC 7541, appendix A.
const SCHEME: [usize; 2] = [6, 7];

/// The value that is repaired, plain and in the Huffman code, and what takes its place, each with its length before
/// it. Source: RFC 7541, 5.2 and appendix B.
const PLAIN: &[u8] = b"\x06https:";
const HUFFMAN: &[u8] = b"\x85\x9d\x29\xad\x17\x3f";
const MENDED: &[u8] = b"\x84\x9d\x29\xad\x1f";

/// Returns the frame without the colon. The result is `None` if the frame has no such value or cannot be read, which
/// h2 judges.
pub(super) fn without_colon(frame: &[u8]) -> Option<BytesMut> {
    let flags = *frame.get(4)?;
    let mut at = HEAD_LEN + usize::from(flags & PADDED != 0) + if flags & PRIORITY != 0 { 5 } else { 0 };
    // Pseudo-headers are the first of a block. Source: RFC 9113, 8.3.
    loop {
        let first = *frame.get(at)?;
        let prefix = match first {
            0x80.. => 7,
            0x40.. => 6,
            0x20.. => 5,
            _ => 4,
        };
        let (index, after) = integer(frame, at, prefix)?;
        at = after;
        if first >= 0x80 || prefix == 5 {
            continue;
        }
        if index == 0 {
            at = string_end(frame, at)?;
        }
        let end = string_end(frame, at)?;
        if SCHEME.contains(&index) {
            let value = frame.get(at..end)?;
            return (value == PLAIN || value == HUFFMAN).then(|| replaced(frame, at, end));
        }
        at = end;
    }
}

fn replaced(frame: &[u8], from: usize, to: usize) -> BytesMut {
    let (before, after) = (frame.get(..from).unwrap_or_default(), frame.get(to..).unwrap_or_default());
    let mut mended = BytesMut::with_capacity(frame.len());
    mended.extend_from_slice(before);
    mended.extend_from_slice(MENDED);
    mended.extend_from_slice(after);
    // A frame has at most 2^24 bytes, and this one has become shorter.
    let length = u32::try_from(mended.len() - HEAD_LEN).unwrap_or_default().to_be_bytes();
    for (place, byte) in mended.iter_mut().zip(length.into_iter().skip(1)) {
        *place = byte;
    }
    mended
}

/// Decodes an integer with a prefix of this many bits, and returns where it ends. Source: RFC 7541, 5.1.
fn integer(bytes: &[u8], mut at: usize, prefix: u32) -> Option<(usize, usize)> {
    let most = (1_usize << prefix) - 1;
    let mut value = usize::from(*bytes.get(at)?) & most;
    at += 1;
    if value < most {
        return Some((value, at));
    }
    for shift in (0..28).step_by(7) {
        let byte = usize::from(*bytes.get(at)?);
        at += 1;
        value += (byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((value, at));
        }
    }
    None
}

fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let (length, start) = integer(bytes, at, 7)?;
    Some(start + length).filter(|end| *end <= bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a HEADERS frame with this block and END_HEADERS.
    fn headers(flags: u8, block: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, u8::try_from(block.len()).unwrap(), 1, flags, 0, 0, 0, 1];
        frame.extend_from_slice(block);
        frame
    }

    #[test]
    fn the_colon_goes_in_every_form_of_a_literal_and_the_rest_stays() {
        // The block has `:method: POST` by index, and `:path` as a literal that is not indexed.
        let before = b"\x83\x04\x02/p";
        let after = b"\x41\x01h";
        for literal in [0x46, 0x06, 0x16, 0x47] {
            for value in [PLAIN, HUFFMAN] {
                for (flags, head) in [(0x5, &b""[..]), (0x2d, &b"\x00\x00\x00\x00\x00\x10"[..])] {
                    let block = |value: &[u8]| [head, before, &[literal], value, after].concat();
                    let mended = without_colon(&headers(flags, &block(value))).unwrap();
                    assert_eq!(mended, headers(flags, &block(MENDED)));
                }
            }
        }
    }

    #[test]
    fn anything_else_is_left_to_h2() {
        for block in [
            &b"\x83\x87"[..],
            b"\x83\x46\x84\x9d\x29\xad\x1f",
            b"\x44\x06https:",
            b"\x46\x06http",
            b"\x46\x7f\xff\xff\xff\xff\xff",
            b"\x7f",
            b"",
        ] {
            assert_eq!(without_colon(&headers(5, block)), None, "{block:?}");
        }
        for len in 0..HEAD_LEN {
            assert_eq!(without_colon(&headers(5, b"")[..len]), None);
        }
    }
}
