//! Files that the command line names.

use std::path::Path;

use anyhow::Context;

use crate::files::FileContent;

/// Reads the text of a file that the command line names; `-` is standard input.
pub(super) fn read_text(file: &Path) -> anyhow::Result<String> {
    let name = if file.as_os_str() == "-" { "standard input".into() } else { file.to_string_lossy() };
    FileContent::read_input(file)
        .and_then(FileContent::into_text)
        .with_context(|| format!("cannot use {name}"))
}
