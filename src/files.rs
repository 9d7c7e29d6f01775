//! Reads a whole file: one that a configuration names, or an input of the command line.
//!
//! A file may be anything that somebody put there. A FIFO without a writer is not waited for, a device is not read
//! without end, and the byte order mark that Windows' Notepad and PowerShell put before a text is skipped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The largest file that is read whole, in bytes: a bundle of all public root certificates has a quarter of a MiB, and a
/// gateway takes no larger push by default (`grpc.max_message_bytes`).
pub(crate) const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The byte order mark in UTF-8. Source: Unicode, section 23.8, "Specials".
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a text in UTF-16 begins, in either byte order. Source: the same section.
const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// The permission bits by which users outside the owner's group may read or write a file. The group itself may read it: a
/// process in Kubernetes reads the files of a secret by its group (`fsGroup`).
const OPEN_TO_ALL: u32 = 0o006;

/// Why a file cannot be used, as the end of a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The operating system refused to read the file.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// The path leads to something else than a regular file.
    #[error("expected a file, found {0}")]
    NotAFile(&'static str),
    /// The file has more bytes than are read.
    #[error("expected at most {MAX_FILE_BYTES} bytes, found more")]
    TooLarge,
    /// The file holds a text in UTF-16.
    #[error("expected text in UTF-8, found text in UTF-16")]
    Utf16,
    /// The file holds no text, but what begins as DER does.
    #[error("expected text in UTF-8, found DER, as .p12, .pfx and .der files are")]
    Der,
    /// The file holds no text.
    #[error("expected text in UTF-8, found something else at byte {0}")]
    NotText(usize),
}

/// The error is not kept as a source, because printing a chain of causes would say it a second time.
impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A file that was read.
pub(crate) struct FileContent {
    bytes: Vec<u8>,
    open_to_all: bool,
    identity: Option<FileIdentity>,
}

/// Which file a path led to, and which content that had. Whatever replaces or changes the file changes this: a rename and a
/// symlink that leads elsewhere bring another file, and who writes into it changes its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device_and_number: (u64, u64),
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    /// The same for its content, its owner or its mode.
    changed: (i64, i64),
}

impl FileIdentity {
    fn of(metadata: &std::fs::Metadata) -> Self {
        Self {
            device_and_number: (metadata.dev(), metadata.ino()),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Which file a path leads to now; none where it leads to none.
    fn at(path: &Path) -> Option<Self> {
        Some(Self::of(&path.metadata().ok()?))
    }
}

/// The files that something was read from, each as it was when it was read. One that was not there is listed too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilesRead(Vec<(PathBuf, Option<FileIdentity>)>);

impl FilesRead {
    /// Reads a file, as [`FileContent::read`] does, and lists it.
    ///
    /// # Errors
    /// Fails as that does.
    pub(crate) fn read(&mut self, path: PathBuf) -> Result<FileContent, FileError> {
        let read = FileContent::read(&path);
        let identity = match &read {
            Ok(content) => content.identity,
            Err(_) => FileIdentity::at(&path),
        };
        self.0.push((path, identity));
        read
    }

    /// The same files as they are now.
    pub(crate) fn look(&self) -> Self {
        Self(self.0.iter().map(|(path, _)| (path.clone(), FileIdentity::at(path))).collect())
    }
}

impl FileContent {
    /// Reads a regular file, and nothing else.
    ///
    /// # Errors
    /// Fails if the path leads to no regular file, or the file is too large, is in UTF-16, or cannot be read.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        // The file is looked at before it is opened, since opening a device may do something, and again when it is open,
        // since the path may lead to another file by then.
        expect_file(&path.metadata()?)?;
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        expect_file(&metadata)?;
        let open_to_all = metadata.permissions().mode() & OPEN_TO_ALL != 0;
        // Looked at before the content is read, so that what changes meanwhile is seen as another content.
        let identity = Some(FileIdentity::of(&metadata));
        Ok(Self { bytes: read_to_end(file)?, open_to_all, identity })
    }

    /// Reads an input that the command line names, where `-` is standard input. The input may be a FIFO, as bash's `<(…)`
    /// is, or a terminal.
    ///
    /// # Errors
    /// Fails if the input is a folder, is too large, is in UTF-16, or cannot be read.
    pub(crate) fn read_input(path: &Path) -> Result<Self, FileError> {
        let bytes = if path.as_os_str() == "-" {
            read_to_end(io::stdin())?
        } else {
            let file = File::open(path)?;
            if file.metadata()?.is_dir() {
                return Err(FileError::NotAFile("a folder"));
            }
            read_to_end(file)?
        };
        Ok(Self { bytes, open_to_all: false, identity: None })
    }

    /// Whether every user of the machine may read or write the file.
    #[must_use]
    pub(crate) fn is_open_to_all(&self) -> bool {
        self.open_to_all
    }

    /// Returns the bytes of the file.
    #[must_use]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Returns the text of the file.
    ///
    /// # Errors
    /// Fails if the bytes are no text in UTF-8.
    pub(crate) fn into_text(self) -> Result<String, FileError> {
        String::from_utf8(self.bytes).map_err(|error| match error.as_bytes() {
            // A sequence of more than 127 bytes. Source: X.690, sections 8.1.3 and 8.9.
            [0x30, 0x80..=0x84, ..] => FileError::Der,
            _ => FileError::NotText(error.utf8_error().valid_up_to()),
        })
    }
}

/// Returns a text, or its first line, without the byte order mark that it may begin with.
#[must_use]
pub(crate) fn without_byte_order_mark(bytes: &[u8]) -> &[u8] {
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

/// Checks that what is there is a regular file.
///
/// # Errors
/// Fails with the name of what is there instead.
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
            FileContent::read(Path::new("/nowhere/fanfare.toml")).err().map(anyhow::Error::from).unwrap();
        assert_eq!(format!("{missing:#}"), "cannot be read: No such file or directory (os error 2)");
    }

    #[test]
    fn whatever_becomes_of_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (file, aside) = (folder.path().join("file"), folder.path().join("aside"));
        let read = || {
            let mut read = FilesRead::default();
            let _ = read.read(file.clone());
            read
        };
        let seen = |what: &str, change: &dyn Fn()| {
            let before = read();
            assert_eq!(before.look(), before, "nothing was done yet: {what}");
            change();
            assert_ne!(before.look(), before, "{what}");
        };
        let modify = |path: &Path, second: u64| {
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
        };
        seen("it comes", &|| std::fs::write(&file, "a").unwrap());
        seen("it is longer", &|| std::fs::write(&file, "ab").unwrap());
        // What is as long as before is told by its time alone, which a clock of some milliseconds may leave as it was.
        seen("it is as long", &|| modify(&file, 1));
        seen("another is renamed over it", &|| {
            std::fs::write(&aside, "ab").unwrap();
            modify(&aside, 1);
            std::fs::rename(&aside, &file).unwrap();
        });
        seen("a symlink replaces it", &|| {
            std::fs::rename(&file, folder.path().join("first")).unwrap();
            std::fs::write(folder.path().join("second"), "ab").unwrap();
            std::os::unix::fs::symlink("first", &file).unwrap();
        });
        seen("the symlink leads elsewhere", &|| {
            std::os::unix::fs::symlink("second", &aside).unwrap();
            std::fs::rename(&aside, &file).unwrap();
        });
        seen("it goes", &|| std::fs::remove_file(&file).unwrap());
    }
}
