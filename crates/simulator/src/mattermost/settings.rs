//! The settings of the push proxy.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Settings of the stand-in for a Mattermost push proxy.
#[derive(Clone, Debug)]
pub struct MattermostSettings {
    /// Where it listens without TLS. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Where it listens with TLS, as behind a reverse proxy. Default: a free port of 127.0.0.1.
    pub tls_listen: SocketAddr,
    /// The platforms that go to APNs, and their topics. Default `apple` and `apple_rn`, both
    /// `com.example.app`.
    pub apple: Vec<(String, String)>,
    /// The platforms that go to FCM. Default `android` and `android_rn`.
    pub android: Vec<String>,
    /// Requests a second for each value of `x-forwarded-for`; more are denied. Default
    /// [`MattermostSettings::UNTHROTTLED`], as the real one is.
    pub throttle_per_second: u64,
    /// How long it waits for APNs and FCM. Default 30 s.
    pub send_timeout: Duration,
}

impl MattermostSettings {
    /// For [`MattermostSettings::throttle_per_second`]: nothing is ever denied.
    pub const UNTHROTTLED: u64 = u64::MAX;
}

impl Default for MattermostSettings {
    fn default() -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let apple = |platform: &str| (platform.to_owned(), "com.example.app".to_owned());
        Self {
            listen: any_port,
            tls_listen: any_port,
            apple: vec![apple("apple"), apple("apple_rn")],
            android: vec!["android".to_owned(), "android_rn".to_owned()],
            throttle_per_second: Self::UNTHROTTLED,
            send_timeout: Duration::from_secs(30),
        }
    }
}
