//! `fanfare simulate`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use super::serve::write_whole;
use super::{Done, told_to_stop};
use crate::simulator::{Environment, FateRow, Simulator, fates};

/// Runs a stand-in for APNs on loopback: no Apple account needed.
///
/// Over real TLS and HTTP/2: provider tokens are verified, headers and
/// payloads checked, and the first four hexadecimal digits of a device token decide its fate. What a client
/// needs is written to a folder: `ca.pem`, `AuthKey.p8`, `simulator.json`, and a `fanfare.toml` for a gateway.
#[derive(Debug, Args)]
#[command(after_help = after_help())]
pub(super) struct Simulate {
    /// The folder that is written to; made where it does not exist.
    #[arg(long)]
    dir: PathBuf,
    /// Where production listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    production: SocketAddr,
    /// Where the sandbox listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    sandbox: SocketAddr,
    /// The bundle ids of the team. May be repeated.
    #[arg(long = "topic", default_values_t = ["com.example.app".to_owned()])]
    topics: Vec<String>,
    /// How long every answer takes.
    #[arg(long, default_value = "0s", value_parser = |text: &str| humantime::parse_duration(text))]
    latency: Duration,
    /// Streams that a connection may have after its first good answer.
    #[arg(long, default_value_t = 1000)]
    streams: u32,
}

fn after_help() -> String {
    let mut help = "Device tokens that begin with:\n".to_owned();
    for FateRow { prefix, description, .. } in fates() {
        help.push_str(&format!("  {prefix}…  {description}\n"));
    }
    help.push_str("Every other device token is good.\n\nExamples:\n");
    help.push_str("  fanfare simulate --dir sim\n  fanfare serve --config sim/fanfare.toml\n");
    help.push_str("  fanfare send --app demo --apns dead0123 --title Hello");
    help
}

/// What `simulator.json` says.
#[derive(Serialize)]
struct Facts<'a> {
    production: String,
    sandbox: String,
    team_id: &'a str,
    key_id: &'a str,
    topics: &'a [String],
    fates: Vec<FateFacts>,
}

#[derive(Serialize)]
struct FateFacts {
    prefix: &'static str,
    status: Option<u16>,
    reason: Option<&'static str>,
    description: &'static str,
}

impl Simulate {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let simulator = Simulator::builder()
            .production_listen(self.production)
            .sandbox_listen(self.sandbox)
            .bundle_ids(self.topics.clone())
            .latency(self.latency)
            .max_concurrent_streams(self.streams)
            .start()
            .await?;
        let key = simulator.provider_key();
        let facts = Facts {
            production: simulator.origin(Environment::Production),
            sandbox: simulator.origin(Environment::Sandbox),
            team_id: &key.team_id,
            key_id: &key.key_id,
            topics: &self.topics,
            fates: fates()
                .iter()
                .map(|row| FateFacts {
                    prefix: row.prefix,
                    status: row.status,
                    reason: row.reason,
                    description: row.description,
                })
                .collect(),
        };
        std::fs::create_dir_all(&self.dir)
            .and_then(|()| {
                write_whole(&self.dir.join("ca.pem"), simulator.ca_pem())?;
                write_whole(&self.dir.join("AuthKey.p8"), &key.private_key_pem)?;
                write_whole(&self.dir.join("fanfare.toml"), &gateway_config(&facts))?;
                let json = serde_json::to_string_pretty(&facts)?;
                // Last: who waits for it finds the others.
                write_whole(&self.dir.join("simulator.json"), &json)
            })
            .with_context(|| format!("cannot write to {}", self.dir.display()))?;
        println!("production {}", facts.production);
        println!("sandbox    {}", facts.sandbox);
        println!("gateway    fanfare serve --config {}", Path::new(&self.dir).join("fanfare.toml").display());
        told_to_stop().await?;
        let counters = simulator.counters();
        println!("{} requests on {} connections", counters.requests_arrived, counters.connections_opened);
        simulator.shutdown().await;
        Ok(Done::Good)
    }
}

/// A configuration for a gateway that sends to the simulator.
fn gateway_config(facts: &Facts<'_>) -> String {
    let Facts { production, sandbox, team_id, key_id, topics, .. } = facts;
    format!(
        r#"# For a gateway that sends to this simulator.
[apns]
production = "{production}"
sandbox = "{sandbox}"

[upstream]
ca_files = ["ca.pem"]

[apps.demo.apns]
environment = "production"
topics = {topics:?}

[apps.demo.apns.token]
key_file = "AuthKey.p8"
key_id = "{key_id}"
team_id = "{team_id}"
"#
    )
}
