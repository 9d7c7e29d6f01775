//! The gateways of a run: which one is next, and how long to wait before.

use std::time::Duration;

use anyhow::Context;
use tonic::transport::{Channel, Endpoint};

use crate::cli::address::endpoint;

/// Resolving and connecting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A silent connection is pinged, and lost when no answer comes.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Results that may be on their way, in bytes.
const RECEIVE_WINDOW: u32 = 1024 * 1024;

/// The waits between attempts double from the first to the second; of each, a random part is waited.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// The addresses of the gateways, in the order that one stream takes them.
#[derive(Clone)]
pub(super) struct Gateways {
    endpoints: Vec<Endpoint>,
    next: usize,
}

impl Gateways {
    pub(super) fn parse(addresses: &[String]) -> anyhow::Result<Self> {
        let configured = |address: &String| {
            Ok(endpoint(address)?
                .connect_timeout(CONNECT_TIMEOUT)
                .http2_keep_alive_interval(PING_AFTER)
                .keep_alive_timeout(PING_TIMEOUT)
                .initial_stream_window_size(RECEIVE_WINDOW)
                .initial_connection_window_size(RECEIVE_WINDOW))
        };
        let endpoints: anyhow::Result<Vec<_>> = addresses.iter().map(configured).collect();
        Ok(Self { endpoints: endpoints?, next: 0 })
    }

    /// Streams begin at different gateways.
    pub(super) fn starting_at(&self, stream: usize) -> Self {
        Self { endpoints: self.endpoints.clone(), next: stream % self.endpoints.len().max(1) }
    }

    /// Connects to the next one.
    pub(super) async fn connect(&mut self) -> anyhow::Result<Channel> {
        let endpoint = self.endpoints.get(self.next).context("there is no gateway")?;
        self.next = (self.next + 1) % self.endpoints.len();
        let connecting = endpoint.connect();
        connecting.await.with_context(|| format!("cannot connect to the gateway at {}", endpoint.uri()))
    }

    /// Connects to the first that answers.
    pub(super) async fn connect_any(&mut self) -> anyhow::Result<Channel> {
        let mut last = None;
        for _ in 0..self.endpoints.len() {
            match self.connect().await {
                Ok(channel) => return Ok(channel),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("there is no gateway")))
    }
}

/// The wait before another attempt, after `failures` in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    let most = BACKOFF_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    most.mul_f64(0.5 + 0.5 * fastrand::f64())
}
