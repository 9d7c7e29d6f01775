//! Writes a first configuration.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use toml::Value;

use super::answers::Answers;
use super::made::Keys;

const HEAD: &str = "\
# Written by `fanfare init`. examples/fanfare.toml has every setting with its default, and `fanfare check` says what this says.

# Callers connect here.
[grpc]
";

/// The text of a configuration. Files in `folder` are named by relative paths, so that the folder can be moved.
pub(super) fn configuration(answers: &Answers, keys: &Keys, folder: Option<&Path>) -> anyhow::Result<String> {
    let path = |file: &Path| -> anyhow::Result<String> {
        let whole = std::path::absolute(file)?;
        let named = folder.and_then(|folder| whole.strip_prefix(folder).ok()).unwrap_or(&whole);
        let text = named.to_str().with_context(|| format!("{} is no path in UTF-8", named.display()))?;
        Ok(quoted(text))
    };
    let mut out = HEAD.to_owned();
    writeln!(out, "listen = {}", quoted(&answers.listen.to_string()))?;
    if answers.plaintext && !answers.listen.ip().is_loopback() {
        writeln!(out, "plaintext_anywhere = true")?;
    }
    if let Some((certificate, private_key)) = &answers.tls {
        let (certificate, private_key) = (path(certificate)?, path(private_key)?);
        writeln!(out, "\n[grpc.tls]\ncertificate_file = {certificate}\nprivate_key_file = {private_key}")?;
    }
    let app = table_name(&answers.app);
    if let (Some(apns), Some(file)) = (&answers.apple, &keys.apple) {
        let topics = Value::Array(apns.topics.iter().cloned().map(Value::String).collect());
        writeln!(out, "\n[apps.{app}.apns]\nenvironment = {}\ntopics = {topics}", quoted(apns.environment))?;
        writeln!(out, "\n[apps.{app}.apns.token]\nkey_file = {}", path(file)?)?;
        writeln!(out, "key_id = {}\nteam_id = {}", quoted(&apns.key_id), quoted(&apns.team_id))?;
    }
    if let (Some(fcm), Some(file)) = (&answers.google, &keys.google) {
        writeln!(out, "\n[apps.{app}.fcm]\nproject = {}\nkey_file = {}", quoted(&fcm.project), path(file)?)?;
    }
    if let (Some(browsers), Some(file)) = (&answers.browsers, &keys.vapid) {
        let subject = quoted(&browsers.subject);
        writeln!(out, "\n[apps.{app}.web_push]\nkey_file = {}\nsubject = {subject}", path(file)?)?;
    }
    if let Some(proxy) = &answers.mattermost {
        let (url, server_id) = (quoted(&proxy.url), quoted(&proxy.server_id));
        writeln!(out, "\n[apps.{app}.mattermost]\nurl = {url}\nserver_id = {server_id}")?;
    }
    if let (Some(name), Some(digest)) = (&answers.caller, &keys.caller) {
        writeln!(
            out,
            "\n# It shows its key as `authorization: Bearer KEY`, and may do nothing else than this."
        )?;
        writeln!(out, "[callers.{}]\napps = [{}]", table_name(name), quoted(&answers.app))?;
        writeln!(out, "providers = [\"*\"]\nrpcs = [\"*\"]\nservice_classes = [\"*\"]")?;
        writeln!(out, "key_sha256 = [\"{digest}\"]")?;
    }
    Ok(out)
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A name as TOML takes it between dots. Source: TOML 1.0, "Keys".
fn table_name(name: &str) -> Cow<'_, str> {
    match !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        true => name.into(),
        false => quoted(name).into(),
    }
}
