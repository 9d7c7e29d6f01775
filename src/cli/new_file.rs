//! Writes files that must not be there yet, such as those with new secrets.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};

/// Writes a file that must not exist yet, with this mode. `lost` is what would be lost with an older one.
pub(super) fn write_new(file: &Path, content: &str, mode: u32, lost: &str) -> anyhow::Result<()> {
    let shown = file.display();
    let mut new = match OpenOptions::new().write(true).create_new(true).mode(mode).open(file) {
        Ok(new) => new,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{shown} exists already and is not overwritten: {lost} would be lost")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot write {shown}")),
    };
    let written = new.write_all(content.as_bytes()).and_then(|()| new.sync_all());
    written.inspect_err(|_| drop(std::fs::remove_file(file))).with_context(|| format!("cannot write {shown}"))
}
