//! Writes files that other programs wait for.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::files::expect_file;

/// The mode of a file that every user may read.
pub(super) const EVERYBODY: u32 = 0o644;

/// The mode of a file that only its owner may read.
pub(super) const OWNER: u32 = 0o600;

/// Writes a file with this mode, so that nobody ever reads half of it: it is written beside its place and renamed. What
/// stands in its place must be a file too, because a device or FIFO would be gone for every process of the machine.
pub(super) fn write_whole(file: &Path, content: &str, mode: u32) -> io::Result<()> {
    if let Ok(metadata) = file.metadata() {
        expect_file(&metadata).map_err(io::Error::other)?;
    }
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    // A part that a killed process left is removed, because it may have another mode.
    if let Err(error) = std::fs::remove_file(&part)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut new = OpenOptions::new().write(true).create_new(true).mode(mode).open(&part)?;
    let written = new.write_all(content.as_bytes()).and_then(|()| std::fs::rename(&part, file));
    written.inspect_err(|_| drop(std::fs::remove_file(&part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_or_a_socket_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, found) in [(dir.path(), "a folder"), (&*socket, "a socket")] {
            let error = write_whole(path, "ready", EVERYBODY).unwrap_err();
            assert_eq!(error.to_string(), format!("expected a file, found {found}"));
        }
        drop(listener);
        let file = dir.path().join("ready.json");
        for content in ["one", "two"] {
            write_whole(&file, content, EVERYBODY).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
        }
    }
}
