//! `fanfare send`: sends one push and prints its verdict.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};

use super::content::{ContentArgs, DeviceArgs, duration};
use super::done::Done;
use super::gateway::{GatewayArgs, RemoteGateway};
use super::json::Schema;
use super::named_file::read_text;
use super::output::{print, tell};
use super::subscription;
use crate::proto;

/// Sends one push through a gateway and prints its verdict.
///
/// The verdict goes to standard output as JSON.
///
/// Exit code 0: the push was accepted or validated; 1: it got another verdict; 2: there is no verdict, because the gateway
/// could not be reached or refused the call. If standard output cannot be written, the exit code is still that of the verdict.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").args(["json", "apns", "fcm", "web_push", "mattermost"]).required(true)),
    after_help = "Examples:
  fanfare send --app shop --apns 5f1c…e2 --title Hello --body World
  fanfare send --app shop --fcm dT9x…:APA91b… --title Hello --data order=17
  fanfare send --app web --web-push subscription.json --title Hello --ttl 1h
  fanfare send --app chat --mattermost android_rn:dT9x…:APA91b… --title Hello
  fanfare send --json push.json
  fanfare send --to https://gateway.example:50051 --ca ca.pem --cert orders.pem --key orders.key --json push.json
  echo '{\"app\":\"shop\",\"target\":{\"apns\":{\"token\":\"5f1c…e2\"}},\"content\":{\"data\":{\"k\":\"v\"}}}' | fanfare send --json -"
)]
pub(super) struct Send {
    /// The address of the gateway; https:// means TLS.
    #[arg(long, env = "FANFARE_TO", default_value = "http://127.0.0.1:50051")]
    to: String,
    #[command(flatten)]
    gateway: GatewayArgs,
    /// A file with a fanfare.push.v1.Push as ProtoJSON; `-` for standard input.
    #[arg(long, conflicts_with = "app")]
    json: Option<PathBuf>,
    /// The app, as the gateway's configuration names it.
    #[arg(long, required_unless_present = "json")]
    app: Option<String>,
    /// The APNs device token, in hexadecimal.
    #[arg(long, value_name = "TOKEN")]
    apns: Option<String>,
    /// The FCM registration token.
    #[arg(long, value_name = "TOKEN")]
    fcm: Option<String>,
    /// A file with a browser's subscription, as PushSubscription.toJSON() gives it; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    web_push: Option<PathBuf>,
    /// The device id of a Mattermost app.
    #[arg(long, value_name = "PLATFORM:TOKEN")]
    mattermost: Option<String>,
    #[command(flatten)]
    device: DeviceArgs,
    /// The id of the push. By default the gateway makes one. --once needs it.
    #[arg(long)]
    id: Option<String>,
    /// How long to wait for the verdict.
    #[arg(long, default_value = "30s", value_parser = duration)]
    timeout: Duration,
    #[command(flatten)]
    content: ContentArgs,
}

impl Send {
    pub(super) async fn run(self) -> anyhow::Result<Done> {
        let schema = Schema::load()?;
        let gateway = RemoteGateway::new(&self.to, &Arc::new(self.gateway.clone()))?;
        let timeout = self.timeout;
        let push = self.push(&schema)?;
        let connection = gateway.connect().await?;
        let mut request = connection.request(proto::SendPushRequest { push: Some(push.into()) });
        request.set_timeout(timeout);
        let result = match connection.client().send_push(request).await {
            Ok(response) => response.into_inner().result.context("the gateway answered without a result")?,
            Err(status) => bail!(connection.why_first_ended(&status)),
        };
        if let Err(error) = print(schema.result(&result)?) {
            // The push has its verdict even if nobody can read it, so the exit code stays that of the verdict.
            tell(format_args!("warning: {error:#}; the verdict is {}", result.outcome().as_str_name()));
        }
        let good = matches!(result.outcome(), proto::Outcome::Accepted | proto::Outcome::Validated);
        Ok(if good { Done::Good } else { Done::Bad })
    }

    fn push(self, schema: &Schema) -> anyhow::Result<proto::Push> {
        if let Some(file) = self.json {
            let json = read_text(&file)?;
            if !self.content.is_empty() || self.content.has_options() || self.id.is_some() {
                bail!("the file of --json is the whole push: of it, flags only say --dry-run and --once");
            }
            let mut push = schema.push(&json).with_context(|| format!("{} is no push", file.display()))?;
            self.content.add_to(&mut push);
            return Ok(push);
        }
        let target = self.target()?;
        Ok(proto::Push {
            id: self.id.unwrap_or_default(),
            app: self.app.unwrap_or_default(),
            target: Some(target),
            content: Some(self.content.content()),
            options: Some(self.content.options()?),
            labels: self.content.labels(),
        })
    }

    /// The target that a flag names.
    fn target(&self) -> anyhow::Result<proto::Target> {
        if let Some(token) = &self.apns {
            return Ok(self.device.target(token.clone()));
        }
        if !self.device.is_empty() {
            bail!("--topic and --environment belong to an APNs device: they need --apns");
        }
        let subscribed = |file: &PathBuf| {
            let no_subscription =
                || format!("{} is no subscription as PushSubscription.toJSON() gives it", file.display());
            subscription::parse(&read_text(file)?).with_context(no_subscription)
        };
        let registration_token = |token: &String| proto::FcmTarget {
            registration_token: token.clone(),
            ..proto::FcmTarget::default()
        };
        let device = |device_id: &String| proto::MattermostDevice {
            device_id: device_id.clone(),
            ..proto::MattermostDevice::default()
        };
        Ok(proto::Target {
            fcm: self.fcm.as_ref().map(registration_token).map(Box::new),
            web_push: self.web_push.as_ref().map(subscribed).transpose()?.map(Box::new),
            mattermost: self.mattermost.as_ref().map(device).map(Box::new),
            ..proto::Target::default()
        })
    }
}
