//! `fanfare send`

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tonic_types::StatusExt;

use super::Done;
use super::json::Schema;
use crate::proto::{self, push_service_client::PushServiceClient};

/// Sends one push through a gateway and prints its verdict as JSON. Exit code 0: accepted, or validated;
/// 1: not; 2: the gateway cannot be asked.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fanfare send --app shop --apns 5f1c…e2 --title Hello --body World
  fanfare send --json push.json
  echo '{\"app\":\"shop\",\"target\":{\"apns\":{\"token\":\"5f1c…e2\"}},\"content\":{\"data\":{\"k\":\"v\"}}}' | fanfare send --json -")]
pub(super) struct Send {
    /// The gateway.
    #[arg(long, env = "FANFARE_TO", default_value = "http://127.0.0.1:50051")]
    to: String,
    /// A file with a fanfare.push.v1.Push as ProtoJSON; `-` for standard input.
    #[arg(long, conflicts_with_all = ["app", "apns"])]
    json: Option<PathBuf>,
    /// The app, as the gateway's configuration names it.
    #[arg(long, required_unless_present = "json")]
    app: Option<String>,
    /// The APNs device token, in hexadecimal.
    #[arg(long, required_unless_present = "json")]
    apns: Option<String>,
    /// The APNs environment. Default: the app's.
    #[arg(long)]
    environment: Option<Environment>,
    /// The APNs topic, without the suffix of the push type. Default: the app's first.
    #[arg(long)]
    topic: Option<String>,
    /// The caller's name for the push. Default: made by the gateway.
    #[arg(long)]
    id: Option<String>,
    /// The first line of the notification.
    #[arg(long)]
    title: Option<String>,
    /// Its text.
    #[arg(long)]
    body: Option<String>,
    /// A sound in the app, or `default`.
    #[arg(long)]
    sound: Option<String>,
    /// The number on the app's icon; 0 clears it.
    #[arg(long)]
    badge: Option<i32>,
    /// For the app: KEY=VALUE. May be repeated.
    #[arg(long = "data", value_name = "KEY=VALUE", value_parser = pair)]
    data: Vec<(String, String)>,
    /// How long the push service may keep it, such as 1h; 0s: deliver now or drop.
    #[arg(long, value_parser = humantime_duration)]
    ttl: Option<Duration>,
    /// Of pushes with the same key only the newest matters.
    #[arg(long)]
    collapse_key: Option<String>,
    /// Check everything, deliver nothing.
    #[arg(long)]
    dry_run: bool,
    /// How long to wait for the verdict.
    #[arg(long, default_value = "30s", value_parser = humantime_duration)]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Environment {
    Production,
    Sandbox,
}

impl Send {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let schema = Schema::load()?;
        let (to, timeout) = (self.to.clone(), self.timeout);
        let push = self.push(&schema)?;
        let mut client = PushServiceClient::connect(to.clone())
            .await
            .with_context(|| format!("cannot connect to the gateway at {to}"))?;
        let mut request = tonic::Request::new(proto::SendPushRequest { push: Some(push) });
        request.set_timeout(timeout);
        let result = match client.send_push(request).await {
            Ok(response) => response.into_inner().result.context("the gateway answered without a result")?,
            Err(status) => bail!(describe(&status)),
        };
        println!("{}", schema.result(&result)?);
        let good = matches!(result.outcome(), proto::Outcome::Accepted | proto::Outcome::Validated);
        Ok(if good { Done::Good } else { Done::Bad })
    }

    fn push(self, schema: &Schema) -> anyhow::Result<proto::Push> {
        if let Some(file) = self.json {
            let mut json = String::new();
            if file.as_os_str() == "-" {
                std::io::stdin().read_to_string(&mut json).context("cannot read standard input")?;
            } else {
                json = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
            }
            return schema.push(&json).with_context(|| format!("{} is no push", file.display()));
        }
        let notification = proto::Notification {
            title: self.title.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            sound: self.sound.unwrap_or_default(),
            badge: self.badge,
            ..proto::Notification::default()
        };
        let environment = match self.environment {
            None => proto::ApnsEnvironment::Unspecified,
            Some(Environment::Production) => proto::ApnsEnvironment::Production,
            Some(Environment::Sandbox) => proto::ApnsEnvironment::Sandbox,
        };
        let device = proto::ApnsDevice {
            token: self.apns.unwrap_or_default(),
            environment: environment.into(),
            topic: self.topic.unwrap_or_default(),
        };
        Ok(proto::Push {
            id: self.id.unwrap_or_default(),
            app: self.app.unwrap_or_default(),
            target: Some(proto::Target { apns: Some(device), ..proto::Target::default() }),
            content: Some(proto::Content {
                notification: (notification != proto::Notification::default()).then_some(notification),
                data: self.data.into_iter().collect(),
                ..proto::Content::default()
            }),
            options: Some(proto::Options {
                ttl: self.ttl.map(prost_types::Duration::try_from).transpose()?,
                collapse_key: self.collapse_key.unwrap_or_default(),
                dry_run: self.dry_run,
                ..proto::Options::default()
            }),
        })
    }
}

/// A refused call in one sentence.
fn describe(status: &tonic::Status) -> String {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| format!(" ({})", info.reason)).unwrap_or_default();
    format!("the gateway refused the call with {:?}{reason}: {}", status.code(), status.message())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

fn humantime_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}
