//! Keeps the connections of a simulator: those that are open, and those that closed last.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::connection_info::ConnectionInfo;
use super::filter::FilterHandle;
use super::http1::connection::Http1Connection;
use super::sync::{ChangeNotifier, lock};

/// How many closed connections are remembered.
const MAX_CLOSED: usize = 10_000;

/// Every connection that finished the TLS handshake or needs none, by its number.
pub(super) struct Connections {
    last_number: AtomicU64,
    http2: Mutex<HashMap<u64, Arc<FilterHandle>>>,
    http1: Mutex<HashMap<u64, Arc<Http1Connection>>>,
    closed: Mutex<VecDeque<ConnectionInfo>>,
    changes: Arc<ChangeNotifier>,
}

impl Connections {
    pub(super) fn new(changes: Arc<ChangeNotifier>) -> Self {
        Self {
            last_number: AtomicU64::new(0),
            http2: Mutex::default(),
            http1: Mutex::default(),
            closed: Mutex::default(),
            changes,
        }
    }

    /// Returns the number of a connection that was just accepted. Numbers start at 1.
    pub(super) fn next_number(&self) -> u64 {
        self.last_number.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn open_http2(&self, filter: &Arc<FilterHandle>) {
        lock(&self.http2).insert(filter.id, Arc::clone(filter));
        self.changes.notify();
    }

    pub(super) fn close_http2(&self, filter: &FilterHandle) {
        lock(&self.http2).remove(&filter.id);
        self.remember(filter.info(false));
    }

    pub(super) fn open_http1(&self, connection: &Arc<Http1Connection>) {
        lock(&self.http1).insert(connection.id, Arc::clone(connection));
        self.changes.notify();
    }

    pub(super) fn close_http1(&self, connection: &Http1Connection) {
        lock(&self.http1).remove(&connection.id);
        self.remember(connection.info(false));
    }

    fn remember(&self, info: ConnectionInfo) {
        let mut closed = lock(&self.closed);
        if closed.len() == MAX_CLOSED {
            closed.pop_front();
        }
        closed.push_back(info);
        drop(closed);
        self.changes.notify();
    }

    /// Returns the connections that are open now, ordered by number.
    pub(super) fn open(&self) -> Vec<ConnectionInfo> {
        let http2 = self.all_http2().into_iter().map(|filter| filter.info(true));
        let http1 = self.all_http1().into_iter().map(|connection| connection.info(true));
        let mut all: Vec<_> = http2.chain(http1).collect();
        all.sort_unstable_by_key(|info| info.id);
        all
    }

    /// Returns the connections that closed last, in the order in which they closed.
    pub(super) fn closed(&self) -> Vec<ConnectionInfo> {
        lock(&self.closed).iter().cloned().collect()
    }

    pub(super) fn take_closed(&self) -> Vec<ConnectionInfo> {
        std::mem::take(&mut *lock(&self.closed)).into()
    }

    pub(super) fn http2(&self, id: u64) -> Option<Arc<FilterHandle>> {
        lock(&self.http2).get(&id).cloned()
    }

    pub(super) fn http1(&self, id: u64) -> Option<Arc<Http1Connection>> {
        lock(&self.http1).get(&id).cloned()
    }

    /// Returns the open HTTP/2 connections, ordered by number.
    pub(super) fn all_http2(&self) -> Vec<Arc<FilterHandle>> {
        let mut all: Vec<_> = lock(&self.http2).values().cloned().collect();
        all.sort_unstable_by_key(|filter| filter.id);
        all
    }

    /// Returns the open HTTP/1.1 connections, in no particular order.
    pub(super) fn all_http1(&self) -> Vec<Arc<Http1Connection>> {
        lock(&self.http1).values().cloned().collect()
    }
}
