//! Answers as the metadata server. Source: Google, "About VM metadata", "Access VM metadata" and "Verify the identity
//! of a VM"; googleapis/gcp-metadata and google-auth-library, which ask for `instance` to find out whether they run at
//! Google.

use std::collections::HashMap;

use http::HeaderValue;
use http::request::Parts;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::error::HTML;
use super::google::Google;
use super::oauth;
use crate::decision::Decision;

const FLAVOR: &str = "metadata-flavor";
const ROOT: &str = "/computeMetadata/v1";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The machine, as directories and files. The real server redirects a directory without its slash to a name that a
/// test cannot reach; here it is answered at once.
const MACHINE: [(&str, &str); 6] = [
    ("instance/hostname", "simulator.c.internal"),
    ("instance/id", "1000000000000000001"),
    ("instance/name", "simulator"),
    ("instance/zone", "projects/100000000001/zones/us-central1-a"),
    ("project/numeric-project-id", "100000000001"),
    ("universe/universe-domain", "googleapis.com"),
];

type Query = HashMap<String, String>;

/// Answers a request that was read in full.
pub(crate) fn metadata(google: &Google, parts: &Parts) -> Decision {
    answer(google, parts).with_header(FLAVOR, HeaderValue::from_static("Google"))
}

fn answer(google: &Google, parts: &Parts) -> Decision {
    let path = parts.uri.path();
    // From this alone a client finds out whether it runs at Google.
    if path == "/" {
        return text("computeMetadata/\n".to_owned());
    }
    if parts.headers.get(FLAVOR).is_none_or(|flavor| flavor != "Google") {
        let page =
            "<!DOCTYPE html><title>403 Missing required header \"Metadata-Flavor\": \"Google\"</title>\n";
        return Decision::new(403, HTML, page).with_reason("no Metadata-Flavor");
    }
    let query: Query =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let machine = &google.accounts.machine;
    let inside = path.strip_prefix(ROOT).map(|rest| rest.trim_matches('/'));
    let names: Option<Vec<&str>> = inside.map(|inside| inside.split('/').collect());
    match names.as_deref() {
        Some(["instance", "service-accounts", name, "token"]) if is_machine(machine, name) => {
            let scopes = query.get("scopes").filter(|scopes| !scopes.is_empty());
            let scopes = scopes.map_or(SCOPE, String::as_str).split(',').map(str::to_owned).collect();
            oauth::answer(&google.tokens.issue(machine, scopes))
        }
        Some(["instance", "service-accounts", name, "identity"]) if is_machine(machine, name) => {
            identity(google, machine, &query)
        }
        Some(_) => found(&tree(machine), inside.unwrap_or_default(), &query),
        None => unknown(),
    }
}

fn is_machine(machine: &Account, name: &str) -> bool {
    name == "default" || name == machine.email
}

/// Signs an ID token for somebody to whom the machine proves who it is.
fn identity(google: &Google, machine: &Account, query: &Query) -> Decision {
    let Some(audience) = query.get("audience").filter(|audience| !audience.is_empty()) else {
        return Decision::new(400, HTML, "non-empty audience parameter required\n")
            .with_reason("no audience");
    };
    match machine.id_token(audience, google.clock.now_s()) {
        Some(token) => Decision::new(200, "text/html", token),
        None => Decision::new(500, HTML, "").with_reason("no key could be made"),
    }
}

/// Returns everything that can be read, except tokens.
fn tree(machine: &Account) -> Value {
    let account = json!({ "aliases": ["default"], "email": machine.email, "scopes": [SCOPE] });
    let project = machine.projects.first().map_or("", String::as_str);
    let mut tree = json!({
        "instance": { "attributes": {}, "service-accounts": { "default": account, &*machine.email: account } },
        "project": { "attributes": {}, "project-id": project },
        "universe": {},
    });
    for (path, value) in MACHINE {
        if let Some((folder, name)) = path.split_once('/') {
            tree[folder][name] = value.into();
        }
    }
    tree
}

/// Answers with a file, with the names in a directory, or with `recursive=true` everything below it.
fn found(tree: &Value, path: &str, query: &Query) -> Decision {
    let steps = path.split('/').filter(|step| !step.is_empty());
    let Some(value) = steps.into_iter().try_fold(tree, |value, step| value.get(step)) else {
        return unknown();
    };
    let asked =
        |name: &str, value: &str| query.get(name).is_some_and(|given| given.eq_ignore_ascii_case(value));
    match value {
        Value::Object(folder) if asked("recursive", "true") => {
            Decision::new(200, "application/json", Value::from(folder.clone()).to_string())
        }
        Value::Object(folder) => text(names(folder)),
        other if asked("alt", "json") => Decision::new(200, "application/json", other.to_string()),
        Value::Array(lines) => {
            text(lines.iter().filter_map(Value::as_str).map(|line| format!("{line}\n")).collect())
        }
        Value::String(line) => text(line.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => unknown(),
    }
}

/// Writes one line for each name; a directory ends with a slash.
fn names(folder: &Map<String, Value>) -> String {
    folder
        .iter()
        .map(|(name, value)| format!("{name}{}\n", if value.is_object() { "/" } else { "" }))
        .collect()
}

fn text(text: String) -> Decision {
    Decision::new(200, "application/text", text)
}

fn unknown() -> Decision {
    Decision::new(404, HTML, "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>\n")
        .with_reason("not found")
}
