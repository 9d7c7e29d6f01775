//! The gateways of a run: which one a stream connects to next, and how long it waits before.

use std::time::Duration;

use anyhow::Context;
use tonic::transport::{Channel, Endpoint};

use crate::cli::address::endpoint;

/// How long resolving the name and connecting may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that was silent for so long is pinged.
const PING_AFTER: Duration = Duration::from_secs(20);

/// A connection that does not answer a ping within this time is lost.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How many bytes of results the gateway may send before the run has read them.
const RECEIVE_WINDOW: u32 = 1024 * 1024;

/// The waits between attempts to connect double from the first number to the second. Each is shortened by a random part,
/// so that the streams do not all come back at once.
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

    /// The same gateways for another stream, which begins at another one so that the streams spread over them.
    pub(super) fn starting_at(&self, stream: usize) -> Self {
        Self { endpoints: self.endpoints.clone(), next: stream % self.endpoints.len().max(1) }
    }

    /// Connects to the next gateway.
    pub(super) async fn connect(&mut self) -> anyhow::Result<Channel> {
        let endpoint = self.endpoints.get(self.next).context("there is no gateway")?;
        self.next = (self.next + 1) % self.endpoints.len();
        let connecting = endpoint.connect();
        connecting.await.with_context(|| format!("cannot connect to the gateway at {}", endpoint.uri()))
    }

    /// Connects to the first gateway that can be reached.
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

/// The wait before another attempt to connect, after so many failures in a row.
pub(super) fn backoff(failures: u32) -> Duration {
    let most = BACKOFF_MIN.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    most.mul_f64(0.5 + 0.5 * fastrand::f64())
}
