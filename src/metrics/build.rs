//! Which gateway this is.

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Registers what tells one build from another.
pub(super) fn register(registry: &mut Registry) {
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("rust_version", env!("CARGO_PKG_RUST_VERSION"))];
    registry.register("build", "Which gateway this is", Info::new(labels.to_vec()));
}
