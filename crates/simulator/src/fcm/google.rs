//! What the simulated Google knows.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use super::account::Accounts;
use super::auth::AccessTokens;
use super::quota::Quotas;
use super::rate::{Rate, Rates};
use super::scripted::{FcmOutcomes, FcmScriptedOutcome};
use super::settings::FcmSettings;
use crate::clock::Clock;
use crate::counters::LiveCounters;
use crate::origin::origin;
use crate::sync::lock;

/// The path of the token endpoint. Source: the key files of Google's service accounts.
pub(super) const TOKEN_PATH: &str = "/token";

/// Google's projects, accounts, tokens and quotas.
pub(crate) struct Google {
    pub(super) settings: FcmSettings,
    pub(super) accounts: Accounts,
    pub(super) tokens: AccessTokens,
    pub(super) outcomes: FcmOutcomes,
    pub(super) quotas: Quotas,
    pub(super) rates: Rates,
    pub(super) topics: Topics,
    pub(super) clock: Clock,
    /// The address of the token endpoint, which is known once the port is known.
    token_uri: OnceLock<String>,
}

impl Google {
    pub(crate) fn new(settings: FcmSettings, clock: Clock, counters: Arc<LiveCounters>) -> Self {
        let google = Self {
            accounts: Accounts::new(settings.projects.first().map_or("", String::as_str)),
            tokens: AccessTokens::new(settings.token_lifetime, clock.clone(), counters),
            settings,
            outcomes: FcmOutcomes::default(),
            quotas: Quotas::default(),
            rates: Rates::default(),
            topics: Topics::default(),
            clock,
            token_uri: OnceLock::new(),
        };
        google.restore_rate();
        google
    }

    /// Sets the rate of each project; `None` stands for no limit.
    pub(crate) fn set_rate(&self, rate: Option<Rate>) {
        self.rates.set(rate);
    }

    /// Sets the rate that there was at the start.
    pub(crate) fn restore_rate(&self) {
        self.rates.set(self.settings.project_rate);
    }

    pub(crate) fn max_concurrent_streams(&self) -> u32 {
        self.settings.max_concurrent_streams
    }

    pub(crate) fn speaks_http2(&self) -> bool {
        self.settings.http2
    }

    /// Sets the address of the token endpoint. It is called once, when the port is known.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        let _ = self.token_uri.set(format!("{}{TOKEN_PATH}", origin(address)));
    }

    pub(super) fn token_uri(&self) -> &str {
        self.token_uri.get().map_or("", String::as_str)
    }

    /// Scripts the outcome of a registration token; `None` stands for the one that its word names.
    pub(crate) fn script_outcome(&self, token: &str, outcome: Option<FcmScriptedOutcome>) {
        self.outcomes.set(token, outcome);
    }

    /// Forgets all access tokens, and returns how many they were.
    pub(crate) fn revoke_tokens(&self) -> usize {
        self.tokens.revoke_all()
    }

    /// Returns what becomes of a push to a registration token.
    pub(crate) fn outcome(&self, token: &str) -> FcmScriptedOutcome {
        self.outcomes.of(token)
    }
}

/// Which tokens are subscribed to each topic.
#[derive(Default)]
pub(super) struct Topics(pub(super) Mutex<HashMap<String, HashSet<String>>>);

impl Topics {
    pub(super) fn subscribers(&self, topic: &str) -> usize {
        lock(&self.0).get(topic).map_or(0, HashSet::len)
    }
}
