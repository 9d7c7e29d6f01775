//! A network in which thousands of hosts lead nowhere, each in one of three ways, beside hosts that are well.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use fanfare_upstream::transport::Io;
use fanfare_upstream::{BoxFuture, Dial, Resolve};
use tokio::net::TcpStream;

use crate::net::PUBLIC;

/// What becomes of a host whose name begins with `dead`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// The resolver says that there is no such name.
    NoName,
    /// The resolver says nothing.
    Silence,
    /// The name has an address, where nothing answers.
    NoAnswer,
}

/// How many of something are under way, and how many there were at most.
#[derive(Debug, Default, Clone, Copy)]
struct Peak {
    now: usize,
    most: usize,
}

#[derive(Debug, Default)]
struct Seen {
    asked: usize,
    lookups: Peak,
    dials: Peak,
    /// The resolver answers again.
    over: bool,
}

/// The network.
pub(super) struct Network {
    death: Death,
    leads_to: SocketAddr,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Network {
    pub(super) fn new(death: Death, leads_to: SocketAddr) -> Arc<Self> {
        Arc::new(Self { death, leads_to, seen: Arc::default() })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.0.lock().unwrap()
    }

    /// How often a dead host was looked up.
    pub(super) fn asked(&self) -> usize {
        self.seen().asked
    }

    /// The most look-ups of dead hosts that were under way at once, and the most connects to them.
    pub(super) fn peaks(&self) -> (usize, usize) {
        let seen = self.seen();
        (seen.lookups.most, seen.dials.most)
    }

    /// Lets the silent resolver return, whose threads the runtime waits for at its end.
    pub(super) fn end(&self) {
        self.seen().over = true;
        self.seen.1.notify_all();
    }
}

impl Resolve for Network {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let silent = host.starts_with("dead") && self.death == Death::Silence;
        let seen = Arc::clone(&self.seen);
        if host.starts_with("dead") {
            self.seen().asked += 1;
        }
        let address: io::Result<IpAddr> = match (host, self.death) {
            ("localhost", _) => Ok([127, 0, 0, 1].into()),
            (host, Death::NoAnswer) if host.starts_with("dead") => Ok(PUBLIC[1].parse().unwrap()),
            (host, _) if host.starts_with("dead") => Err(io::Error::other("there is no such name")),
            _ => Ok(PUBLIC[0].parse().unwrap()),
        };
        // As the operating system's resolver does, each look-up takes a thread of the runtime, and holds it until it
        // returns, whether it is still waited for or not.
        let look_up = tokio::task::spawn_blocking(move || {
            if silent {
                let (state, returns) = &*seen;
                let mut state = state.lock().unwrap();
                state.lookups.begin();
                drop(returns.wait_while(state, |state| !state.over).unwrap());
                seen.0.lock().unwrap().lookups.now -= 1;
            }
            address.map(|address| vec![SocketAddr::new(address, port)])
        });
        Box::pin(async { look_up.await.unwrap() })
    }
}

impl Dial for Network {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            if address.ip() == PUBLIC[1].parse::<IpAddr>().unwrap() {
                let _dialling = Dialling::begin(&self.seen);
                return std::future::pending().await;
            }
            let to = if address.ip().is_loopback() { address } else { self.leads_to };
            Ok(Box::new(TcpStream::connect(to).await?) as Box<dyn Io>)
        })
    }
}

/// A connect to a dead host, until it is given up.
struct Dialling<'a>(&'a Mutex<Seen>);

impl<'a> Dialling<'a> {
    fn begin(seen: &'a (Mutex<Seen>, Condvar)) -> Self {
        seen.0.lock().unwrap().dials.begin();
        Self(&seen.0)
    }
}

impl Drop for Dialling<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap().dials.now -= 1;
    }
}

impl Peak {
    fn begin(&mut self) {
        self.now += 1;
        self.most = self.most.max(self.now);
    }
}
