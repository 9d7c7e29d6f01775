//! Takes from flags what a first configuration is to say, and asks for the rest.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};

use super::answers::{Answers, BrowserApp, GoogleApp, MattermostApp};
use super::apple::AppleApp;
use super::flags::Init;
use super::key_file::KeyFile;
use super::questions::{InputEnded, Questions, good, not_empty};
use crate::credential::apns::KeyId;
use crate::credential::vapid::check_contact;
use crate::provider::fcm::{Fcm, FcmSettings};
use crate::push::AppId;

impl Answers {
    /// Takes what flags say, and asks for the rest.
    ///
    /// # Errors
    /// Fails if something is wrong, or is missing and nobody can be asked.
    pub(super) fn collect(flags: &Init, questions: &mut Questions<'_>) -> anyhow::Result<Self> {
        if !flags.listen.ip().is_loopback() && flags.tls_certificate.is_none() && !flags.plaintext {
            bail!(
                "--listen {} is not on loopback: it needs --tls-certificate and --tls-private-key, or --plaintext where the \
                 network keeps others out",
                flags.listen
            );
        }
        if flags.tls_certificate.is_some() && !flags.listen.ip().is_loopback() && flags.caller.is_none() {
            bail!("--listen {} is not on loopback: it needs a caller who may push (--caller)", flags.listen);
        }
        let mut answers = Self {
            app: String::new(),
            apple: None,
            google: None,
            browsers: None,
            mattermost: None,
            listen: flags.listen,
            tls: flags.tls_certificate.clone().zip(flags.tls_private_key.clone()),
            plaintext: flags.plaintext,
            caller: flags.caller.clone(),
        };
        let names_none = flags.from.is_empty() && flags.new_vapid_key.is_none() && flags.mattermost.is_none();
        for file in &flags.from {
            answers.add(file, flags, questions)?;
        }
        if names_none {
            answers.ask_for_keys(flags, questions)?;
        }
        if let Some(file) = &flags.new_vapid_key {
            answers.add_browsers(file, true, flags, questions)?;
        }
        if let Some(url) = &flags.mattermost {
            let question = "The id of the Mattermost server (its diagnostic id)";
            let server_id =
                questions.required("--server-id", question, flags.server_id.as_deref(), not_empty)?;
            answers.mattermost = Some(MattermostApp { url: url.clone(), server_id });
        }
        answers.expect_use(flags)?;
        let question = "The name by which callers push for the app, such as shop";
        answers.app =
            questions.required("--app", question, flags.app.as_deref(), |name| good(AppId::parse(name)))?;
        if names_none || answers.caller.is_some() {
            let question =
                "The name of a caller to make a key for (empty for none: on loopback everybody may call)";
            let given = answers.caller.as_deref();
            let name = questions.required("--caller", question, given, |name| match given.is_none() {
                true if name.is_empty() => Ok(()),
                _ => is_file_name(name),
            })?;
            answers.caller = Some(name).filter(|name| !name.is_empty());
        }
        questions.expect_all()?;
        Ok(answers)
    }

    /// Asks a person for keys, until there are no more.
    fn ask_for_keys(&mut self, flags: &Init, questions: &mut Questions<'_>) -> anyhow::Result<()> {
        if !questions.can_ask() {
            bail!("--from is missing: the key file of a push service (or --new-vapid-key, or --mattermost)");
        }
        questions.say(
            "Which keys do you have? Apple's AuthKey_….p8, the JSON of a Firebase service account, or a VAPID key.\n",
        )?;
        loop {
            let file = questions.ask("A key file (empty when there are no more)")?;
            let has_any = self.apple.is_some() || self.google.is_some() || self.browsers.is_some();
            match (file.is_empty(), has_any) {
                (true, true) => return Ok(()),
                (true, false) => {
                    questions.say("Without a key there is nothing to send by; --new-vapid-key makes one for browsers.\n")?;
                }
                (false, _) => match self.add(&typed_path(&file), flags, questions) {
                    Err(error) if error.is::<InputEnded>() => return Err(error),
                    Err(error) => {
                        let told = format!("{error:#}\n");
                        questions.say(told.strip_prefix("--from ").unwrap_or(&told))?;
                    }
                    Ok(()) => {}
                },
            }
        }
    }

    /// Adds what a key file is for.
    fn add(&mut self, file: &Path, flags: &Init, questions: &mut Questions<'_>) -> anyhow::Result<()> {
        let shown = file.display();
        match KeyFile::read(file)? {
            KeyFile::Apple { key_id } => {
                ensure!(
                    self.apple.is_none(),
                    "--from {shown}: it is a second key of Apple, and an app has one"
                );
                let key_id = flags.key_id.clone().or(key_id.filter(|id| KeyId::parse(id).is_ok()));
                self.apple = Some(AppleApp::collect(file, key_id.as_deref(), flags, questions)?);
            }
            KeyFile::Google { project } => {
                ensure!(
                    self.google.is_none(),
                    "--from {shown}: it is a second key of Google, and an app has one"
                );
                let project = flags.project.clone().or(project);
                let is_project = |id: &str| good(Fcm::try_new(&FcmSettings { project_id: id.to_owned() }));
                let question = "The id of the Firebase project";
                let project = questions.required("--project", question, project.as_deref(), is_project)?;
                self.google = Some(GoogleApp { file: file.to_owned(), project });
            }
            KeyFile::Vapid => self.add_browsers(file, false, flags, questions)?,
        }
        Ok(())
    }

