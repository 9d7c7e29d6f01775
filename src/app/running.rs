//! What the newest configuration says, and what runs by it.

use std::time::Duration;

use fanfare_upstream::{TooManyPeers, Upstream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::in_force::InForce;
use super::issuers::Issuers;
use crate::config::Config;
use crate::desk::DeskSettings;
use crate::metrics::Metrics;

/// What the newest configuration says, and what runs by it.
pub(super) struct Running {
    pub(super) in_force: InForce,
    pub(super) drain_delay: Duration,
    pub(super) drain_timeout: Duration,
    pub(super) issuers: Issuers,
}

impl Running {
    pub(super) fn of(
        config: &Config,
        upstream: &Upstream,
        metrics: &Metrics,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, TooManyPeers> {
        let issuers = Issuers::of(config, &Issuers::default(), upstream, &metrics.issuers, tasks, stop)?;
        let Config { drain_delay, drain_timeout, .. } = *config;
        Ok(Self { in_force: InForce::of(config), drain_delay, drain_timeout, issuers })
    }
}

pub(super) fn desk_settings(config: &Config) -> DeskSettings {
    DeskSettings { max_wait: config.grpc.max_wait, batch: config.grpc.batch.clone(), once: config.grpc.once }
}
