//! The key files that a first configuration names, and those of them that are made for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};

use super::answers::Answers;
use crate::caller::KeyDigest;
use crate::cli::caller_key;
use crate::cli::named_file::read_text;
use crate::cli::new_file::write_new;
use crate::cli::vapid_key;
use crate::cli::whole::OWNER;

/// The files that were made. They are removed again if nothing comes of the configuration.
#[derive(Default)]
pub(super) struct MadeFiles(Vec<PathBuf>);

/// The key files as the configuration names them.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) apple: Option<PathBuf>,
    pub(super) google: Option<PathBuf>,
    pub(super) vapid: Option<PathBuf>,
    pub(super) caller: Option<KeyDigest>,
}

impl MadeFiles {
    /// Makes or copies the keys that are asked for. `folder` is that of the configuration, where it has one.
    pub(super) fn keys(
        &mut self,
        answers: &Answers,
        folder: Option<&Path>,
        copy: bool,
    ) -> anyhow::Result<Keys> {
        let mut keys = Keys::default();
        let folder = folder.unwrap_or(Path::new(""));
        let mut given = |file: &Path| match copy {
            true => self.copy(file, folder),
            false => Ok(file.to_owned()),
        };
        keys.apple = answers.apple.as_ref().map(|app| given(&app.file)).transpose()?;
        keys.google = answers.google.as_ref().map(|app| given(&app.file)).transpose()?;
        keys.vapid = match &answers.browsers {
            Some(app) if app.is_new => {
                vapid_key::make_key(&app.file)?;
                self.0.push(app.file.clone());
                Some(app.file.clone())
            }
            Some(app) => Some(given(&app.file)?),
            None => None,
        };
        if let Some(name) = &answers.caller {
            let file = folder.join(format!("{name}.key"));
            keys.caller = Some(caller_key::make_key(&file)?.digest());
            self.0.push(file);
        }
        Ok(keys)
    }

    fn copy(&mut self, file: &Path, folder: &Path) -> anyhow::Result<PathBuf> {
        let copy = folder.join(file.file_name().unwrap_or_default());
        let secret = SecretString::from(read_text(file)?);
        // A copy that is there already, or the file itself, is as good as another.
        if copy.is_file() && read_text(&copy)? == secret.expose_secret() {
            return Ok(copy);
        }
        write_new(&copy, secret.expose_secret(), OWNER, "the key in it").context("--copy")?;
        self.0.push(copy.clone());
        Ok(copy)
    }

    /// Keeps all of them, and tells which they are.
    pub(super) fn keep(mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for MadeFiles {
    fn drop(&mut self) {
        for file in &self.0 {
            // The error that ends the command is told, and this one would only hide it.
            let _ = fs::remove_file(file);
        }
    }
}
