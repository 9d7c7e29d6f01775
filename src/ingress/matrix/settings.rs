//! The limits of the push gateway of Matrix, and its apps.

use std::time::Duration;

use super::apps::MatrixApps;

/// The most devices of one request. Synapse sends one device in each; the number is the gateway's own.
pub(super) const MAX_DEVICES: usize = 100;

/// What the push gateway of Matrix serves.
#[derive(Debug, Clone)]
pub struct MatrixSettings {
    /// The apps that homeservers may push for.
    pub apps: MatrixApps,
    /// What becomes of a device whose `app_id` means none of them.
    pub unknown_app: UnknownApp,
    /// How long the gateway works on a push. Homeservers stop waiting after a minute, and then send it again.
    pub max_wait: Duration,
}

/// What becomes of a device whose app is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownApp {
    /// The homeserver is to send again, so that nothing is lost where the configuration lacks an app.
    Retry,
    /// The homeserver deletes its pusher.
    Reject,
}

impl Default for MatrixSettings {
    fn default() -> Self {
        Self {
            apps: MatrixApps::default(),
            unknown_app: UnknownApp::Retry,
            max_wait: Duration::from_secs(20),
        }
    }
}

impl MatrixSettings {
    /// The longest that the gateway may work on a push. Synapse stops waiting after 60 seconds (`synapse/push/httppusher.py`), and
    /// the answer needs time on its way.
    pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(50);
}
