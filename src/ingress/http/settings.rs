//! What the configuration says of an HTTP listener.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::time::Duration;

use ipnet::IpNet;

use crate::ingress::json::JsonSettings;
use crate::ingress::matrix::MatrixSettings;
use crate::ingress::mattermost::MattermostSettings;
use crate::listener::{Http2Settings, ListenerSettings};

/// An HTTP listener and its limits.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where it listens, and who may connect.
    pub listener: ListenerSettings,
    /// The limits of its HTTP/2.
    pub http2: Http2Settings,
    /// The JSON ingress, where it is served here.
    pub json: Option<JsonSettings>,
    /// The ingress of Mattermost servers, where it is served here.
    pub mattermost: Option<MattermostSettings>,
    /// The ingress of Matrix homeservers, where it is served here.
    pub matrix: Option<MatrixSettings>,
    /// The caller for whom calls of Mattermost servers and Matrix homeservers stand that show nothing.
    pub caller: Option<String>,
    /// From where calls are taken that show nothing. Where there are none, from everywhere.
    pub networks: Vec<IpNet>,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// How long a body may take to arrive whole.
    pub body_timeout: Duration,
    /// How many calls that show nothing one address may have in flight. Addresses in `networks` may have any number.
    pub max_requests_per_source: usize,
    /// How many calls that show nothing one address may make in a second. Addresses in `networks` may make any number.
    pub requests_per_second_per_source: NonZeroU32,
}

impl HttpSettings {
    /// Makes the default settings of a listener on this address, which serves nothing yet.
    #[must_use]
    pub fn on(listen: SocketAddr) -> Self {
        let listener = ListenerSettings::on(listen);
        Self {
            // Whoever calls should be the one to close an idle connection, or a call may cross with its end. Go keeps one for
            // 90 s (net/http, DefaultTransport), Synapse for 120 s.
            listener: ListenerSettings {
                idle_timeout: Duration::from_secs(150),
                max_connections: 5000,
                ..listener
            },
            http2: Http2Settings {
                max_concurrent_streams: 250,
                connection_window: 4 * 1024 * 1024,
                ..Http2Settings::default()
            },
            json: None,
            mattermost: None,
            matrix: None,
            caller: None,
            networks: Vec::new(),
            max_body_bytes: 4 * 1024 * 1024,
            body_timeout: Duration::from_secs(10),
            max_requests_per_source: 1000,
            requests_per_second_per_source: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
        }
    }

    /// The names of the ingresses that it serves.
    pub(crate) fn served(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            self.json.is_some().then_some("json"),
            self.mattermost.is_some().then_some("mattermost"),
            self.matrix.is_some().then_some("matrix"),
        ];
        all.into_iter().flatten()
    }

    /// Whether a call that shows nothing is taken from this address.
    pub(super) fn takes_unproved(&self, address: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.contains(&address))
    }
}
