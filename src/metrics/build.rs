//! Which gateway this is: a gauge that is always 1, as Prometheus' own `…_build_info` are. OpenMetrics has a type for that, which
//! readers of the older text format do not know.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::version;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    rust_version: &'static str,
    commit: &'static str,
    commit_date: String,
}

/// Registers what tells one build from another.
pub(super) fn register(registry: &mut Registry) {
    let family = Family::<BuildLabels, Gauge>::default();
    let (version, rust_version) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_RUST_VERSION"));
    let (commit, commit_date) = (version::commit(), version::commit_date());
    family.get_or_create(&BuildLabels { version, rust_version, commit, commit_date }).set(1);
    registry.register("build_info", "Which gateway this is", family);
}
