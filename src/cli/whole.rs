//! Files that other programs wait for.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The mode of a file that every user may read.
pub(super) const EVERYBODY: u32 = 0o644;

/// The mode of a file that its owner alone may read.
pub(super) const OWNER: u32 = 0o600;

/// Writes a file that nobody sees half of, with this mode.
pub(super) fn write_whole(file: &Path, content: &str, mode: u32) -> io::Result<()> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    // A part that a killed process left has a mode of its own.
    if let Err(error) = std::fs::remove_file(&part)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(&part)?;
    let written = new.write_all(content.as_bytes()).and_then(|()| std::fs::rename(&part, file));
    written.inspect_err(|_| drop(std::fs::remove_file(&part)))
}
