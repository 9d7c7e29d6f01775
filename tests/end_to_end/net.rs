//! A network for names that lead nowhere from here. It notes what it was asked, and every connect leads to loopback.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use fanfare_upstream::transport::Io;
use fanfare_upstream::{BoxFuture, Dial, Resolve};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::harness::until;

/// Two public addresses. They are never reached, because every connect leads to loopback.
pub(crate) const PUBLIC: [&str; 2] = ["198.41.0.4", "2001:500:2f::f"];

/// A resolver and a dialer, which note the names they resolve and the addresses they dial.
pub(crate) struct Net {
    /// The addresses of all names. A host that is an address leads to itself.
    says: Mutex<Vec<IpAddr>>,
    leads_to: SocketAddr,
    /// No connect succeeds while this is taken.
    gate: Semaphore,
    pub(crate) resolved: Mutex<Vec<String>>,
    dialled: Mutex<Vec<IpAddr>>,
}

impl Resolve for Net {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.resolved.lock().unwrap().push(host.to_owned());
        let said = host.parse().map_or_else(|_| self.says.lock().unwrap().clone(), |it| vec![it]);
        Box::pin(async move { Ok(said.into_iter().map(|it| SocketAddr::new(it, port)).collect()) })
    }
}

impl Dial for Net {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        self.dialled.lock().unwrap().push(address.ip());
        Box::pin(async move {
            drop(self.gate.acquire().await);
            Ok(Box::new(TcpStream::connect(self.leads_to).await?) as Box<dyn Io>)
        })
    }
}

impl Net {
    pub(crate) fn new(leads_to: SocketAddr) -> Arc<Self> {
        let (says, resolved, dialled) = Default::default();
        Arc::new(Self { says, leads_to, gate: Semaphore::new(1), resolved, dialled })
    }

    /// From now on connects wait until `go_on`.
    pub(crate) fn stall(&self) {
        self.gate.forget_permits(1);
    }

    pub(crate) fn go_on(&self) {
        self.gate.add_permits(1);
    }

    pub(crate) async fn until_dialled(&self, times: usize) {
        until(|| self.dialled().len() >= times).await;
    }

    pub(crate) fn say(&self, addresses: &[&str]) {
        *self.says.lock().unwrap() = addresses.iter().map(|it| it.parse().unwrap()).collect();
    }

    pub(crate) fn dialled(&self) -> Vec<String> {
        self.dialled.lock().unwrap().iter().map(IpAddr::to_string).collect()
    }

    pub(crate) fn resolved(&self) -> usize {
        self.resolved.lock().unwrap().len()
    }
}
