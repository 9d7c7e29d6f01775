//! What `send` and `batch` share: the flags for the content and the target of a push, and the description of a refused
//! call.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tonic_types::StatusExt;

use crate::proto;

/// The flags that say what a push shows and how it is treated.
#[derive(Debug, Args)]
#[command(next_help_heading = "Content")]
pub(super) struct ContentArgs {
    /// The first line of the notification.
    #[arg(long)]
    title: Option<String>,
    /// The text of the notification.
    #[arg(long)]
    body: Option<String>,
    /// The name of a sound in the app, or `default`.
    #[arg(long)]
    sound: Option<String>,
    /// The number on the app's icon; 0 clears it.
    #[arg(long)]
    badge: Option<i32>,
    /// Data for the app, KEY=VALUE. May be repeated.
    #[arg(long = "data", value_name = "KEY=VALUE", value_parser = pair)]
    data: Vec<(String, String)>,
    /// How long the push service may keep the push for a device that is offline, such as 1h. With 0s the push is delivered
    /// now or dropped.
    #[arg(long, value_parser = duration)]
    ttl: Option<Duration>,
    /// The collapse key. Of pushes with the same key, the device shows only the newest.
    #[arg(long)]
    collapse_key: Option<String>,
    /// A label that comes back with the result, KEY=VALUE. May be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
    /// Check everything, but deliver nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Do not send a push whose id the gateway has just sent; it gets the verdict of the first. Each gateway remembers by
    /// itself, for a few minutes.
    #[arg(long)]
    pub(super) once: bool,
}

/// The flags for an APNs device, beside its token.
#[derive(Debug, Args)]
pub(super) struct DeviceArgs {
    /// The APNs environment. By default, that of the app.
    #[arg(long)]
    environment: Option<Environment>,
    /// The APNs topic, without the suffix of the push type. By default, the app's first one.
    #[arg(long)]
    topic: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Environment {
    Production,
    Sandbox,
}

impl ContentArgs {
    /// Whether the flags give no content at all.
    pub(super) fn is_empty(&self) -> bool {
        self.notification() == proto::Notification::default() && self.data.is_empty()
    }

    /// Whether a flag other than `--dry-run` and `--once` says how the content is treated.
    pub(super) fn has_options(&self) -> bool {
        self.ttl.is_some() || self.collapse_key.is_some() || !self.labels.is_empty()
    }

    /// Adds `--dry-run` and `--once` to a push that has options of its own.
    pub(super) fn add_to(&self, push: &mut proto::Push) {
        if self.dry_run || self.once {
            let options = push.options.get_or_insert_default();
            options.dry_run |= self.dry_run;
            options.once |= self.once;
        }
    }

    pub(super) fn content(&self) -> proto::Content {
        let notification = self.notification();
        proto::Content {
            notification: (notification != proto::Notification::default()).then_some(notification),
            data: self.data.iter().cloned().collect(),
            ..proto::Content::default()
        }
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        self.labels.iter().cloned().collect()
    }

    pub(super) fn options(&self) -> anyhow::Result<proto::Options> {
        Ok(proto::Options {
            ttl: self.ttl.map(prost_types::Duration::try_from).transpose()?,
            collapse_key: self.collapse_key.clone().unwrap_or_default(),
            dry_run: self.dry_run,
            once: self.once,
            ..proto::Options::default()
        })
    }

    fn notification(&self) -> proto::Notification {
        proto::Notification {
            title: self.title.clone().unwrap_or_default(),
            body: self.body.clone().unwrap_or_default(),
            sound: self.sound.clone().unwrap_or_default(),
            badge: self.badge,
            ..proto::Notification::default()
        }
    }
}

impl DeviceArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.environment.is_none() && self.topic.is_none()
    }

    pub(super) fn target(&self, token: String) -> proto::Target {
        let environment = match self.environment {
            None => proto::ApnsEnvironment::Unspecified,
            Some(Environment::Production) => proto::ApnsEnvironment::Production,
            Some(Environment::Sandbox) => proto::ApnsEnvironment::Sandbox,
        };
        let device = proto::ApnsDevice {
            token,
            environment: environment.into(),
            topic: self.topic.clone().unwrap_or_default(),
        };
        proto::Target { apns: Some(device), ..proto::Target::default() }
    }
}

/// Describes a refused call in one sentence.
pub(super) fn describe(status: &tonic::Status) -> String {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| format!(" ({})", info.reason)).unwrap_or_default();
    format!("the gateway refused the call with {:?}{reason}: {}", status.code(), status.message())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}
