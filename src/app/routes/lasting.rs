//! What stays while configurations come and go.

use std::sync::Arc;

use fanfare_upstream::Upstream;

use super::guards::Guards;
use super::projects::Projects;
use crate::app::feeding::Feeding;
use crate::app::network::Network;
use crate::config::Config;
use crate::credential::Registry;
use crate::desk::Admission;
use crate::metrics::Metrics;
use crate::status::Problems;

/// What the routes of a configuration share with those of the one after it.
pub(in crate::app) struct Lasting {
    pub(in crate::app) metrics: Arc<Metrics>,
    pub(in crate::app) credentials: Arc<Registry>,
    pub(in crate::app) upstream: Arc<Upstream>,
    pub(in crate::app) admission: Arc<Admission>,
    /// The latest problem of each kind.
    pub(in crate::app) problems: Arc<Problems>,
    /// The feeds that run.
    pub(in crate::app) feeding: Arc<Feeding>,
    pub(super) projects: Projects,
    pub(super) guards: Guards,
}

impl Lasting {
    /// What the routes of this configuration and of later ones share. It connects to nobody yet.
    pub(in crate::app) fn new(config: &Config, network: Network) -> Self {
        let (metrics, Network { resolver, dialer }) = (Arc::<Metrics>::default(), network);
        let upstream = Upstream::new(config.upstream.clone(), resolver, dialer, metrics.upstream.clone());
        let upstream = Arc::new(upstream);
        metrics.upstream.show(&upstream);
        metrics.pushes.in_flight_limit(config.max_in_flight);
        let admission = Admission::new(config.max_in_flight, metrics.pushes.in_flight().clone());
        let (projects, guards) = Default::default();
        Self {
            credentials: Arc::new(Registry::new(metrics.credentials.clone())),
            upstream,
            admission: Arc::new(admission),
            problems: Arc::default(),
            feeding: Arc::default(),
            projects,
            guards,
            metrics,
        }
    }
}
