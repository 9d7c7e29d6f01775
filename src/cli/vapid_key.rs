//! `fanfare vapid-key`: makes a key for Web Push, or shows its public key.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use secrecy::{ExposeSecret, SecretString};

use super::done::Done;
use super::named_file::read_text;
use super::new_file::write_new;
use super::output::{print, tell};
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
}

impl MakeVapidKey {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let file = self.file.display();
        if self.show {
            let text = SecretString::from(read_text(&self.file)?);
            let key = VapidKey::parse(&text).with_context(|| format!("{file} is no VAPID key"))?;
            print(key.public_key())?;
            return Ok(Done::Good);
        }
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).context("cannot make a key")?;
        let pem = SecretString::from(pair.serialize_pem());
        let key = VapidKey::parse(&pem)?;
        write_new(&self.file, pem.expose_secret(), "every subscription made with its key")?;
        print(key.public_key()).with_context(|| format!("the key is made; --show {file} shows it"))?;
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
}
