//! Stand-ins for push services on loopback: real TLS, real HTTP, and every way to fail.
//!
//! The simulator shares nothing with the gateway, neither types nor constants: a name that is
//! wrong on both sides would agree with itself.
//!
//! They check what their services document and answer as documented; where the pages leave
//! something open, the comment at that place says what was chosen. [`Service`] lists the
//! listeners. What arrived is in the [`Journal`], what happened in [`Counters`].

mod apns;
mod body;
mod builder;
mod certificate;
mod clock;
mod connection;
mod control;
mod counters;
mod decision;
mod drain;
mod exchange;
mod fault;
mod fcm;
mod filter;
mod http1;
pub mod journal;
mod jwt;
mod listener;
mod mattermost;
mod misbehave;
mod records;
mod rules;
mod service;
mod settings;
mod socket;
mod sync;
#[cfg(test)]
mod tests;
mod webpush;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub use apns::{Fate, FateRow, KeyScope, ProviderKey, ProviderKeySpec, StoragePolicy, fates};
pub use builder::{SimulatorBuilder, SimulatorError};
pub use certificate::ClientCertificate;
pub use clock::Clock;
pub use connection::StrikeError;
pub use counters::{ConnectionInfo, Counters};
pub use fault::{
    Answer, Fault, FaultRule, Front, GoAway, HangUp, LastId, Phase, Refusal, RuleError, Then, Trigger,
    UnfitRule,
};
pub use fcm::{
    AuthorizedUser, Fcm, FcmFate, FcmFateRow, FcmRefusal, FcmSettings, Quota, RetryAfter, ServiceAccount,
    fcm_fates,
};
pub use journal::Journal;
pub use mattermost::{Asked, Mattermost, MattermostSettings};
pub use service::{Environment, Service};
pub use settings::LimitRises;
pub use sync::NotReached;
pub use webpush::{
    Subscription, Urgency, VapidFault, VapidKey, Vendor, WebPush, WebPushFate, WebPushFateRow,
    WebPushMessage, WebPushRefusal, WebPushSettings, web_push_fates,
};

use listener::Listener;
use world::World;

/// Running stand-ins for all services. Dropping it stops them.
pub struct Simulator {
    world: Arc<World>,
    production: Listener,
    sandbox: Listener,
    fcm: Listener,
    metadata: Listener,
    mattermost: Listener,
    mattermost_tls: Listener,
    web_push: Listener,
    provider_key: ProviderKey,
    control: Option<SocketAddr>,
}

impl Simulator {
    /// The settings of a new simulator.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// The CA of the server certificates, PEM.
    pub fn ca_pem(&self) -> &str {
        self.world.authority.ca_pem()
    }

    /// `https://localhost:<port>`.
    pub fn origin(&self, environment: Environment) -> String {
        listener::origin(self.address(environment))
    }

    /// Where it listens.
    pub fn address(&self, environment: Environment) -> SocketAddr {
        self.listener(environment).address
    }

    /// `http://127.0.0.1:<port>` of the control API, if it was asked for.
    pub fn control_origin(&self) -> Option<String> {
        self.control.map(|address| format!("http://{address}"))
    }

