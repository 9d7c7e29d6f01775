//! The metadata server. Source: Google, "About VM metadata" and "Authenticate workloads using
//! the metadata server".

use http::HeaderValue;
use http::request::Parts;
use serde_json::json;

use super::error::HTML;
use super::oauth;
use crate::simulator::decision::Decision;
use crate::simulator::world::World;

const FLAVOR: &str = "metadata-flavor";
const ACCOUNTS: &str = "/computeMetadata/v1/instance/service-accounts/";
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// The answer to a request that was read in full.
pub(in crate::simulator) fn metadata(world: &World, parts: &Parts) -> Decision {
    answer(world, parts).with_header(FLAVOR, HeaderValue::from_static("Google"))
}

fn answer(world: &World, parts: &Parts) -> Decision {
    let path = parts.uri.path();
    let text = |text: String| Decision::new(200, "application/text", text);
    // With this alone a client finds out whether it runs at Google.
    if path == "/" {
        return text("computeMetadata/\n".to_owned());
    }
    if parts.headers.get(FLAVOR).is_none_or(|flavor| flavor != "Google") {
        let page =
            "<!DOCTYPE html><title>403 Missing required header \"Metadata-Flavor\": \"Google\"</title>\n";
        return Decision::new(403, HTML, page).because("no Metadata-Flavor");
    }
    let google = &world.fcm;
    let machine = &google.accounts.machine;
    if path == "/computeMetadata/v1/project/project-id" {
        return text(machine.projects.first().cloned().unwrap_or_default());
    }
    if path == "/computeMetadata/v1/universe/universe-domain" {
        return text("googleapis.com".to_owned());
    }
    let account = path.strip_prefix(ACCOUNTS).and_then(|rest| rest.split_once('/'));
    match account {
        Some((name, what)) if name == "default" || name == machine.email => match what {
            "token" => oauth::answer(&google.tokens.issue(world, machine, vec![SCOPE.to_owned()])),
            "email" => text(machine.email.clone()),
            "" => {
                let facts = json!({ "aliases": ["default"], "email": machine.email, "scopes": [SCOPE] });
                Decision::new(200, "application/json", facts.to_string())
            }
            _ => unknown(),
        },
        _ => unknown(),
    }
}

fn unknown() -> Decision {
    Decision::new(404, HTML, "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>\n").because("not found")
}
