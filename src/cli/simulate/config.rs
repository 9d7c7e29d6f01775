//! The configuration of a gateway that sends to the simulator.

use super::facts::{Facts, FcmFacts};

/// The Mattermost server of the gateway's pushes; the proxy takes any.
const SERVER_ID: &str = "simulator";

/// Whom the push services of browsers may turn to.
const SUBJECT: &str = "mailto:push@example.com";

/// A configuration for a gateway that sends to the simulator.
pub(super) fn gateway_config(facts: &Facts<'_>) -> String {
    let Facts { production, sandbox, team_id, key_id, topics, fcm, mattermost, web_push, .. } = facts;
    let FcmFacts { origin, metadata, projects, .. } = fcm;
    let project = projects.first().map_or("", String::as_str);
    let (mattermost, public_key) = (&mattermost.origin, web_push.public_key);
    format!(
        r#"# For a gateway that sends to this simulator.
[apns]
production = "{production}"
sandbox = "{sandbox}"

[fcm]
origin = "{origin}"
metadata = "{metadata}"

[upstream]
ca_files = ["ca.pem"]

[apps.demo.apns]
environment = "production"
topics = {topics:?}

[apps.demo.apns.token]
key_file = "AuthKey.p8"
key_id = "{key_id}"
team_id = "{team_id}"

[apps.demo.fcm]
project = "{project}"
key_file = "service-account.json"

[apps.demo.mattermost]
url = "{mattermost}"
server_id = "{SERVER_ID}"

# The browsers' endpoints are on another host and port than those of their vendors, and on loopback.
[apps.demo.web_push]
key_file = "vapid.pem"
public_key = "{public_key}"
subject = "{SUBJECT}"
hosts = ["localhost"]
any_port = true
private_addresses = true
"#
    )
}
