//! What an import came to, and how it is written.

use std::path::Path;

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::cli::done::Done;
use crate::cli::doubts::Doubts;
use crate::cli::new_file::write_new;
use crate::cli::output::{print_json, tell};
use crate::cli::whole::OWNER;
use crate::config::{Config, Overrides};
use crate::files::FilesRead;

/// The name of the configuration that is written.
const CONFIG: &str = "fanfare.toml";

/// What an import came to.
#[derive(Debug, Default)]
pub(super) struct Imported {
    /// The configuration.
    pub(super) toml: String,
    /// The secrets that stood in the other configuration itself, each with the name of its file.
    pub(super) secrets: Vec<(&'static str, SecretString)>,
    /// What is said about it, in whole sentences.
    pub(super) notes: Vec<String>,
    /// What is left to be done before pushes are delivered as before, in whole sentences.
    pub(super) lost: Vec<String>,
}

impl Imported {
    /// Writes all files into a folder, or none if one of them is there already, and tells it as text or as JSON. What was
    /// written is read as `fanfare check` reads it, and its mistakes are left to be done.
    ///
    /// # Errors
    /// Fails if a file is there already, or cannot be written.
    pub(super) fn write(self, folder: &Path, as_json: bool) -> anyhow::Result<Done> {
        let Self { toml, secrets, mut notes, mut lost } = self;
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let config = folder.join(CONFIG);
        let secrets: Vec<_> = secrets.into_iter().map(|(name, secret)| (folder.join(name), secret)).collect();
        let files = std::iter::once(&config).chain(secrets.iter().map(|(file, _)| file));
        for file in files {
            if file.symlink_metadata().is_ok() {
                bail!("{} exists already and is not overwritten; nothing was written", file.display());
            }
        }
        for (file, secret) in &secrets {
            write_new(file, secret.expose_secret(), OWNER, "the secret in it")?;
        }
        write_new(&config, &toml, OWNER, "the configuration")?;
        match Config::read(&config, &Overrides::default(), &mut FilesRead::default()) {
            Ok(mut config) => {
                let Doubts { unfit, unwise } = Doubts::of(&mut config);
                lost.extend(unfit.iter().map(ToString::to_string));
                notes.extend(unwise.iter().map(ToString::to_string));
            }
            Err(errors) => lost.extend(errors.0.iter().map(ToString::to_string)),
        }
        let done = if lost.is_empty() { Done::Good } else { Done::Bad };
        if as_json {
            let secrets: Vec<_> = secrets.iter().map(|(file, _)| file).collect();
            let good = done == Done::Good;
            print_json(
                &json!({ "file": config, "secrets": secrets, "good": good, "notes": notes, "to_do": lost }),
            )?;
            return Ok(done);
        }
        for (label, sentences) in [("note", &notes), ("to do", &lost)] {
            sentences.iter().for_each(|sentence| tell(format_args!("{label}: {sentence}")));
        }
        let file = config.display();
        if done == Done::Good {
            tell(format_args!("{file} is written, and it is good"));
        } else {
            tell(format_args!("{file} is written; `fanfare check --config {file}` says whether all is done"));
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const GOOD: &str = "[apps.chat.mattermost]\nurl = \"https://push.example\"\nserver_id = \"s\"\n";

    fn imported() -> Imported {
        Imported {
            toml: GOOD.to_owned(),
            secrets: vec![("password", SecretString::from("secret"))],
            ..Imported::default()
        }
    }

    #[test]
    fn files_are_for_their_owner_alone_and_all_or_none_are_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new/folder");
        assert!(matches!(imported().write(&folder, false).unwrap(), Done::Good));
        for (name, content) in [(CONFIG, GOOD), ("password", "secret")] {
            let file = folder.join(name);
            assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        }
        for left in [CONFIG, "password"] {
            let other = if left == CONFIG { "password" } else { CONFIG };
            std::fs::remove_file(folder.join(other)).unwrap();
            let error = imported().write(&folder, false).err().unwrap().to_string();
            assert!(error.contains(left) && error.contains("not overwritten"), "{error}");
            assert!(!folder.join(other).exists());
            std::fs::write(folder.join(other), "").unwrap();
        }
    }

    #[test]
    fn what_was_lost_is_in_the_exit_code() {
        let dir = tempfile::tempdir().unwrap();
        let lost = Imported { lost: vec!["The key is encrypted.".to_owned()], ..imported() };
        assert!(matches!(lost.write(dir.path(), false).unwrap(), Done::Bad));
    }

    #[test]
    fn what_check_would_find_in_it_is_left_to_be_done() {
        for wrong in ["[grpc]\n", &GOOD.replace("https", "ftp"), &GOOD.replace("\"s\"", "\"\"")] {
            let dir = tempfile::tempdir().unwrap();
            let imported = Imported { toml: wrong.to_owned(), ..Imported::default() };
            assert!(matches!(imported.write(dir.path(), false).unwrap(), Done::Bad), "{wrong}");
        }
    }
}
