//! The push service of one sender: a simulated APNs whose name has two addresses.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use fanfare_simulator::{Environment, HangUp, Simulator};
use fanfare_upstream::{BoxFuture, Resolve};
use uuid::Uuid;

use super::limits::LATENCY;
use crate::cli::demo::plan::TOPIC;

/// The name, which leads to the two addresses. `.test` never resolves elsewhere. Source: RFC 6761, 6.2.
pub(super) const NAME: &str = "push.test";

/// How long connections may take to end after their sender did.
const GOODBYE: Duration = Duration::from_secs(2);

/// A simulated APNs. Its two environments are the two addresses of one name.
pub(super) struct PushService {
    pub(super) simulator: Simulator,
    addresses: Addresses,
}

/// What arrived at a push service until it ended.
pub(super) struct Arrived {
    /// How often each push was taken, by its id.
    pub(super) taken: HashMap<Uuid, u32>,
    pub(super) sockets: u64,
}

impl PushService {
    /// Starts a push service whose journal has room for so many requests.
    pub(super) async fn start(journal: usize) -> anyhow::Result<Self> {
        let simulator = Simulator::builder()
            .latency(LATENCY)
            .bundle_ids([TOPIC])
            .names([NAME])
            .journal_capacity(journal)
            .keep_headers(0)
            .start()
            .await
            .context("the simulator cannot start")?;
        let both = [Environment::Production, Environment::Sandbox].map(|it| simulator.address(it));
        let addresses = Addresses { both, turned: Arc::default() };
        Ok(Self { simulator, addresses })
    }

    pub(super) fn addresses(&self) -> Addresses {
        self.addresses.clone()
    }

    /// Waits until all connections have ended, and tells what arrived.
    pub(super) async fn end(self) -> Arrived {
        self.simulator.clear_faults();
        // A connection that a fault has stalled would stay so.
        for connection in self.simulator.open_connections().iter().filter(|it| it.disturbed) {
            // The connection may have closed in the meantime.
            let _ = self.simulator.disconnect(connection.id, HangUp::Reset);
        }
        self.simulator.drain(GOODBYE).await;
        let mut taken = HashMap::new();
        for entry in self.simulator.journal().take().iter().filter(|entry| entry.may_be_delivered()) {
            *taken.entry(entry.apns_id.unwrap_or_default()).or_default() += 1;
        }
        let sockets = self.simulator.counters().connections_opened;
        self.simulator.shutdown().await;
        Arrived { taken, sockets }
    }
}

/// What the name resolves to. As name servers do, it gives the addresses in another order each time.
#[derive(Debug, Clone)]
pub(super) struct Addresses {
    both: [SocketAddr; 2],
    turned: Arc<AtomicBool>,
}

impl Addresses {
    pub(super) fn look_up(&self) -> Vec<SocketAddr> {
        let [first, second] = self.both;
        match self.turned.fetch_not(Ordering::Relaxed) {
            false => vec![first, second],
            true => vec![second, first],
        }
    }
}

impl Resolve for Addresses {
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(self.look_up()) })
    }
}
