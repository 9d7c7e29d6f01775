//! Reads a file whole: one that a configuration names, or an input of the command line.
//!
//! A file may be anything that somebody put there. A FIFO without a writer is not waited for, a device is not read
//! without end, and a byte order mark, which Windows' Notepad and PowerShell put before a text, is skipped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The largest file that is read whole, in bytes: a bundle of all public root certificates has a quarter of a MiB, and a
/// gateway takes no larger push by default (`grpc.max_message_bytes`).
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The mark in UTF-8. Source: Unicode, section 23.8, "Specials".
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a text in UTF-16 begins, by its byte order. Source: the same.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// Others than the owner and its group may read or write the file. The group may: a process in Kubernetes reads the
/// files of a secret by its group (`fsGroup`).
const OPEN_TO_ALL: u32 = 0o006;

/// Why a file cannot be used, to be said after its name.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system says why.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// It is something else than a file.
    #[error("expected a file, found {0}")]
    NotAFile(&'static str),
    /// It has no end, or a late one.
    #[error("expected at most {MAX_FILE_BYTES} bytes, found more")]
    TooLarge,
    /// It is a text, but of another encoding.
    #[error("expected text in UTF-8, found text in UTF-16")]
    Utf16,
    /// It is no text.
    #[error("expected text in UTF-8, found something else at byte {0}")]
    NotText(usize),
}

/// Not as its source, which whoever prints a chain of causes would say a second time.
impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A file that was read.
pub struct Content {
    bytes: Vec<u8>,
    open_to_all: bool,
}

impl Content {
    /// Reads a regular file, and nothing else.
    ///
    /// # Errors
    /// Where it is none, is too large, is in UTF-16, or cannot be read.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        // Looked at before it is opened, since opening a device may do something, and again when it is open, since it may
        // be another by then.
        expect_file(&path.metadata()?)?;
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        expect_file(&metadata)?;
        let open_to_all = metadata.permissions().mode() & OPEN_TO_ALL != 0;
        Ok(Self { bytes: read_to_end(file)?, open_to_all })
    }

    /// Reads an input that the command line names: `-` is standard input. It may be a FIFO, as bash's `<(…)` is, or a
    /// terminal.
    ///
    /// # Errors
    /// Where it is too large, is in UTF-16, or cannot be read.
    pub fn read_input(path: &Path) -> Result<Self, FileError> {
        let bytes = if path.as_os_str() == "-" {
            read_to_end(io::stdin())?
        } else {
            let file = File::open(path)?;
            if file.metadata()?.is_dir() {
                return Err(FileError::NotAFile("a folder"));
            }
            read_to_end(file)?
        };
        Ok(Self { bytes, open_to_all: false })
    }

    /// Whether every user of the machine may read or write it.
    #[must_use]
    pub fn is_open_to_all(&self) -> bool {
        self.open_to_all
    }

    /// What it holds.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What it holds, as text.
    ///
    /// # Errors
    /// Where it is no text in UTF-8.
    pub fn into_text(self) -> Result<String, FileError> {
        String::from_utf8(self.bytes).map_err(|error| FileError::NotText(error.utf8_error().valid_up_to()))
    }
}

/// The text of a file or of its first line, without the mark that it may begin with.
#[must_use]
pub fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

fn read_to_end(reader: impl Read) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let read = reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(FileError::TooLarge);
    }
    if UTF_16.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(FileError::Utf16);
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

/// What is there is a regular file.
///
/// # Errors
/// Where it is something else; says what.
pub(crate) fn expect_file(metadata: &std::fs::Metadata) -> Result<(), FileError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(FileError::NotAFile(match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a FIFO",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_file_cannot_be_read_is_said_once() {
        let missing =
            Content::read(Path::new("/nowhere/fanfare.toml")).err().map(anyhow::Error::from).unwrap();
        assert_eq!(format!("{missing:#}"), "cannot be read: No such file or directory (os error 2)");
    }
}