    /// FCM, Google's token endpoint and its metadata server.
    pub fn fcm(&self) -> Fcm<'_> {
        let metadata_address = self.metadata.address;
        Fcm { world: &self.world, address: self.fcm.address, metadata_address }
    }

    /// The Mattermost push proxy.
    pub fn mattermost(&self) -> Mattermost<'_> {
        let tls_address = self.mattermost_tls.address;
        Mattermost { world: &self.world, address: self.mattermost.address, tls_address }
    }

    /// The push services of browsers.
    pub fn web_push(&self) -> WebPush<'_> {
        WebPush { world: &self.world, address: self.web_push.address }
    }

    /// Closes the port: new connections are refused by the kernel, open ones stay.
    pub async fn stop_listening(&self, environment: Environment) {
        self.listener(environment).stop().await;
    }

    /// Opens the port again, at the same address.
    ///
    /// # Errors
    /// When somebody else took it.
    pub async fn resume_listening(&self, environment: Environment) -> Result<(), SimulatorError> {
        self.listener(environment).resume(&self.world).await
    }

    /// A team-scoped key that is good in both environments.
    pub fn provider_key(&self) -> &ProviderKey {
        &self.provider_key
    }

    /// Makes another key that the simulator knows.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn add_provider_key(&self, spec: ProviderKeySpec) -> Result<ProviderKey, SimulatorError> {
        self.world.keys.add(spec)
    }

    /// Revokes a key: its tokens are invalid from now on. Source: Apple, "Establishing a
    /// token-based connection to APNs".
    pub fn revoke_provider_key(&self, key_id: &str) {
        self.world.keys.set_revoked(key_id, true);
    }

    /// Makes a client certificate that is good for `topics`.
    ///
    /// # Errors
    /// When no certificate can be made.
    pub fn client_certificate(&self, topics: &[&str]) -> Result<ClientCertificate, SimulatorError> {
        self.world.authority.client_certificate(topics)
    }

    /// Gives a device token a fate, in place of the one its prefix names.
    pub fn set_fate(&self, device_token: &str, fate: Fate) {
        self.world.fates.set(device_token, fate);
    }

    /// Registers a broadcast channel.
    pub fn add_channel(&self, bundle_id: &str, channel_id: &str, policy: StoragePolicy) {
        self.world.channels.add(bundle_id, channel_id, policy);
    }

    /// The broadcast channels: bundle id, channel id, policy.
    pub fn channels(&self) -> Vec<(String, String, StoragePolicy)> {
        let list = self.world.channels.list().into_iter();
        list.map(|((bundle_id, channel_id), policy)| (bundle_id, channel_id, policy)).collect()
    }

    /// How long every answer takes from now on.
    pub fn set_answer_latency(&self, latency: Duration) {
        self.world.set_latency(latency);
    }

    /// Adds a fault to the script. Of several that fit, the first added strikes.
    pub fn add_fault(&self, rule: FaultRule) {
        self.world.rules.add(rule);
    }

    /// Empties the script.
    pub fn clear_faults(&self) {
        self.world.rules.clear();
    }

    /// Does `fault` to an open connection, now.
    ///
    /// # Errors
    /// When the connection is not open, or the fault is one of requests or of opening.
    pub fn on_connection(&self, id: u64, fault: &Fault) -> Result<(), StrikeError> {
        self.world.strike(id, fault)
    }

    /// Ends an open connection.
    ///
    /// # Errors
    /// When it is not open.
    pub fn disconnect(&self, id: u64, how: HangUp) -> Result<(), StrikeError> {
        self.on_connection(id, &Fault::HangUp { how, at: Phase::AfterBody })
    }

    /// The connections that finished the TLS handshake, or need none: the closed ones that are remembered
    /// (the last 10,000), then the open ones.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let mut all = self.world.tally.closed();
        all.extend(self.open_connections());
        all
    }

    /// Those that are open now.
    pub fn open_connections(&self) -> Vec<ConnectionInfo> {
        self.world.open_connections()
    }

    /// Hands over those that are closed and remembered, and forgets them.
    pub fn take_closed_connections(&self) -> Vec<ConnectionInfo> {
        self.world.tally.take_closed()
    }

    /// What arrived.
    pub fn journal(&self) -> &Journal {
        &self.world.journal
    }

    /// What happened.
    pub fn counters(&self) -> Counters {
        self.world.counters()
    }

    /// Waits until `reached` holds. It is asked at every change, without polling.
    ///
    /// # Errors
    /// When it does not hold within `timeout`.
    pub async fn wait_until(
        &self,
        timeout: Duration,
        mut reached: impl FnMut(&Self) -> bool,
    ) -> Result<(), NotReached> {
        self.world.bell.wait(timeout, || reached(self)).await
    }

    /// The clock that judges tokens and fills quotas.
    pub fn clock(&self) -> &Clock {
        &self.world.clock
    }

    /// Takes nothing new, answers what is under way, and tells every client that it ends: GOAWAY over HTTP/2,
    /// `connection: close` over HTTP/1.1. Returns once all connections are closed, or at the timeout.
    pub async fn drain(&self, timeout: Duration) {
        for listener in [
            &self.production,
            &self.sandbox,
            &self.fcm,
            &self.metadata,
            &self.mattermost,
            &self.mattermost_tls,
            &self.web_push,
        ] {
            listener.stop().await;
        }
        drain::drain(&self.world, timeout).await;
    }

    /// Ends every connection and all listeners, and waits for their tasks. May be called again.
    pub async fn shutdown(&self) {
        self.world.stop.cancel();
        self.world.tasks.close();
        self.world.tasks.wait().await;
    }

    fn listener(&self, environment: Environment) -> &Listener {
        match environment {
            Environment::Production => &self.production,
            Environment::Sandbox => &self.sandbox,
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stop.cancel();
    }
}
