//! An app on FCM.

use toml::Table;

use super::made::Made;
use super::members::{Members, toml_table};
use super::taken::Taken;
use crate::cli::import::named::Folders;

pub(super) fn take(made: &mut Made, at: &str, said: &mut Members, folders: &Folders) -> Option<Taken> {
    if said.take("api_key").is_some() {
        made.note(format!("{at}api_key was not taken over: Google has switched off the API that takes it."));
    }
    let version = said.take_text("api_version");
    let (project, file) = (said.take_text("project_id"), said.take_text("service_account_file"));
    let (Some(project), Some(file)) = (project, file) else {
        let found = version.as_deref().unwrap_or("legacy");
        made.lose(format!(
            "{at}api_version is {found:?}: add the app with project_id and service_account_file, by which v1 is called; it was left out."
        ));
        return None;
    };
    let key_file = made.path(&format!("{at}service_account_file"), folders, &file);
    let fcm = [("project", project), ("key_file", key_file)];
    let fcm = Table::from_iter(fcm.map(|(key, value)| (key.to_owned(), value.into())));
    let mut of_matrix = Table::new();
    if let Some(is) = said.take_truth("send_badge_counts") {
        of_matrix.insert("send_badge_counts".to_owned(), is.into());
    }
    let options = toml_table(&said.take_members("fcm_options").into_iter().collect());
    if !options.is_empty() {
        of_matrix.insert("fcm_options".to_owned(), options.into());
    }
    Some(Taken { provider: "fcm", of_provider: fcm, of_matrix })
}