    fn add_browsers(
        &mut self,
        file: &Path,
        is_new: bool,
        flags: &Init,
        questions: &mut Questions<'_>,
    ) -> anyhow::Result<()> {
        ensure!(self.browsers.is_none(), "{}: it is a second VAPID key, and an app has one", file.display());
        let question = "The contact for push services of browsers, such as mailto:push@example.com";
        let is_contact = |subject: &str| good(check_contact(subject));
        let subject = questions.required("--subject", question, flags.subject.as_deref(), is_contact)?;
        self.browsers = Some(BrowserApp { file: file.to_owned(), is_new, subject });
        Ok(())
    }

    /// A flag without effect is a mistake of whoever gave it.
    fn expect_use(&self, flags: &Init) -> anyhow::Result<()> {
        let apple = [
            ("--key-id", flags.key_id.is_some()),
            ("--team-id", flags.team_id.is_some()),
            ("--topic", !flags.topics.is_empty()),
            ("--environment", flags.environment.is_some()),
        ];
        for (flag, is_given) in apple {
            ensure!(
                !is_given || self.apple.is_some(),
                "{flag} has no effect without Apple's key (--from AuthKey_….p8)"
            );
        }
        ensure!(
            flags.project.is_none() || self.google.is_some(),
            "--project has no effect without Google's key (--from service-account.json)"
        );
        ensure!(
            flags.subject.is_none() || self.browsers.is_some(),
            "--subject has no effect without a VAPID key (--from vapid.pem, or --new-vapid-key vapid.pem)"
        );
        let is_there = self.browsers.as_ref().is_some_and(|browsers| !browsers.is_new);
        let is_there = is_there || self.apple.is_some() || self.google.is_some();
        ensure!(is_there || !flags.copy, "--copy has no effect without a key that is there (--from)");
        Ok(())
    }
}

/// Accepts a name that can be that of a file in any folder.
fn is_file_name(name: &str) -> Result<(), String> {
    match !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        true => Ok(()),
        false => Err(format!("expected letters, digits, _ and -, found {name:?}")),
    }
}

/// A path as people type it, or drag it into a terminal: in quotes, or from their home on.
fn typed_path(typed: &str) -> PathBuf {
    let unquoted = ['\'', '"'].iter().find_map(|quote| typed.strip_prefix(*quote)?.strip_suffix(*quote));
    let path = Path::new(unquoted.unwrap_or(typed));
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(below), Some(home)) => Path::new(&home).join(below),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use super::*;

    const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/vapid");

    /// What comes of these flags and of what a person types, and what the person is told.
    fn asked(flags: &[&str], typed: &str) -> (anyhow::Result<Answers>, String) {
        let command = Init::augment_args(clap::Command::new("init").no_binary_name(true));
        let flags = Init::from_arg_matches(&command.get_matches_from(flags)).unwrap();
        let mut told = Vec::new();
        let mut questions = Questions::on(typed.as_bytes(), &mut told);
        let answers = Answers::collect(&flags, &mut questions);
        drop(questions);
        (answers, String::from_utf8(told).unwrap())
    }

    #[test]
    fn a_wrong_answer_costs_no_other() {
        let typed = format!(
            "\n{DATA}/gone\n'{DATA}/pkcs8.pem'\npush@example.com\nmailto:push@example.com\n\nmy shop\nshop\nor ders\norders\n"
        );
        let (answers, told) = asked(&[], &typed);
        let answers = answers.unwrap();
        assert_eq!((answers.app.as_str(), answers.caller.as_deref()), ("shop", Some("orders")));
        assert_eq!(answers.browsers.unwrap().file, Path::new(DATA).join("pkcs8.pem"));
        for problem in
            ["--new-vapid-key makes one", "gone: cannot be read", "a contact", "an app of", "letters, digits"]
        {
            assert_eq!(told.matches(problem).count(), 1, "{problem}: {told}");
        }
    }

    #[test]
    fn the_end_of_the_input_ends_it_at_every_question() {
        let lines =
            [format!("{DATA}/pkcs8.pem\n"), "mailto:a@b.example\n".into(), "\n".into(), "shop\n".into()];
        for answered in 0..=lines.len() {
            let (answers, told) = asked(&[], &lines[..answered].concat());
            assert!(answers.err().is_some_and(|error| error.is::<InputEnded>()), "{answered}: {told}");
            assert!(!told.contains("the input ended"), "it is told once, at the end: {told}");
        }
    }

    #[test]
    fn a_path_may_be_quoted_and_begin_at_home() {
        assert_eq!(typed_path("'a b'"), Path::new("a b"));
        assert_eq!(typed_path("\"a b\""), Path::new("a b"));
        assert_eq!(typed_path("it's"), Path::new("it's"));
        let home = std::env::var_os("HOME").map_or("~".into(), PathBuf::from);
        assert_eq!(typed_path("~/key.p8"), home.join("key.p8"));
        assert_eq!(typed_path("~other/key.p8"), Path::new("~other/key.p8"));
    }
}
