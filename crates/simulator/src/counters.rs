//! Numbers that tests assert on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::sync::ChangeNotifier;

/// What happened since the start, as [`Simulator::counters`](super::Simulator::counters) saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// TCP connections that were accepted.
    pub connections_opened: u64,
    /// Of these, those not yet closed, in the TLS handshake or after it.
    pub connections_open: u64,
    /// TLS handshakes that failed or were refused.
    pub tls_handshakes_failed: u64,
    /// HTTP/2 connections: TLS done.
    pub tls_handshakes_done: u64,
    /// Of these, those that went on with an earlier session.
    pub tls_sessions_resumed: u64,
    /// Of the handshakes done, those in which the client showed a certificate.
    pub client_certificates_shown: u64,
    /// Streams opened while the limit that the client had acknowledged was used up.
    pub limit_violations: u64,
    /// Streams opened before the client acknowledged the first SETTINGS.
    pub opened_before_settings: u64,
    /// RST_STREAM frames received.
    pub resets_received: u64,
    /// RST_STREAM frames sent.
    pub resets_sent: u64,
    /// PING frames received, answers not counted.
    pub pings_received: u64,
    /// PRIORITY frames received, which APNs ignores and asks not to send.
    pub priorities_received: u64,
    /// GOAWAY frames sent.
    pub goaways_sent: u64,
    /// SETTINGS acknowledgements received.
    pub settings_acknowledged: u64,
    /// Requests that arrived.
    pub requests_arrived: u64,
    /// Requests read to their END_STREAM.
    pub requests_read: u64,
    /// Answers that went out.
    pub requests_answered: u64,
    /// Different provider tokens whose signature was checked and found good.
    pub provider_tokens_seen: u64,
    /// Access tokens that the token endpoint and the metadata server gave out.
    pub access_tokens_issued: u64,
    /// Different VAPID tokens whose signature was checked and found good.
    pub vapid_tokens_seen: u64,
}

/// The counters as they count.
#[derive(Default)]
pub(super) struct LiveCounters {
    pub(super) connections_opened: Count,
    pub(super) connections_closed: Count,
    pub(super) tls_handshakes_failed: Count,
    pub(super) tls_handshakes_done: Count,
    pub(super) tls_sessions_resumed: Count,
    pub(super) client_certificates_shown: Count,
    pub(super) limit_violations: Count,
    pub(super) opened_before_settings: Count,
    pub(super) resets_received: Count,
    pub(super) resets_sent: Count,
    pub(super) pings_received: Count,
    pub(super) priorities_received: Count,
    pub(super) goaways_sent: Count,
    pub(super) settings_acknowledged: Count,
    pub(super) provider_tokens_seen: Count,
    pub(super) access_tokens_issued: Count,
    pub(super) vapid_tokens_seen: Count,
    changes: Arc<ChangeNotifier>,
}

impl LiveCounters {
    pub(super) fn new(changes: Arc<ChangeNotifier>) -> Self {
        Self { changes, ..Self::default() }
    }

    /// Counts one more and tells whoever waits.
    pub(super) fn add(&self, count: &Count) {
        count.ever.fetch_add(1, Ordering::SeqCst);
        self.changes.notify();
    }

    /// All begin anew, but for the connections that are open.
    pub(super) fn reset(&self) {
        for count in [
            &self.connections_opened,
            &self.tls_handshakes_failed,
            &self.tls_handshakes_done,
            &self.tls_sessions_resumed,
            &self.client_certificates_shown,
            &self.limit_violations,
            &self.opened_before_settings,
            &self.resets_received,
            &self.resets_sent,
            &self.pings_received,
            &self.priorities_received,
            &self.goaways_sent,
            &self.settings_acknowledged,
            &self.provider_tokens_seen,
            &self.access_tokens_issued,
            &self.vapid_tokens_seen,
        ] {
            count.reset();
        }
    }

    /// All counts, but for those of the journal.
    pub(super) fn snapshot(&self) -> Counters {
        let open = self.connections_opened.ever().saturating_sub(self.connections_closed.ever());
        Counters {
            connections_opened: self.connections_opened.get(),
            connections_open: open,
            tls_handshakes_failed: self.tls_handshakes_failed.get(),
            tls_handshakes_done: self.tls_handshakes_done.get(),
            tls_sessions_resumed: self.tls_sessions_resumed.get(),
            client_certificates_shown: self.client_certificates_shown.get(),
            limit_violations: self.limit_violations.get(),
            opened_before_settings: self.opened_before_settings.get(),
            resets_received: self.resets_received.get(),
            resets_sent: self.resets_sent.get(),
            pings_received: self.pings_received.get(),
            priorities_received: self.priorities_received.get(),
            goaways_sent: self.goaways_sent.get(),
            settings_acknowledged: self.settings_acknowledged.get(),
            provider_tokens_seen: self.provider_tokens_seen.get(),
            access_tokens_issued: self.access_tokens_issued.get(),
            vapid_tokens_seen: self.vapid_tokens_seen.get(),
            ..Counters::default()
        }
    }
}

/// A number that only grows, but for a reset.
#[derive(Default)]
pub(super) struct Count {
    ever: AtomicU64,
    at_reset: AtomicU64,
}

impl Count {
    pub(super) fn get(&self) -> u64 {
        self.ever().saturating_sub(self.at_reset.load(Ordering::SeqCst))
    }

    fn ever(&self) -> u64 {
        self.ever.load(Ordering::SeqCst)
    }

    fn reset(&self) {
        self.at_reset.store(self.ever(), Ordering::SeqCst);
    }
}
