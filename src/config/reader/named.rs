//! The files that a configuration names, read and parsed.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fanfare_upstream::Http;
use fanfare_upstream::tls::{self, ClientIdentity, TlsError};
use secrecy::SecretString;

use super::Reader;
use crate::config::certificates::ShownCertificate;
use crate::config::{ClientCertificate, Trust, file};
use crate::files::FileContent;

impl Reader<'_> {
    /// Reads root certificates, which are trusted beside those of `base`.
    pub(super) fn trust(&mut self, key: &str, base: &Trust, files: &[PathBuf]) -> Trust {
        let mut trust = base.clone();
        for file in files {
            let Some(pem) = self.read(key, file) else { continue };
            let more = tls::parse_certificates(&pem.into_bytes()).and_then(|roots| trust.and(roots));
            if let Some(more) = self.ok_in_file(key, file, more) {
                trust = more;
            }
        }
        trust
    }

    /// Notes an error where no upstream could be verified, since an app needs one.
    pub(super) fn expect_roots(&mut self, key: &str, trust: &Trust) {
        if trust.is_empty() {
            self.error(key, TlsError::NoRoots.to_string());
        }
    }

    /// Reads a client certificate with its private key, which an upstream that is verified by `trust` is shown.
    pub(super) fn certificate(
        &mut self,
        key: &str,
        files: &file::Certificate,
        trust: &Trust,
        http: Http,
    ) -> Option<ClientCertificate> {
        let (at, key_at) = (format!("{key}.certificate_file"), format!("{key}.private_key_file"));
        let certificate = self.read(&at, &files.certificate_file);
        let private_key = self.read_secret(&key_at, &files.private_key_file);
        let (certificate, private_key) = (certificate?.into_bytes(), private_key?.into_bytes());
        self.shows(key, &certificate);
        let identity = ClientIdentity::from_pem(&certificate, &private_key);
        let identity = match identity {
            Err(TlsError::NotPrivateKey { .. }) => {
                self.ok_in_file(&key_at, &files.private_key_file, identity)
            }
            identity => self.ok_in_file(&at, &files.certificate_file, identity),
        };
        self.ok(key, trust.with_identity(identity?, http))
    }

    /// Notes a certificate that the gateway shows, and whether it is valid now. A PEM text that cannot be read is noted by
    /// whoever parses its key as well.
    pub(super) fn shows(&mut self, key: &str, pem: &[u8]) {
        let Some(certificate) = ShownCertificate::read(key, pem) else { return };
        let (valid, now) = (certificate.validity, SystemTime::now());
        if valid.has_ended(now) || valid.has_not_begun(now) {
            self.unfit(key, format!("expected a certificate that is valid now, found one valid {valid}"));
        }
        self.certificates.push(certificate);
    }

    /// Reads a text that nobody else may see.
    pub(super) fn secret(&mut self, key: &str, file: &Path) -> Option<SecretString> {
        let text = self.read_secret(key, file)?.into_text();
        self.ok_in_file(key, file, text).map(SecretString::from)
    }

    /// Notes the error of a file whose content could not be used.
    pub(super) fn ok_in_file<T, E: Display>(
        &mut self,
        key: &str,
        file: &Path,
        used: Result<T, E>,
    ) -> Option<T> {
        self.ok(key, used.map_err(|error| format!("{}: {error}", file.display())))
    }

    /// Reads a file that the configuration names. Its path begins at the folder of the configuration.
    pub(super) fn read(&mut self, key: &str, file: &Path) -> Option<FileContent> {
        let content = self.files.read(self.path.parent().unwrap_or(Path::new("")).join(file));
        self.ok_in_file(key, file, content)
    }

    /// Reads a file that nobody else should be able to read, and warns where everybody can.
    pub(super) fn read_secret(&mut self, key: &str, file: &Path) -> Option<FileContent> {
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
