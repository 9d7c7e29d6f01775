//! `fanfare caller-key`: makes a static key for a caller, or shows the SHA-256 of one.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::done::Done;
use super::named_file::read_text;
use super::new_file::write_new;
use super::output::{print, print_json, tell};
use super::whole::OWNER;
use crate::caller::CallerKey;

/// Makes a static key for a caller, or shows the SHA-256 of one.
///
/// The caller sends the key as `authorization: Bearer KEY`, and the gateway's configuration has its SHA-256 alone. Make a key
/// for each caller. Prefer certificates or tokens where your platform gives them: a key is valid until somebody takes its
/// SHA-256 out of the configuration.
///
/// Exit code 0: the key was made, or its SHA-256 shown; 2: it was not, or standard output could not be written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare caller-key orders.key
  fanfare caller-key | vault kv put secret/orders key=-
  fanfare caller-key --show orders.key")]
pub(super) struct MakeCallerKey {
    /// The file that the key is written to, which only its owner may read. An existing file is never overwritten. By default
    /// the key is printed, and this is the only time.
    #[arg(required_if_eq("show", "true"))]
    file: Option<PathBuf>,
    /// Make no key, but print the SHA-256 of the one in the file; `-` for standard input.
    #[arg(long)]
    show: bool,
    /// Print one JSON document: `key_sha256`, and `file` or, where it is written to none, `key`.
    #[arg(long)]
    json: bool,
}

/// Makes a key and writes it to a file that must not be there yet.
pub(super) fn make_key(file: &Path) -> anyhow::Result<CallerKey> {
    let key = CallerKey::generate().context("cannot make a key")?;
    let line = SecretString::from(format!("{}\n", key.expose_secret()));
    write_new(file, line.expose_secret(), OWNER, "a key that a caller may still use")?;
    Ok(key)
}

impl MakeCallerKey {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        if let (true, Some(file)) = (self.show, &self.file) {
            let text = SecretString::from(read_text(file)?);
            let key = CallerKey::parse(text.expose_secret());
            let key = key.with_context(|| format!("{} is no key of a caller", file.display()))?;
            match self.json {
                true => print_json(&json!({ "file": file, "key_sha256": key.digest().to_string() }))?,
                false => print(key.digest())?,
            }
            return Ok(Done::Good);
        }
        if self.file.as_deref() == Some(Path::new("-")) {
            bail!("expected the name of a file to write, found -; without a name the key is printed");
        }
        let key = match &self.file {
            Some(file) => make_key(file)?,
            None => CallerKey::generate().context("cannot make a key")?,
        };
        let digest = key.digest().to_string();
        match &self.file {
            Some(file) if self.json => print_json(&json!({ "file": file, "key_sha256": digest }))?,
            Some(_) => {}
            None if self.json => print_json(&json!({ "key": key.expose_secret(), "key_sha256": digest }))?,
            None => print(key.expose_secret())?,
        }
        if self.json {
            return Ok(Done::Good);
        }
        // This does not go to standard output, so that a script reads only the key there.
        tell("The configuration of the gateway knows the caller by this line in [callers.NAME]:");
        tell(format_args!("key_sha256 = [\"{digest}\"]"));
        Ok(Done::Good)
    }
}
