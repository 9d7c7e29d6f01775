//! Takes from flags what a first configuration is to say, and asks for the rest.

use std::path::Path;

use anyhow::{bail, ensure};

use super::answers::{Answers, BrowserApp, GoogleApp, MattermostApp};
use super::apple::AppleApp;
use super::flags::Init;
use super::key_file::KeyFile;
use super::questions::{Questions, good, not_empty};
use crate::credential::apns::KeyId;
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
        if names_none && answers.caller.is_none() {
            let question =
                "The name of a caller to make a key for (empty for none: on loopback everybody may call)";
            answers.caller = Some(questions.ask(question)?).filter(|name| !name.is_empty());
        }
        if let Some(name) = &answers.caller {
            ensure!(is_file_name(name), "--caller {name:?}: expected letters, digits, _ and -");
        }
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
            if file.is_empty() && has_any {
                return Ok(());
            }
            if let Err(error) = self.add(Path::new(&file), flags, questions) {
                questions.say(&format!("{error:#}\n"))?;
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
                let project = questions.required(
                    "--project",
                    "The id of the Firebase project",
                    project.as_deref(),
                    not_empty,
                )?;
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
        let subject = questions.required("--subject", question, flags.subject.as_deref(), not_empty)?;
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
        Ok(())
    }
}

/// Whether a name can be that of a file in any folder.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}
