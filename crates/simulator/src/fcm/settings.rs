//! The settings of FCM and of Google's sources of access tokens.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::rate::Rate;

/// The settings of the stand-in for FCM.
#[derive(Clone, Debug)]
pub struct FcmSettings {
    /// The address of FCM and the token endpoint. The default is a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The address of the metadata server. The default is a free port of 127.0.0.1.
    pub metadata_listen: SocketAddr,
    /// The projects that exist. The default is `demo-project` and `other-project`.
    pub projects: Vec<String>,
    /// The MAX_CONCURRENT_STREAMS of a connection. The default is 100. Source: eladnava/fcm-v1-http2#8.
    pub max_concurrent_streams: u32,
    /// Whether HTTP/2 is spoken. If not, ALPN offers HTTP/1.1 alone. The default is true.
    pub http2: bool,
    /// The rate of each project. By default there is no limit.
    pub project_rate: Option<Rate>,
    /// How long an access token is good, in whole seconds. The default is 3,599 s. Source: Google, "Using OAuth 2.0
    /// for Server to Server Applications".
    pub token_lifetime: Duration,
}

impl Default for FcmSettings {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any_port,
            metadata_listen: any_port,
            projects: vec!["demo-project".to_owned(), "other-project".to_owned()],
            max_concurrent_streams: 100,
            http2: true,
            project_rate: None,
            token_lifetime: Duration::from_secs(3599),
        }
    }
}
