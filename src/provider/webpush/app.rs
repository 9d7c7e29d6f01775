//! How one app speaks to push services of browsers: what an operator says about it, checked once.

use super::hosts::Hosts;
use crate::provider::Front502;
use crate::push::InvalidValue;

/// What an operator says about one app on Web Push.
#[derive(Debug, Clone, Default)]
pub struct WebPushSettings {
    /// Hosts of push services beside the known ones. `*.example.com` stands for all hosts below `example.com`.
    pub hosts: Vec<String>,
    /// Whether endpoints on other ports than 443 are taken, as private push servers and tests need it.
    pub any_port: bool,
    /// Payloads are padded to a multiple of this, in bytes, as far as the limit allows. 0 and 1 pad nothing.
    pub pad_to: usize,
}

/// How one app speaks to push services of browsers.
#[derive(Debug, Clone)]
pub struct WebPush {
    pub(super) hosts: Hosts,
    pub(super) any_port: bool,
    pub(super) pad_to: usize,
    pub(super) front_502: Front502,
}

impl WebPush {
    /// # Errors
    /// Fails if a host is not one.
    pub fn try_new(settings: WebPushSettings) -> Result<Self, InvalidValue> {
        let WebPushSettings { hosts, any_port, pad_to } = settings;
        Ok(Self { hosts: Hosts::try_new(&hosts)?, any_port, pad_to, front_502: Front502::default() })
    }

    /// The same, with what an operator knows about a 502 that is not a push service's own.
    #[must_use]
    pub(crate) fn with_front_502(self, front_502: Front502) -> Self {
        Self { front_502, ..self }
    }
}
