//! What the newest configuration says, and what runs by it.

use std::time::Duration;

use fanfare_upstream::{TooManyPeers, Upstream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::in_force::InForce;
use super::issuers::Issuers;
use crate::config::Config;
use crate::desk::DeskSettings;
use crate::ingress::grpc::GrpcSettings;
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
    let GrpcSettings { max_wait, deadline_margin, batch, once, .. } = &config.grpc;
    DeskSettings { max_wait: *max_wait, deadline_margin: *deadline_margin, batch: batch.clone(), once: *once }
}
