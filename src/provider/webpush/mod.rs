//! Web Push: its settings and limits.

use std::time::SystemTime;

use super::{Message, Reply, Verdict, bug};
use crate::push::{Body, Refusal, Target};
use crate::upstream::Origin;

/// What an operator says about one app on Web Push.
#[derive(Debug, Clone, Default)]
pub struct WebPushSettings {
    /// Hosts of push services beside the known ones; `*.example.com` for all below `example.com`.
    pub hosts: Vec<String>,
    /// Endpoints on other ports than 443 are taken too: for private push servers and tests.
    pub any_port: bool,
    /// Payloads are padded to a multiple of this, in bytes, where the limit allows. 0 and 1: not at all.
    pub pad_to: usize,
}

/// How one app speaks to push services of browsers.
#[derive(Debug)]
pub struct WebPush {
    settings: WebPushSettings,
}

/// A body as Web Push takes it.
#[derive(Debug)]
pub struct Payload {}

/// What is drawn at random for each message: a key pair and a salt. Never used twice.
#[derive(Debug)]
pub struct Ephemeral {}

impl Ephemeral {
    /// A fresh one.
    #[must_use]
    pub fn draw() -> Self {
        Self {}
    }
}

impl WebPush {
    /// # Errors
    /// Where a host is none.
    pub fn try_new(settings: WebPushSettings) -> Result<Self, crate::push::InvalidValue> {
        Ok(Self { settings })
    }

    /// The origin of a subscription, where the app may send to it.
    ///
    /// # Errors
    /// Where it may not, or the endpoint is none.
    pub fn origin(&self, _: &Target) -> Result<Origin, Refusal> {
        Err(bug("target", &self.settings.hosts.len()))
    }

    pub(super) fn encode(&self, _: &Body) -> Result<Payload, Refusal> {
        Err(bug("target", &"unfinished"))
    }

    pub(super) fn seal(&self, _: &Payload, _: &Target, _: &Ephemeral) -> Result<Payload, Refusal> {
        Err(bug("target", &"unfinished"))
    }

    pub(super) fn address(
        &self,
        _: &Payload,
        _: &Body,
        _: &Target,
        _: SystemTime,
    ) -> Result<Message, Refusal> {
        Err(bug("target", &"unfinished"))
    }
}

pub(super) fn classify(_: &Message, reply: &Reply, now: SystemTime) -> Verdict {
    super::mattermost::classify(reply, now)
}
