//! The numbers that tests assert on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::sync::ChangeNotifier;

/// What happened since the start or the last reset, as [`Simulator::counters`](crate::Simulator::counters) saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// How many TCP connections were accepted.
    pub connections_opened: u64,
    /// How many of these are not yet closed, whether in the TLS handshake or after it.
    pub connections_open: u64,
    /// How many TLS handshakes failed or were refused.
    pub tls_handshakes_failed: u64,
    /// How many TLS handshakes succeeded.
    pub tls_handshakes_done: u64,
    /// How many of these went on with an earlier session.
    pub tls_sessions_resumed: u64,
    /// In how many of the successful handshakes the client showed a certificate.
    pub client_certificates_shown: u64,
    /// How many streams clients opened beyond a limit that they had acknowledged.
    pub limit_violations: u64,
    /// How many streams clients opened before they acknowledged the first SETTINGS.
    pub opened_before_settings: u64,
    /// How many RST_STREAM frames were received.
    pub resets_received: u64,
    /// How many RST_STREAM frames were sent.
    pub resets_sent: u64,
    /// How many PING frames were received, without those that answer a PING.
    pub pings_received: u64,
    /// How many PRIORITY frames were received, which APNs ignores and asks clients not to send.
    pub priorities_received: u64,
    /// How many GOAWAY frames were sent.
    pub goaways_sent: u64,
    /// How many SETTINGS acknowledgements were received.
    pub settings_acknowledged: u64,
    /// How many requests arrived.
    pub requests_arrived: u64,
    /// How many requests were read to their END_STREAM.
    pub requests_read: u64,
    /// How many answers went out.
    pub requests_answered: u64,
    /// How many different provider tokens were found to be signed well.
    pub provider_tokens_seen: u64,
    /// How many access tokens the token endpoint and the metadata server issued.
    pub access_tokens_issued: u64,
    /// How many different VAPID tokens were found to be signed well.
    pub vapid_tokens_seen: u64,
}

/// The counters as every connection counts on them; [`Counters`] is their copy for a test.
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

    /// Counts one more, and wakes whoever waits for a change.
    pub(super) fn add(&self, count: &Count) {
        count.ever.fetch_add(1, Ordering::SeqCst);
        self.changes.notify();
    }

    /// Starts every counter anew, except for the number of open connections.
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

    /// Copies all counters. The journal has those of requests.
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

/// A number that grows until it is reset.
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
