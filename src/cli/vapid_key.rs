//! `fanfare vapid-key`: makes a key for Web Push, or shows its public key.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::done::Done;
use super::named_file::read_text;
use super::new_file::write_new;
use super::output::{print, print_json, tell};
use super::whole::OWNER;
use crate::credential::vapid::VapidKey;

/// Makes a key for Web Push, or shows the public key of one.
///
/// The public key is printed in the form that browsers take. Subscriptions are bound to it: if the key changes, users have
/// to subscribe anew.
///
/// Exit code 0: the key was made, or shown; 2: it was not, or standard output could not be written. In the last case the new
/// key is in its file, and --show shows it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fanfare vapid-key vapid.pem\n  fanfare vapid-key --show vapid.pem")]
pub(super) struct MakeVapidKey {
    /// The file that the private key is written to, as PEM that only its owner may read. An existing file is never
    /// overwritten.
    file: PathBuf,
    /// Make no key, but show the public key of the one in the file, which is PEM or what npm web-push prints; `-` for
    /// standard input.
    #[arg(long)]
    show: bool,
    /// Print one JSON document: `file` and `public_key`.
    #[arg(long)]
    json: bool,
}

/// Makes a key and writes it to a file that must not be there yet.
pub(super) fn make_key(file: &Path) -> anyhow::Result<VapidKey> {
    ensure!(file != Path::new("-"), "expected the name of a file to write, found -");
    let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("cannot make a key")?;
    let pem = SecretString::from(pair.serialize_pem());
    let key = VapidKey::parse(&pem)?;
    write_new(file, pem.expose_secret(), OWNER, "every subscription made with its key")?;
    Ok(key)
}

impl MakeVapidKey {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let file = self.file.display();
        if self.show {
            let text = SecretString::from(read_text(&self.file)?);
            let key = VapidKey::parse(&text).with_context(|| format!("{file} is no VAPID key"))?;
            self.print(&key)?;
            return Ok(Done::Good);
        }
        let key = make_key(&self.file)?;
        self.print(&key).with_context(|| format!("the key is made; --show {file} shows it"))?;
        if self.json {
            return Ok(Done::Good);
        }
        // This does not go to standard output, so that a script reads only the key there.
        tell(
            "It is the applicationServerKey of pushManager.subscribe(), and public_key in the configuration:",
        );
        tell(format_args!(
            "[apps.NAME.web_push] key_file = {:?}, subject = \"mailto:YOU@YOUR.DOMAIN\"",
            self.file
        ));
        Ok(Done::Good)
    }

    fn print(&self, key: &VapidKey) -> anyhow::Result<()> {
        let public_key = key.public_key();
        match self.json {
            true => print_json(&json!({ "file": self.file, "public_key": public_key })),
            false => print(public_key),
        }
    }
}
