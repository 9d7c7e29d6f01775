//! The gateways of a run: which one a stream connects to next, and how long it waits before.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::cli::gateway::{GatewayArgs, GatewayConnection, RemoteGateway};

/// The waits between attempts to connect double from the first number to the second. Each is shortened by a random part,
/// so that the streams do not all come back at once.
const BACKOFF_MIN: Duration = Duration::from_millis(200);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// The addresses of the gateways, in the order that one stream takes them.
#[derive(Clone)]
pub(super) struct Gateways {
    gateways: Vec<RemoteGateway>,
    next: usize,
}

impl Gateways {
    pub(super) fn new(addresses: &[String], args: GatewayArgs) -> anyhow::Result<Self> {
        let args = Arc::new(args);
        let gateways: anyhow::Result<_> =
            addresses.iter().map(|address| RemoteGateway::new(address, &args)).collect();
        Ok(Self { gateways: gateways?, next: 0 })
    }

    /// The same gateways for another stream, which begins at another one so that the streams spread over them.
    pub(super) fn starting_at(&self, stream: usize) -> Self {
        Self { gateways: self.gateways.clone(), next: stream % self.gateways.len().max(1) }
    }

    /// Connects to the next gateway.
    pub(super) async fn connect(&mut self) -> anyhow::Result<GatewayConnection> {
        let gateway = self.gateways.get(self.next).context("there is no gateway")?;
        self.next = (self.next + 1) % self.gateways.len();
        gateway.connect().await
    }

    /// Connects to the first gateway that can be reached.
    pub(super) async fn connect_any(&mut self) -> anyhow::Result<GatewayConnection> {
        let mut last = None;
        for _ in 0..self.gateways.len() {
            match self.connect().await {
                Ok(connection) => return Ok(connection),
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
