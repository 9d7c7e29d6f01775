//! Finds out what a file of keys is, by its content.

use std::path::Path;

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::credential::google::Source;
use crate::credential::vapid::VapidKey;
use crate::files::FileContent;

/// What a file of keys is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyFile {
    /// Apple's key, with the id that its file name tells.
    Apple { key_id: Option<String> },
    /// Google's key, with the project that it tells.
    Google { project: Option<String> },
    /// A VAPID key.
    Vapid,
}

/// How Apple's portal names the file of a key, before the key's id. Source: Apple, "Create a private key to access a service".
const APPLE_PREFIX: &str = "AuthKey_";

impl KeyFile {
    /// Reads a file and finds out what it is.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or is no key that a configuration could name. The error says what it is, where that is
    /// known.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let shown = file.display();
        if file.as_os_str() == "-" {
            bail!("--from -: expected a file, because the configuration names it by its path");
        }
        let text = FileContent::read(file).and_then(FileContent::into_text);
        let kind = text.map_err(anyhow::Error::from).and_then(|text| Self::of(file, &text.into()));
        kind.with_context(|| format!("--from {shown}"))
    }

    fn of(file: &Path, text: &SecretString) -> anyhow::Result<Self> {
        let shown = text.expose_secret().trim();
        if shown.is_empty() {
            bail!("the file is empty");
        }
        if shown.starts_with('{') {
            return Self::of_json(text);
        }
        if let Some(key_id) = apple_name(file) {
            if !shown.contains("-----BEGIN PRIVATE KEY-----") {
                bail!(
                    "expected Apple's key, which begins with -----BEGIN PRIVATE KEY-----, found something else"
                );
            }
            // Both services sign ES256, so that whatever can be a VAPID key can be Apple's.
            if VapidKey::parse(text).is_err() {
                bail!(
                    "expected Apple's key, which is on the curve P-256, found one that is not, or is damaged"
                );
            }
            return Ok(Self::Apple { key_id });
        }
        if shown.contains("-----BEGIN CERTIFICATE-----") {
            bail!(
                "it is a certificate; examples/fanfare.toml shows how [apps.NAME.apns.certificate] names one, and \
                 --tls-certificate takes that of a listener"
            );
        }
        VapidKey::parse(text).context("it is neither JSON of Google nor Apple's AuthKey_….p8")?;
        Ok(Self::Vapid)
    }

    fn of_json(text: &SecretString) -> anyhow::Result<Self> {
        // The error of the library may repeat a part of a text that is not JSON.
        let Ok(object) = serde_json::from_str::<Map<String, Value>>(text.expose_secret()) else {
            Source::from_json(text)?;
            bail!("it is no JSON object");
        };
        let has = |key: &str| object.contains_key(key);
        if has("project_info") && has("client") {
            bail!(
                "it is google-services.json, which belongs into the Android app; the Firebase console makes the key of a \
                 service account at Project settings, Service accounts"
            );
        }
        if has("ApplePushSettings") || has("AndroidPushSettings") {
            bail!(
                "it is the configuration of a Mattermost push proxy: `fanfare import mattermost-push-proxy` takes it over"
            );
        }
        if has("publicKey") && has("privateKey") {
            VapidKey::parse(text)?;
            return Ok(Self::Vapid);
        }
        if !has("type") {
            bail!("expected the JSON of a service account or of a user of Google, found other JSON");
        }
        Source::from_json(text)?;
        let named = ["project_id", "quota_project_id"].iter().filter_map(|key| object.get(*key)?.as_str());
        let project = named.map(str::to_owned).find(|project| !project.is_empty());
        Ok(Self::Google { project })
    }
}

/// Whether a file is named as Apple's keys are, and the id that its name tells.
fn apple_name(file: &Path) -> Option<Option<String>> {
    let stem = file.file_stem()?.to_str()?;
    let key_id = stem.strip_prefix(APPLE_PREFIX);
    let is_p8 = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("p8"));
    (is_p8 || key_id.is_some()).then(|| key_id.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../../tests/data/vapid/pkcs8.pem");
    const RAW: &str = include_str!("../../../tests/data/vapid/private.key");

    fn found(name: &str, text: &str) -> Result<KeyFile, String> {
        KeyFile::of(Path::new(name), &text.to_owned().into()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn keys_are_told_apart_by_content_and_those_of_apple_by_name() {
        let apple = |key_id: Option<&str>| Ok(KeyFile::Apple { key_id: key_id.map(str::to_owned) });
        assert_eq!(found("AuthKey_ABC123DEFG.p8", PEM), apple(Some("ABC123DEFG")));
        assert_eq!(found("shop.P8", PEM), apple(None));
        assert_eq!(found("vapid.pem", PEM), Ok(KeyFile::Vapid));
        assert_eq!(found("vapid.key", RAW), Ok(KeyFile::Vapid));
        let public = include_str!("../../../tests/data/vapid/public.key").trim();
        let json = serde_json::json!({ "publicKey": public, "privateKey": RAW.trim() }).to_string();
        assert_eq!(found("vapid.json", &json), Ok(KeyFile::Vapid));
        let printed = format!("====\nPublic Key:\n{public}\n\nPrivate Key:\n{RAW}\n====\n");
        assert_eq!(found("vapid.txt", &printed), Ok(KeyFile::Vapid));
    }

    #[test]
    fn what_is_no_key_is_told_by_what_it_is_and_never_repeated() {
        for (name, text, expected) in [
            ("a", "", "the file is empty"),
            ("a", "secret", "found neither"),
            ("a", "{secret", "expected a JSON object as Google gave it"),
            ("a", "{\"secret\":1}", "found other JSON"),
            ("a", "{\"type\":\"external_account\",\"a\":\"secret\"}", "external_account"),
            ("a", "{\"type\":\"service_account\"}", "is missing"),
            ("a", "{\"project_info\":{},\"client\":[]}", "google-services.json"),
            ("a", "{\"ApplePushSettings\":[]}", "import mattermost-push-proxy"),
            (
                "a",
                "{\"publicKey\":\"\",\"privateKey\":\"secret\"}",
                "expected a private key on the curve P-256",
            ),
            ("a.p8", &PEM.replace("MIG", "MIH"), "is damaged"),
            ("a.pem", "-----BEGIN CERTIFICATE-----\n", "it is a certificate"),
            ("AuthKey_A.p8", "secret", "expected Apple's key"),
        ] {
            let error = found(name, text).unwrap_err();
            assert!(error.contains(expected) && !error.contains("secret"), "{text}: {error}");
        }
    }
}
