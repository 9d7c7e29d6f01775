//! The bytes of the input as text: decompressed where they are gzip, without a byte order mark, and counted.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::item::MAX_LINE_BYTES;
use super::progress::Tally;

/// What one read takes, at most.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// A line that is too long is skipped, but not further than this.
const MAX_SKIPPED_BYTES: u64 = 64 * 1024 * 1024;

/// The first bytes of gzip. Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What Windows programs put before UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A text as it is read.
pub(super) type Text = BufReader<Box<dyn Read + Send>>;

/// Reads the beginning, which says what the bytes are.
///
/// # Errors
/// Where the beginning cannot be read.
pub(super) fn open(raw: impl Read + Send + 'static, tally: Arc<Tally>) -> io::Result<Text> {
    let (is_gzip, raw) = beginning(Box::new(Counted { raw, tally }), GZIP)?;
    let text: Box<dyn Read + Send> = if is_gzip {
        Box::new(MultiGzDecoder::new(Cursor::new(GZIP).chain(BufReader::with_capacity(READ_BYTES, raw))))
    } else {
        raw
    };
    let (_, text) = beginning(text, BYTE_ORDER_MARK)?;
    Ok(BufReader::with_capacity(READ_BYTES, text))
}

/// Takes these bytes off where a stream begins with them; says whether it did.
fn beginning<const N: usize>(
    mut raw: Box<dyn Read + Send>,
    mark: [u8; N],
) -> io::Result<(bool, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(N);
    // No more than differs from it: a writer that trickles is not waited for.
    while head.len() < N && mark.starts_with(&head) {
        if raw.by_ref().take(1).read_to_end(&mut head)? == 0 {
            break;
        }
    }
    if head == mark {
        return Ok((true, raw));
    }
    Ok((false, Box::new(Cursor::new(head).chain(raw))))
}

/// Counts what is taken from the file, before it is decompressed.
struct Counted<R> {
    raw: R,
    tally: Arc<Tally>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.tally.read(read as u64);
        Ok(read)
    }
}

/// Reads a line without its end, of one that is too long only one byte more than its bound. Whether there was one. What
/// has no lines at all, such as a device, is not read on.
pub(super) fn read_line<R: Read>(reader: &mut BufReader<R>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let mut taken = 0_u64;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(taken > 0);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let text = &buffer[..end.unwrap_or(buffer.len())];
        let room = MAX_LINE_BYTES + 1 - line.len();
        line.extend_from_slice(&text[..text.len().min(room)]);
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        taken += used as u64;
        if end.is_some() {
            return Ok(true);
        }
        if taken > MAX_SKIPPED_BYTES {
            let why =
                format!("a line does not end within {MAX_SKIPPED_BYTES} bytes: this is no file of lines");
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::progress::Show;
    use super::*;

    fn text(bytes: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        open(Cursor::new(bytes), Arc::new(Tally::new(Show::Lines)))?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compression_and_byte_order_marks_are_taken_off() {
        for plain in ["", "a", "ab", "one\ntwo\n", "\u{1f}a", "\u{feff}"] {
            let expected = plain.trim_start_matches('\u{feff}');
            assert_eq!(text(plain.as_bytes().to_vec()).unwrap(), expected);
            assert_eq!(text(gzip(plain.as_bytes())).unwrap(), expected);
        }
        // Two files one after another are one, as gzip itself has it.
        assert_eq!(text([gzip(b"one\n"), gzip(b"two\n")].concat()).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn a_compressed_file_that_is_cut_is_an_error() {
        let mut cut = gzip(&b"x".repeat(10_000));
        cut.truncate(cut.len() - 5);
        assert!(text(cut).is_err());
    }

    #[test]
    fn lines_are_cut_at_their_bound_and_the_next_is_whole() {
        let long = "x".repeat(3 * MAX_LINE_BYTES);
        let text = format!("one\n{long}\n\ntwo");
        let mut reader = BufReader::with_capacity(100, text.as_bytes());
        let mut line = Vec::new();
        let mut lengths = Vec::new();
        while read_line(&mut reader, &mut line).unwrap() {
            lengths.push(line.len());
        }
        assert_eq!(lengths, [3, MAX_LINE_BYTES + 1, 0, 3]);
    }

    #[test]
    fn what_never_ends_a_line_is_not_read_for_ever() {
        let mut endless = BufReader::with_capacity(READ_BYTES, io::repeat(0));
        let error = read_line(&mut endless, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("does not end within"), "{error}");
    }
}
