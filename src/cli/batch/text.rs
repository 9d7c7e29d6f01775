//! Reads the bytes of the input as text: counts them, decompresses gzip, and takes off a byte order mark.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::item::MAX_LINE_BYTES;
use super::progress::Progress;

/// The most bytes that one read takes.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// How many bytes of a line that is too long are skipped. A longer one shows that the input has no lines at all.
const MAX_SKIPPED_BYTES: u64 = 64 * 1024 * 1024;

/// The first bytes of gzip. Source: RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Windows programs put this before UTF-8. Source: The Unicode Standard, section 23.8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// How a text in UTF-16 begins, as PowerShell may write one. Each of its lines would be no push. Source: the same section.
const UTF_16: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// The text of the input.
pub(super) type Text = BufReader<Box<dyn Read + Send>>;

/// Opens the bytes as text. Reads their beginning, which says whether they are compressed.
///
/// # Errors
/// Fails if the beginning cannot be read.
pub(super) fn open(raw: impl Read + Send + 'static, progress: Arc<Progress>) -> io::Result<Text> {
    let (is_gzip, raw) = beginning(Box::new(CountedReader { raw, progress }), GZIP)?;
    let text: Box<dyn Read + Send> = if is_gzip {
        Box::new(MultiGzDecoder::new(Cursor::new(GZIP).chain(BufReader::with_capacity(READ_BYTES, raw))))
    } else {
        raw
    };
    let (_, mut text) = beginning(text, BYTE_ORDER_MARK)?;
    for mark in UTF_16 {
        let (is_utf_16, rest) = beginning(text, mark)?;
        if is_utf_16 {
            let why = "expected text in UTF-8, found text in UTF-16";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        text = rest;
    }
    Ok(BufReader::with_capacity(READ_BYTES, text))
}

/// Takes the mark off the beginning of a stream. Returns whether it was there, and the rest.
fn beginning<const N: usize>(
    mut raw: Box<dyn Read + Send>,
    mark: [u8; N],
) -> io::Result<(bool, Box<dyn Read + Send>)> {
    let mut head = Vec::with_capacity(N);
    // Reading stops at the first byte that differs, so that a program that writes slowly is not waited for.
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

/// Counts the bytes of the file before they are decompressed.
struct CountedReader<R> {
    raw: R,
    progress: Arc<Progress>,
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.progress.read(read as u64);
        Ok(read)
    }
}

/// Reads a line without its line break, and says whether there was one. Of a line that is too long, only one byte more than
/// its bound is kept. Input that has no lines at all, such as a device, is an error and not read further.
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

    use super::super::progress::ProgressFormat;
    use super::*;

    fn text(bytes: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        open(Cursor::new(bytes), Arc::new(Progress::new(ProgressFormat::Lines)))?
            .read_to_string(&mut text)?;
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
    fn a_text_in_utf_16_is_an_error() {
        for mark in UTF_16 {
            let text = text([&mark[..], b"0\x00a\x00"].concat());
            assert!(text.unwrap_err().to_string().contains("found text in UTF-16"));
        }
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
