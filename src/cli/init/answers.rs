//! What a first configuration is to say.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::apple::AppleApp;

/// The app on FCM.
pub(super) struct GoogleApp {
    pub(super) file: PathBuf,
    pub(super) project: String,
}

/// The app on push services of browsers.
pub(super) struct BrowserApp {
    pub(super) file: PathBuf,
    /// Whether the key is to be made.
    pub(super) is_new: bool,
    pub(super) subject: String,
}

/// The app on a Mattermost push proxy.
pub(super) struct MattermostApp {
    pub(super) url: String,
    pub(super) server_id: String,
}

/// A word as a shell takes it. Source: POSIX, "Shell Command Language", 2.2.2.
fn for_shell(word: &str) -> Cow<'_, str> {
    match word.chars().all(|c| c.is_alphanumeric() || "/._-:@%+=,".contains(c)) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")).into(),
    }
}

/// What a first configuration is to say.
pub(super) struct Answers {
    pub(super) app: String,
    pub(super) apple: Option<AppleApp>,
    pub(super) google: Option<GoogleApp>,
    pub(super) browsers: Option<BrowserApp>,
    pub(super) mattermost: Option<MattermostApp>,
    pub(super) listen: SocketAddr,
    pub(super) tls: Option<(PathBuf, PathBuf)>,
    pub(super) plaintext: bool,
    pub(super) caller: Option<String>,
}

impl Answers {
    /// The commands that come next.
    pub(super) fn next(&self, config: &str) -> Vec<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let host = match self.listen.ip() {
            ip if ip.is_unspecified() => format!("THIS_HOST:{}", self.listen.port()),
            _ => self.listen.to_string(),
        };
        let mut send = format!("fanfare send --to {scheme}://{host}");
        if let Some(name) = &self.caller {
            let key = Path::new(config).with_file_name(format!("{name}.key"));
            send += &format!(" --token-file {}", for_shell(&key.to_string_lossy()));
        }
        let target = match self {
            Self { apple: Some(_), .. } => "--apns DEVICE_TOKEN",
            Self { google: Some(_), .. } => "--fcm REGISTRATION_TOKEN",
            Self { browsers: Some(_), .. } => "--web-push SUBSCRIPTION.json",
            _ => "--mattermost PLATFORM:TOKEN",
        };
        let (config, app) = (for_shell(config), for_shell(&self.app));
        vec![
            format!("fanfare check --online --config {config}"),
            format!("fanfare serve --config {config}"),
            format!("{send} --app {app} {target} --title Hello"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        for (word, expected) in
            [("etc/new.toml", "etc/new.toml"), ("my dir/f", "'my dir/f'"), ("$a'b", r"'$a'\''b'"), ("é", "é")]
        {
            assert_eq!(for_shell(word), expected);
        }
    }
}
