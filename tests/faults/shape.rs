//! How a world differs from the plain one.

use std::sync::Arc;
use std::time::Duration;

use fanfare_simulator::{Environment, FcmSettings, MattermostSettings, Service, SimulatorBuilder};

use crate::network::{Names, Place};
use crate::tunnels::Tunnels;

/// How a world differs from the plain one.
pub(crate) struct Shape {
    pub(crate) streams: u32,
    pub(crate) latency: Duration,
    pub(crate) window: u32,
    pub(crate) names: Names,
    pub(crate) seed: u64,
    /// The upstream of the traffic: APNs over HTTP/2, or a Mattermost push proxy over HTTP/1.1.
    pub(crate) service: Service,
    /// Whether the push proxy has TLS. APNs always has.
    pub(crate) tls: bool,
    /// The CONNECT proxy on the way to the first address, if there is one.
    pub(crate) proxy: Option<Arc<Tunnels>>,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            streams: 1000,
            latency: Duration::from_millis(5),
            window: 65_535,
            names: Names::Lead(vec![Place::First]),
            seed: 1,
            service: Service::Apns(Environment::Production),
            tls: true,
            proxy: None,
        }
    }
}

/// A simulator of this shape.
pub(crate) fn shaped(builder: SimulatorBuilder, shape: &Shape) -> SimulatorBuilder {
    // The push proxy's own throttle is switched off, because it is no fault of the wire.
    let unbounded = MattermostSettings { throttle_per_second: u64::MAX, ..MattermostSettings::default() };
    let google = FcmSettings { max_concurrent_streams: shape.streams, ..FcmSettings::default() };
    builder
        .max_concurrent_streams(shape.streams)
        .latency(shape.latency)
        .initial_window_size(shape.window)
        .mattermost(unbounded)
        .fcm(google)
}
