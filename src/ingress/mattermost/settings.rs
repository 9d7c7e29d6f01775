//! What the configuration says of this ingress.

use fanfare_upstream::Peer;

use super::platform::Platforms;

/// What the configuration says of this ingress.
#[derive(Debug, Clone, Default)]
pub struct MattermostSettings {
    /// The app of each platform that is served here.
    pub platforms: Platforms,
    /// Where the pushes of other platforms go; where there is none, they are refused.
    pub forward: Option<ForwardSettings>,
}

/// Another push proxy, which serves the platforms that are not served here.
#[derive(Debug, Clone)]
pub struct ForwardSettings {
    /// Where it is.
    pub peer: Peer,
    /// What its paths begin with. It is empty, or begins with a slash and does not end with one.
    pub prefix: String,
    /// How many pushes may be on their way to it.
    pub max_in_flight: usize,
}

impl ForwardSettings {
    /// How many pushes may be on their way where the configuration does not say.
    pub const MAX_IN_FLIGHT: usize = 1000;
}
