//! Writes the files that a client of the simulator needs.

use std::path::Path;

use anyhow::Context;
use fanfare_simulator::{ClientCertificate, Simulator, Subscription, VapidKey};

use super::config::gateway_config;
use super::facts::Facts;
use crate::cli::whole::{EVERYBODY, OWNER, write_whole};

/// The folder of the subscriptions.
const SUBSCRIPTIONS: &str = "subscriptions";

/// The credentials and subscriptions that were made for clients.
pub(super) struct Secrets {
    pub(super) service_account: String,
    pub(super) user: String,
    pub(super) client: ClientCertificate,
    pub(super) vapid: VapidKey,
    pub(super) subscriptions: Vec<(String, Subscription)>,
}

/// Writes all files to the folder, which is made if it does not exist.
pub(super) fn write(
    dir: &Path,
    simulator: &Simulator,
    secrets: &Secrets,
    facts: &Facts<'_>,
) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(dir.join(SUBSCRIPTIONS))?;
        for (name, content, mode) in [
            ("ca.pem", simulator.ca_pem(), EVERYBODY),
            ("AuthKey.p8", &simulator.provider_key().private_key_pem, OWNER),
            ("client.pem", &secrets.client.certificate_pem, EVERYBODY),
            ("client-key.pem", &secrets.client.private_key_pem, OWNER),
            ("service-account.json", &secrets.service_account, OWNER),
            ("authorized-user.json", &secrets.user, OWNER),
            ("vapid.pem", &secrets.vapid.private_key_pem, OWNER),
            ("fanfare.toml", &gateway_config(facts), EVERYBODY),
        ] {
            write_whole(&dir.join(name), content, mode)?;
        }
        for (name, subscription) in &secrets.subscriptions {
            let file = dir.join(SUBSCRIPTIONS).join(name).with_extension("json");
            write_whole(&file, &subscription.json(), EVERYBODY)?;
        }
        // This file is written last, so that whoever waits for it finds all the others.
        write_whole(&dir.join("simulator.json"), &serde_json::to_string_pretty(facts)?, EVERYBODY)
    };
    write().with_context(|| format!("cannot write to {}", dir.display()))
}
