//! The targets of the real push proxy: each becomes an app, and the platform that it serves.

use std::path::PathBuf;

use super::their::Object;
use crate::cli::import::imported::Imported;
use crate::cli::import::named::Folders;
use crate::cli::import::toml_text::{list, path, quoted};
use crate::push::AppId;

const APPLE_KEYS: &[&str] = &[
    "Type",
    "ApplePushTopic",
    "ApplePushUseDevelopment",
    "AppleAuthKeyFile",
    "AppleAuthKeyID",
    "AppleTeamID",
    "ApplePushCertPrivate",
    "ApplePushCertPassword",
];

const ANDROID_KEYS: &[&str] = &["Type", "ServiceFileLocation", "AndroidApiKey"];

/// A target, as the tables of an app.
pub(super) struct Target {
    /// The platform that it serves, which names its app too.
    pub(super) platform: String,
    pub(super) toml: String,
}

/// Where files are found, and where words about them go.
pub(super) struct Targets<'a> {
    pub(super) folders: &'a Folders,
    pub(super) imported: &'a mut Imported,
}

impl Targets<'_> {
    /// The targets of a configuration. Of several for one platform the last counts, and those for Android come after those
    /// for Apple.
    pub(super) fn read(&mut self, config: &Object<'_>) -> anyhow::Result<Vec<Target>> {
        let mut targets: Vec<Target> = Vec::new();
        let mut add = |target: Option<Target>, imported: &mut Imported| {
            let Some(target) = target else { return };
            if let Some(at) = targets.iter().position(|other| other.platform == target.platform) {
                let platform = &target.platform;
                imported
                    .notes
                    .push(format!("Of the targets of type {platform:?} the last counts, as before."));
                targets.remove(at);
            }
            targets.push(target);
        };
        for apple in config.objects("ApplePushSettings")? {
            add(self.apple(&apple)?, self.imported);
        }
        for android in config.objects("AndroidPushSettings")? {
            add(self.android(&android)?, self.imported);
        }
        Ok(targets)
    }

    fn apple(&mut self, apple: &Object<'_>) -> anyhow::Result<Option<Target>> {
        self.expect_keys(apple, APPLE_KEYS);
        let Some(platform) = self.platform(apple)? else { return Ok(None) };
        let topic = apple.text("ApplePushTopic")?;
        if topic.is_empty() {
            self.lost(&platform, "has no ApplePushTopic, which is the app's bundle id: fill in its topics");
        }
        let environment = if apple.flag("ApplePushUseDevelopment")? { "sandbox" } else { "production" };
        let table = format!("apps.{}.apns", quoted(&platform));
        let credential = match self.apple_credential(&platform, apple)? {
            Some(credential) => credential,
            None => return Ok(None),
        };
        let toml = format!(
            "[{table}]\nenvironment = {}\ntopics = {}\n\n[{table}.{credential}",
            quoted(environment),
            list([topic])
        );
        Ok(Some(Target { platform, toml }))
    }

    /// The rest of the table with the credential, from the last part of its name on. A key counts before a certificate.
    fn apple_credential(&mut self, platform: &str, apple: &Object<'_>) -> anyhow::Result<Option<String>> {
        let (key, key_id, team) =
            (apple.text("AppleAuthKeyFile")?, apple.text("AppleAuthKeyID")?, apple.text("AppleTeamID")?);
        let certificate = apple.text("ApplePushCertPrivate")?;
        if ![key, key_id, team].contains(&"") {
            let key = path(&self.file(platform, key));
            let (key_id, team) = (quoted(key_id), quoted(team));
            return Ok(Some(format!("token]\nkey_file = {key}\nkey_id = {key_id}\nteam_id = {team}\n")));
        }
        if certificate.is_empty() {
            self.lost(
                platform,
                "has neither a key (its file, its id and the team's) nor a certificate, so it is left out, \
                                 as the other proxy leaves it out",
            );
            return Ok(None);
        }
        let file = self.file(platform, certificate);
        let encrypted = std::fs::read_to_string(&file).is_ok_and(|pem| pem.contains("ENCRYPTED"));
        if encrypted {
            let shown = file.display();
            self.lost(
                platform,
                &format!(
                    "has an encrypted private key in {shown}, and keys are read as they are here: decrypt it by \
                     `openssl pkey -in {shown} -out key.pem`, keep key.pem for its owner alone, and name it as private_key_file"
                ),
            );
        } else if !apple.text("ApplePushCertPassword")?.is_empty() {
            self.note(platform, "has a password for a key that is not encrypted; it is not needed");
        }
        let file = path(&file);
        Ok(Some(format!("certificate]\ncertificate_file = {file}\nprivate_key_file = {file}\n")))
    }

    fn android(&mut self, android: &Object<'_>) -> anyhow::Result<Option<Target>> {
        self.expect_keys(android, ANDROID_KEYS);
        let Some(platform) = self.platform(android)? else { return Ok(None) };
        if !android.text("AndroidApiKey")?.is_empty() {
            self.note(&platform, "has an AndroidApiKey, which Google takes no more; it is left out");
        }
        let named = android.text("ServiceFileLocation")?;
        if named.is_empty() {
            self.lost(
                &platform,
                "has no ServiceFileLocation, so it is left out, as the other proxy leaves it out",
            );
            return Ok(None);
        }
        let file = self.file(&platform, named);
        let project = project_of(&file).unwrap_or_else(|| {
            self.lost(&platform, "has a service account whose project is not known: fill in its project");
            String::new()
        });
        let table = format!("apps.{}.fcm", quoted(&platform));
        let toml = format!("[{table}]\nproject = {}\nkey_file = {}\n", quoted(&project), path(&file));
        Ok(Some(Target { platform, toml }))
    }

    fn platform(&mut self, target: &Object<'_>) -> anyhow::Result<Option<String>> {
        let platform = target.text("Type")?;
        if let Err(error) = AppId::parse(platform) {
            self.imported
                .lost
                .push(format!("A target's Type cannot name an app, so it is left out: {error}."));
            return Ok(None);
        }
        Ok(Some(platform.to_owned()))
    }

    fn file(&mut self, platform: &str, named: &str) -> PathBuf {
        let place = self.folders.place(named);
        if !place.is_file() {
            self.lost(platform, &format!("names {named}, which is not found: correct {}", place.display()));
        }
        place
    }

    fn expect_keys(&mut self, target: &Object<'_>, known: &[&str]) {
        self.imported
            .notes
            .extend(target.keys_beside(known).map(|key| format!("{key} is not known and is left out.")));
    }

    fn note(&mut self, platform: &str, what: &str) {
        self.imported.notes.push(format!("The target {platform:?} {what}."));
    }

    fn lost(&mut self, platform: &str, what: &str) {
        self.imported.lost.push(format!("The target {platform:?} {what}."));
    }
}

/// The project of a service account.
fn project_of(file: &std::path::Path) -> Option<String> {
    let account: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    account["project_id"].as_str().map(str::to_owned)
}
