//! The settings of FCM and of Google's sources of access tokens.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Settings of the stand-in for FCM.
#[derive(Clone, Debug)]
pub struct FcmSettings {
    /// Where FCM and the token endpoint listen. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Where the metadata server listens. Default: a free port of 127.0.0.1.
    pub metadata_listen: SocketAddr,
    /// The projects that exist. Default `demo-project` and `other-project`.
    pub projects: Vec<String>,
    /// MAX_CONCURRENT_STREAMS. Default 100. Source: eladnava/fcm-v1-http2#8.
    pub max_concurrent_streams: u32,
    /// False: nothing newer than HTTP/1.1 is spoken, and ALPN says so. Default true.
    pub http2: bool,
    /// How long an access token is good, to the second. Default 3,599 s. Source: Google, "Using
    /// OAuth 2.0 for Server to Server Applications".
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
            token_lifetime: Duration::from_secs(3599),
        }
    }
}
