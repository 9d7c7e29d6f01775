//! How the gateway and its apps are, as health checks and `/readyz` tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::push::AppId;

/// How the gateway and its apps are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Health {
    /// The gateway is shutting down.
    pub(crate) draining: bool,
    /// How many credentials are refused somewhere, each counted at each place.
    pub(crate) refused: usize,
    /// Every app, with what is wrong with it.
    pub(crate) apps: BTreeMap<AppId, BTreeSet<Trouble>>,
}

/// What is wrong with an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// A push service refuses one of its credentials.
    CredentialRefused,
    /// A push service refuses one of its credentials for some topics.
    TopicRefused,
    /// A client certificate of its has ended.
    CertificateEnded,
    /// A client certificate of its ends soon.
    CertificateEnds,
}

impl Health {
    /// Whether an app serves; none where there is no such app.
    pub(crate) fn app_serves(&self, app: &AppId) -> Option<bool> {
        let troubles = self.apps.get(app)?;
        let stops = |trouble: &Trouble| match trouble {
            Trouble::CredentialRefused | Trouble::CertificateEnded => true,
            // A caller may name a topic that the key is not for, and everything else of the app goes on.
            Trouble::TopicRefused | Trouble::CertificateEnds => false,
        };
        Some(!self.draining && !troubles.iter().any(stops))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CredentialRefused => "a credential is refused",
            Self::TopicRefused => "a credential is refused for a topic",
            Self::CertificateEnded => "a client certificate has ended",
            Self::CertificateEnds => "a client certificate ends within 30 days",
        })
    }
}
