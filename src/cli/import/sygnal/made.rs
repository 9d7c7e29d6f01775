//! What an import came to, as tables. They are written at the end, by the library that writes TOML.

use std::path::Path;

use anyhow::Context;
use secrecy::SecretString;
use toml::Table;

use crate::cli::import::imported::Imported;
use crate::cli::import::named::Folders;

/// What an import came to.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) document: Table,
    pub(super) secrets: Vec<(&'static str, SecretString)>,
    pub(super) notes: Vec<String>,
    pub(super) lost: Vec<String>,
}

impl Made {
    /// Says something that an operator should know.
    pub(super) fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// Says what is left to be done.
    pub(super) fn lose(&mut self, sentence: impl Into<String>) {
        self.lost.push(sentence.into());
    }

    /// The path of a file that the other configuration names.
    pub(super) fn path(&mut self, at: &str, folders: &Folders, name: &str) -> String {
        let place = folders.place(name);
        if !Path::new(&place).is_file() {
            self.lose(format!("{at} names {name:?}, which was not found: correct its path."));
        }
        place.to_string_lossy().into_owned()
    }

    /// The same as the text of a configuration.
    pub(super) fn imported(self) -> anyhow::Result<Imported> {
        const HEAD: &str = "# Written by `fanfare import sygnal`. docs/matrix.md says what is different.\n\n";
        let Self { document, secrets, notes, lost } = self;
        let tables = toml::to_string_pretty(&document).context("cannot write the configuration")?;
        Ok(Imported { toml: format!("{HEAD}{tables}"), secrets, notes, lost })
    }
}
