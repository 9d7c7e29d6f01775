//! What is known of an accepted connection, and the counts of its calls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::draining::Draining;
use super::leaving::Leaving;

/// An accepted connection. The counters only grow, so that one addition counts an event, and what is there now is the
/// difference of two. Nothing is ordered by them: the connection's task looks at them now and then.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    certificates: Vec<CertificateDer<'static>>,
    leaving: Leaving,
    /// Where it speaks HTTP/1.1, whether its next answer ends it.
    draining: Option<Draining>,
    begun: AtomicBool,
    /// In microseconds, and zero while it is not known.
    round_trip: AtomicU64,
    calls: Events,
    answers: Events,
    watched_by_itself: Events,
}

impl Connection {
    /// Makes a connection from this address, whose client has shown these certificates.
    pub(crate) fn new(address: SocketAddr, certificates: Vec<CertificateDer<'static>>) -> Self {
        Self {
            address,
            certificates,
            leaving: Leaving::default(),
            draining: None,
            begun: AtomicBool::new(false),
            round_trip: AtomicU64::new(0),
            calls: Events::default(),
            answers: Events::default(),
            watched_by_itself: Events::default(),
        }
    }

    /// The same, which is ended by the next answer once the gateway drains.
    pub(super) fn ends_by_an_answer(self, draining: &Draining) -> Self {
        Self { draining: Some(draining.clone()), ..self }
    }

    /// Whether an answer that is ready now is the last one.
    pub(super) fn ends_with_this_answer(&self) -> bool {
        self.draining.as_ref().is_some_and(Draining::has_begun)
    }

    /// Returns the caller's address. Behind a trusted proxy it is the one that the PROXY header names.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificates that the client showed, with its own first. They chain to a root of the listener. There are
    /// none where the client showed none.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// Returns what its calls learn of its end.
    #[must_use]
    pub fn leaving(&self) -> &Leaving {
        &self.leaving
    }

    /// Returns how long bytes took to the client and back when the connection began. It is zero while nothing is known, which
    /// over HTTP/1.1 is always.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        Duration::from_micros(self.round_trip.load(Ordering::Relaxed))
    }

    /// Notes how long bytes take to the client and back.
    pub(super) fn took(&self, round_trip: Duration) {
        let micros = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        self.round_trip.store(micros, Ordering::Relaxed);
    }

    /// Notes that the client has begun its HTTP.
    pub(super) fn begins(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Whether the client has begun its HTTP.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Counts a call until what is returned is dropped.
    pub(super) fn call(self: &Arc<Self>) -> Counted {
        self.begins();
        Counted::new(self, |connection| &connection.calls)
    }

    /// Counts an answer that is ready until what is returned is dropped.
    pub(super) fn answer(self: &Arc<Self>) -> Counted {
        Counted::new(self, |connection| &connection.answers)
    }

    /// Counts an answer that watches over itself until what is returned is dropped.
    pub(super) fn answer_watched_by_itself(self: &Arc<Self>) -> Counted {
        Counted::new(self, |connection| &connection.watched_by_itself)
    }

    /// Notes that a piece was taken of an answer that watches over itself.
    pub(super) fn piece_taken(&self) {
        self.answers.both();
    }

    /// Returns what the counters say now.
    pub(super) fn counts(&self) -> Counts {
        let (calls, answers) = (self.calls.read(), self.answers.read());
        let (opened, gone) = self.watched_by_itself.read();
        Counts {
            calls: calls.0.saturating_sub(calls.1),
            calls_ever: calls.0,
            waiting: answers.0.saturating_sub(answers.1),
            taken_ever: answers.1,
            watched_by_themselves: opened.saturating_sub(gone),
        }
    }
}

/// What the counters of a connection say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// The calls that are not over.
    pub(super) calls: u64,
    /// All calls so far.
    pub(super) calls_ever: u64,
    /// The answers that are ready and not taken.
    pub(super) waiting: u64,
    /// The answers that were taken so far, and the pieces of those that watch over themselves.
    pub(super) taken_ever: u64,
    /// The open answers that watch over themselves.
    pub(super) watched_by_themselves: u64,
}

/// How often something began, and how often it ended.
#[derive(Debug, Default)]
struct Events {
    began: AtomicU64,
    ended: AtomicU64,
}

impl Events {
    fn both(&self) {
        self.began.fetch_add(1, Ordering::Relaxed);
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how often it began and ended. The ends are read first, so that there are never too few that go on.
    fn read(&self) -> (u64, u64) {
        let ended = self.ended.load(Ordering::Relaxed);
        (self.began.load(Ordering::Relaxed), ended)
    }
}

/// Something that began, and ends when this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    connection: Arc<Connection>,
    which: fn(&Connection) -> &Events,
}

impl Counted {
    fn new(connection: &Arc<Connection>, which: fn(&Connection) -> &Events) -> Self {
        which(connection).began.fetch_add(1, Ordering::Relaxed);
        Self { connection: Arc::clone(connection), which }
    }

    /// Returns the connection.
    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.which)(&self.connection).ended.fetch_add(1, Ordering::Relaxed);
    }
}
