//! The apps: each becomes an app of the gateway, and a name by which homeservers know it.

use anyhow::bail;
use toml::Table;

use super::made::Made;
use super::members::Members;
use super::taken::Taken;
use super::{apns, fcm, web_push};
use crate::cli::import::named::Folders;
use crate::ingress::matrix::Glob;
use crate::push::AppId;

/// Takes the apps over. Returns them by the names that homeservers use.
pub(super) fn take(made: &mut Made, document: &mut Members, folders: &Folders) -> anyhow::Result<Table> {
    let (mut apps, mut matrix_apps) = (Table::new(), Table::new());
    for (id, said) in document.take_members("apps").into_iter() {
        let Some(mut said) = Members::of(said) else {
            bail!("apps.{id}: expected a mapping, found something else")
        };
        let kind = said.take_text("type").unwrap_or_default();
        let at = format!("apps.{id}.");
        let taken = match kind.as_str() {
            "apns" => apns::take(made, &at, &mut said, folders),
            "gcm" => fcm::take(made, &at, &mut said, folders),
            "webpush" => web_push::take(made, &at, &mut said, folders),
            other => {
                made.lose(format!("{at}type is {other:?}, which is none of apns, gcm and webpush: there is nothing like it here."));
                continue;
            }
        };
        for limit in ["inflight_request_limit", "max_connections"] {
            if said.take(limit).is_some() {
                made.note(format!(
                    "{at}{limit} was not taken over: limits.max_in_flight bounds all pushes, and an app takes room by what is free."
                ));
            }
        }
        said.note_rest(made, &at);
        let Some(Taken { provider, of_provider, mut of_matrix }) = taken else { continue };
        expect_alone(made, &matrix_apps, &id);
        let name = name(&id, &apps);
        apps.insert(name.clone(), Table::from_iter([(provider.to_owned(), of_provider.into())]).into());
        of_matrix.insert("app".to_owned(), name.into());
        matrix_apps.insert(id, of_matrix.into());
    }
    made.document.insert("apps".to_owned(), apps.into());
    Ok(matrix_apps)
}

/// Tells where an `app_id` would be of two apps. sygnal rejects the devices of such a one.
fn expect_alone(made: &mut Made, others: &Table, id: &str) {
    let Some(pattern) = Glob::parse(id) else { return };
    let other = others.keys().find(|other| Glob::parse(other).is_some_and(|other| other.overlaps(&pattern)));
    if let Some(other) = other {
        made.lose(format!("The patterns {other:?} and {id:?} mean the same names; narrow one of them."));
    }
}

/// The name of the gateway's own app: that of sygnal, where it can be one.
fn name(id: &str, taken: &Table) -> String {
    let plain = id.replace(['*', '?'], "_");
    let others = (2..).map(|number| format!("app-{number}"));
    let mut names = std::iter::once(plain).chain(others);
    let free = names.find(|name| AppId::parse(name).is_ok() && !taken.contains_key(name));
    // The names never end.
    free.unwrap_or_default()
}
