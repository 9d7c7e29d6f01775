//! Writes the configuration of a gateway that sends to the simulator.

use super::facts::{Facts, FcmFacts};

/// The id of the Mattermost server in the gateway's pushes. The simulated proxy takes any.
const SERVER_ID: &str = "simulator";

/// The contact that the gateway names to the push services of browsers.
const SUBJECT: &str = "mailto:push@example.com";

/// A configuration for a gateway that sends to the simulator.
pub(super) fn gateway_config(facts: &Facts<'_>) -> String {
    let Facts { production, sandbox, team_id, key_id, topics, fcm, mattermost, web_push, .. } = facts;
    let FcmFacts { origin, metadata, projects, .. } = fcm;
    let project = projects.first().map_or("", String::as_str);
    let (mattermost, public_key) = (&mattermost.origin, web_push.public_key);
    format!(
        r#"# The configuration of a gateway that sends to this simulator.
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

# The endpoints of the simulated browsers are on loopback, and not on the hosts of their vendors.
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
