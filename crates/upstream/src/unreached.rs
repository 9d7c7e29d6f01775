//! Hosts of strangers that could not be reached are counted, and told about once in a while: anybody can make up thousands.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connect_error::ConnectError;
use crate::peer::Peer;

/// What is counted in this time is one line of the log.
const WINDOW: Duration = Duration::from_secs(60);

/// How many hosts are told apart in a window. More of them are counted as connects alone.
const MAX_HOSTS: usize = 10_000;

/// Hosts of strangers that could not be reached.
#[derive(Default)]
pub(crate) struct Unreached(Arc<Mutex<Option<Counted>>>);

/// What was counted since the first failure of a window, which was told at once.
#[derive(Default)]
struct Counted {
    connects: u64,
    /// Hashes of the hosts, so that little is kept of each.
    hosts: HashSet<u64>,
    hasher: RandomState,
    /// The last of them, and why it was not reached.
    example: Option<(String, &'static str)>,
}

impl Unreached {
    /// Tells the operator that a host could not be reached: at once if it is the first in a while, and else as one of many.
    pub(crate) fn note(
        &self,
        peer: &Peer,
        error: &ConnectError,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let mut window = self.lock();
        if let Some(counted) = window.as_mut() {
            counted.count(peer, error);
            return;
        }
        *window = Some(Counted::default());
        drop(window);
        // The fields decide how a log counts lines that are alike, so the host is none of those that it is told by.
        tracing::warn!(origin = ?peer, cause = error.cause(), %error, "cannot connect to a subscription's push service");
        let (window, stop) = (Arc::clone(&self.0), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(tokio::time::sleep(WINDOW)).await;
            let counted = window.lock().unwrap_or_else(PoisonError::into_inner).take();
            counted.iter().for_each(Counted::tell);
        });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Counted>> {
        // Each change is whole before anything can panic, so a poisoned lock harms nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn count(&mut self, peer: &Peer, error: &ConnectError) {
        self.connects += 1;
        if self.hosts.len() < MAX_HOSTS {
            self.hosts.insert(self.hasher.hash_one(peer.origin.host()));
        }
        if self.example.is_none() {
            self.example = Some((peer.origin.to_string(), error.cause()));
        }
    }

    fn tell(&self) {
        let Some((example, cause)) = &self.example else { return };
        let (hosts, connects) = (self.hosts.len(), self.connects);
        tracing::warn!(
            hosts,
            connects,
            example,
            cause,
            "hosts of subscriptions could not be reached in the last minute"
        );
    }
}
