//! The files that a configuration names, read and checked.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::file;
use super::resolve::Reader;
use crate::files::Content;
use crate::upstream::tls::{self, ClientIdentity, TlsError};

impl Reader<'_> {
    pub(super) fn extra_roots(&mut self, key: &str, files: &[PathBuf]) -> Vec<Vec<u8>> {
        let mut pems = Vec::new();
        for file in files {
            let Some(pem) = self.read(key, file) else { continue };
            let pem = pem.into_bytes();
            match tls::parse_certificates(&pem) {
                Ok(_) => pems.push(pem),
                Err(error) => self.error(key, format!("{}: {error}", file.display())),
            }
        }
        pems
    }

    pub(super) fn certificate(&mut self, key: &str, file: &file::Certificate) -> Option<ClientIdentity> {
        let (at, key_at) = (format!("{key}.certificate_file"), format!("{key}.private_key_file"));
        let certificate = self.read(&at, &file.certificate_file);
        let private_key = self.read_secret(&key_at, &file.private_key_file);
        match ClientIdentity::from_pem(&certificate?.into_bytes(), &private_key?.into_bytes()) {
            Ok(identity) => Some(identity),
            Err(error @ TlsError::NotPrivateKey) => {
                self.error(&key_at, format!("{}: {error}", file.private_key_file.display()));
                None
            }
            Err(error) => {
                self.error(&at, format!("{}: {error}", file.certificate_file.display()));
                None
            }
        }
    }

    /// A file of text that nobody may see.
    pub(super) fn secret(&mut self, key: &str, file: &Path) -> Option<SecretString> {
        match self.read_secret(key, file)?.into_text() {
            Ok(text) => Some(text.into()),
            Err(error) => {
                self.error(key, format!("{}: {error}", file.display()));
                None
            }
        }
    }

    /// A file that the configuration names, from the configuration's own folder.
    fn read(&mut self, key: &str, file: &Path) -> Option<Content> {
        match Content::read(&self.path.parent().unwrap_or(Path::new("")).join(file)) {
            Ok(content) => Some(content),
            Err(error) => {
                self.error(key, format!("{}: {error}", file.display()));
                None
            }
        }
    }

    /// A file that nobody else should read.
    fn read_secret(&mut self, key: &str, file: &Path) -> Option<Content> {
        let content = self.read(key, file)?;
        if content.is_open_to_all() {
            let problem = format!(
                "{}: every user of this machine may read or write this secret; \
                 expected a file for its owner and group alone, such as mode 0640",
                file.display()
            );
            self.warn(key, problem);
        }
        Some(content)
    }
}
