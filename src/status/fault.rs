//! Whose fault something is.

use serde::{Deserialize, Serialize};

/// Whose fault something is, so that whoever is called knows at whom to look. The alerts of `deploy/prometheus` have the same
/// words as their label `fault`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// A credential, certificate or setting of this gateway.
    Operator,
    /// The push service.
    Upstream,
    /// What lies between: name servers, firewalls, proxies, and whoever shows another certificate.
    Network,
    /// More is sent than a push service allows.
    Quota,
    /// Whoever hands pushes in.
    Caller,
    /// The gateway itself, or its size.
    Gateway,
}
