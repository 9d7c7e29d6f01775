//! An app on the push services of browsers.

use toml::{Table, Value};

use super::made::Made;
use super::members::Members;
use super::taken::Taken;
use crate::cli::import::named::Folders;

pub(super) fn take(made: &mut Made, at: &str, said: &mut Members, folders: &Folders) -> Option<Taken> {
    let (key, contact) = (said.take_text("vapid_private_key"), said.take_text("vapid_contact_email"));
    let (Some(key), Some(contact)) = (key, contact) else {
        made.lose(format!(
            "{at}vapid_private_key or {at}vapid_contact_email is missing: add the app, which was left out."
        ));
        return None;
    };
    let key_file = made.path(&format!("{at}vapid_private_key"), folders, &key);
    let contact = contact.strip_prefix("mailto:").unwrap_or(&contact);
    let web_push = [("key_file", key_file), ("subject", format!("mailto:{contact}"))];
    let mut web_push = Table::from_iter(web_push.map(|(key, value)| (key.to_owned(), value.into())));
    let mut of_matrix = Table::new();
    match said.take_texts("allowed_endpoints").filter(|allowed| !allowed.is_empty()) {
        Some(allowed) => {
            let texts = |texts: Vec<String>| Value::Array(texts.into_iter().map(Value::from).collect());
            // The push services of browsers are known. What is listed beside them may be others.
            let hosts = allowed.iter().filter(|host| is_host(host)).cloned().collect();
            web_push.insert("hosts".to_owned(), texts(hosts));
            of_matrix.insert("allowed_endpoints".to_owned(), texts(allowed));
        }
        None => made.note(format!(
            "{at}allowed_endpoints is empty, so sygnal sends to every host: here the push services of browsers are known, and \
             others have to stand in web_push.hosts."
        )),
    }
    if let Some(seconds) = said.take_number("ttl") {
        of_matrix.insert("ttl".to_owned(), format!("{seconds}s").into());
    }
    Some(Taken { provider: "web_push", of_provider: web_push, of_matrix })
}

/// Whether a pattern can stand in `web_push.hosts`: a host, or all hosts below one.
fn is_host(pattern: &str) -> bool {
    let host = pattern.strip_prefix("*.").unwrap_or(pattern);
    host.contains('.') && !host.contains(['*', '?', ':'])
}
