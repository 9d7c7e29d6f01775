//! An app on APNs.

use toml::Table;

use super::made::Made;
use super::members::Members;
use super::taken::Taken;
use super::topic::topic_of;
use crate::cli::import::named::Folders;

pub(super) fn take(made: &mut Made, at: &str, said: &mut Members, folders: &Folders) -> Option<Taken> {
    let environment = match said.take_text("platform").as_deref() {
        None | Some("production" | "prod") => "production",
        Some("sandbox") => "sandbox",
        Some(other) => {
            made.note(format!(
                "{at}platform is {other:?}, which sygnal does not take either; production was taken."
            ));
            "production"
        }
    };
    let mut apns = Table::from_iter([("environment".to_owned(), environment.into())]);
    let mut topic = said.take_text("topic");
    let (key_file, key_id, team_id) =
        (said.take_text("keyfile"), said.take_text("key_id"), said.take_text("team_id"));
    match (said.take_text("certfile"), key_file) {
        // sygnal takes the certificate where both are there.
        (Some(file), _) => {
            let path = made.path(&format!("{at}certfile"), folders, &file);
            topic = topic.or_else(|| topic_of(&path));
            // sygnal wants the certificate and its key in one file.
            let both =
                ["certificate_file", "private_key_file"].map(|key| (key.to_owned(), path.clone().into()));
            apns.insert("certificate".to_owned(), Table::from_iter(both).into());
        }
        (None, Some(file)) => {
            let token = [
                ("key_file", made.path(&format!("{at}keyfile"), folders, &file)),
                ("key_id", key_id.unwrap_or_default()),
                ("team_id", team_id.unwrap_or_default()),
            ];
            let token = token.map(|(key, value)| (key.to_owned(), value.into()));
            apns.insert("token".to_owned(), Table::from_iter(token).into());
        }
        (None, None) => {
            made.lose(format!(
                "{at}certfile and {at}keyfile are both missing: add the app, which was left out."
            ));
            return None;
        }
    }
    if topic.is_none() {
        made.lose(format!("{at}topic is missing: add the app's bundle id to topics."));
    }
    let topics: Vec<toml::Value> = topic.into_iter().map(toml::Value::from).collect();
    apns.insert("topics".to_owned(), topics.into());
    let mut of_matrix = Table::new();
    if let Some(push_type) = said.take_text("push_type") {
        of_matrix.insert("push_type".to_owned(), push_type.into());
    }
    for key in ["convert_device_token_to_hex", "send_badge_counts"] {
        if let Some(is) = said.take_truth(key) {
            of_matrix.insert(key.to_owned(), is.into());
        }
    }
    Some(Taken { provider: "apns", of_provider: apns, of_matrix })
}
