//! The settings of the push proxy.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The settings of the stand-in for a Mattermost push proxy.
#[derive(Clone, Debug)]
pub struct MattermostSettings {
    /// The address on which it listens without TLS. The default is a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// The address on which it listens with TLS, as behind a reverse proxy. The default is a free port of 127.0.0.1.
    pub tls_listen: SocketAddr,
    /// The platforms that go to APNs, with their topics. The default is `apple` and `apple_rn`, both with
    /// `com.example.app`.
    pub apple: Vec<(String, String)>,
    /// The platforms that go to FCM. The default is `android` and `android_rn`.
    pub android: Vec<String>,
    /// How many requests a second are accepted for each value of `x-forwarded-for`. The default is
    /// [`MattermostSettings::UNTHROTTLED`], which is how the real proxy behaves.
    pub throttle_per_second: u64,
    /// How long the proxy waits for APNs and FCM. The default is 30 s.
    pub send_timeout: Duration,
}

impl MattermostSettings {
    /// A value of [`MattermostSettings::throttle_per_second`] that accepts every request.
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
