//! What an app of sygnal becomes.

use toml::Table;

/// What an app of sygnal becomes.
pub(super) struct Taken {
    /// The name of its provider.
    pub(super) provider: &'static str,
    /// What the gateway is told of its provider.
    pub(super) of_provider: Table,
    /// How its pushes are said.
    pub(super) of_matrix: Table,
}
