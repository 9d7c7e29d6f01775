//! A running simulator, as a test holds it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::apns::{ApnsScriptedOutcome, ProviderKey, ProviderKeySpec, StoragePolicy};
use super::certificate::ClientCertificate;
use super::clock::Clock;
use super::connection_info::ConnectionInfo;
use super::counters::Counters;
use super::drain;
use super::error::SimulatorError;
use super::fault::{Fault, FaultRule, HangUp, Phase};
use super::fcm::Fcm;
use super::journal::Journal;
use super::listener::Listener;
use super::mattermost::Mattermost;
use super::origin::origin;
use super::service::Environment;
use super::shared::Shared;
use super::strike::{self, StrikeError};
use super::sync::NotReached;
use super::webpush::WebPush;

/// Running stand-ins for all services.
///
/// Dropping it stops them; [`Simulator::shutdown`] also waits until they have stopped.
pub struct Simulator {
    pub(super) shared: Arc<Shared>,
    pub(super) production: Listener,
    pub(super) sandbox: Listener,
    pub(super) fcm: Listener,
    pub(super) metadata: Listener,
    pub(super) mattermost: Listener,
    pub(super) mattermost_tls: Listener,
    pub(super) web_push: Listener,
    pub(super) provider_key: ProviderKey,
    pub(super) control: Option<SocketAddr>,
}

impl Simulator {
    /// Returns the CA of the server certificates as PEM. Clients have to trust it.
    pub fn ca_pem(&self) -> &str {
        self.shared.authority.ca_pem()
    }

    /// Returns the origin of APNs, `https://localhost:<port>`.
    pub fn origin(&self, environment: Environment) -> String {
        origin(self.address(environment))
    }

    /// Returns the address on which APNs listens.
    pub fn address(&self, environment: Environment) -> SocketAddr {
        self.listener(environment).address
    }

    /// Returns the origin of the control API, `http://127.0.0.1:<port>`, if
    /// [`SimulatorBuilder::control_listen`](crate::SimulatorBuilder::control_listen) asked for one.
    pub fn control_origin(&self) -> Option<String> {
        self.control.map(|address| format!("http://{address}"))
    }

    /// Gives access to FCM, Google's token endpoint and its metadata server.
    pub fn fcm(&self) -> Fcm<'_> {
        let metadata_address = self.metadata.address;
        Fcm { google: &self.shared.fcm, address: self.fcm.address, metadata_address }
    }

    /// Gives access to the Mattermost push proxy.
    pub fn mattermost(&self) -> Mattermost<'_> {
        let tls_address = self.mattermost_tls.address;
        Mattermost { proxy: &self.shared.mattermost, address: self.mattermost.address, tls_address }
    }

    /// Gives access to the push services of browsers.
    pub fn web_push(&self) -> WebPush<'_> {
        WebPush { services: &self.shared.web_push, address: self.web_push.address }
    }

    /// Closes the port of APNs: the kernel refuses new connections, and open ones stay.
    pub async fn stop_listening(&self, environment: Environment) {
        self.listener(environment).stop().await;
    }

    /// Opens the port of APNs again, at the same address.
    ///
    /// # Errors
    ///
    /// It fails when another process took the port.
    pub async fn resume_listening(&self, environment: Environment) -> Result<(), SimulatorError> {
        self.listener(environment).resume(&self.shared).await
    }

    /// Returns a key of the whole team that is good in both environments of APNs.
    pub fn provider_key(&self) -> &ProviderKey {
        &self.provider_key
    }

    /// Makes another key that APNs accepts.
    ///
    /// # Errors
    ///
    /// It fails when no key can be made.
    pub fn add_provider_key(&self, spec: ProviderKeySpec) -> Result<ProviderKey, SimulatorError> {
        self.shared.apns.keys.add(spec)
    }

    /// Revokes a key: its tokens are invalid from now on. Source: Apple, "Establishing a token-based connection to
    /// APNs".
    pub fn revoke_provider_key(&self, key_id: &str) {
        self.shared.apns.keys.set_revoked(key_id, true);
    }

    /// Makes a revoked key good again, as an operator does who gives the key that the tokens are signed with the rights
    /// that it lacked.
    pub fn restore_provider_key(&self, key_id: &str) {
        self.shared.apns.keys.set_revoked(key_id, false);
    }

    /// Makes a client certificate that may push to `topics`.
    ///
    /// # Errors
    ///
    /// It fails when no certificate can be made.
    pub fn client_certificate(&self, topics: &[&str]) -> Result<ClientCertificate, SimulatorError> {
        self.shared.authority.client_certificate(topics)
    }

    /// Scripts the outcome of pushes to a device token, in place of the one that its first digits name.
    pub fn script_outcome(&self, device_token: &str, outcome: ApnsScriptedOutcome) {
        self.shared.apns.outcomes.set(device_token, outcome);
    }

    /// Registers a broadcast channel.
    pub fn add_channel(&self, bundle_id: &str, channel_id: &str, policy: StoragePolicy) {
        self.shared.apns.channels.add(bundle_id, channel_id, policy);
    }

    /// Returns the broadcast channels as bundle id, channel id and policy.
    pub fn channels(&self) -> Vec<(String, String, StoragePolicy)> {
        let list = self.shared.apns.channels.list().into_iter();
        list.map(|((bundle_id, channel_id), policy)| (bundle_id, channel_id, policy)).collect()
    }

    /// Sets how long every answer takes from now on.
    pub fn set_answer_latency(&self, latency: Duration) {
        self.shared.latency.set(latency);
    }

    /// Adds a rule to the script of faults. Of several rules that fit, the one that was added first strikes.
    pub fn add_fault(&self, rule: FaultRule) {
        self.shared.rules.add(rule);
    }

    /// Removes all rules from the script of faults.
    pub fn clear_faults(&self) {
        self.shared.rules.clear();
    }

    /// Applies `fault` to an open connection, now.
    ///
    /// # Errors
    ///
    /// It fails when the connection is not open, or when the fault strikes requests or new connections.
    pub fn on_connection(&self, id: u64, fault: &Fault) -> Result<(), StrikeError> {
        strike::by_number(&self.shared, id, fault)
    }

    /// Ends an open connection.
    ///
    /// # Errors
    ///
    /// It fails when the connection is not open.
    pub fn disconnect(&self, id: u64, how: HangUp) -> Result<(), StrikeError> {
        self.on_connection(id, &Fault::HangUp { how, at: Phase::AfterBody })
    }

    /// Returns the connections that finished the TLS handshake or need none: first the last 10,000 that closed, then
    /// the open ones.
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        let mut all = self.shared.connections.closed();
        all.extend(self.open_connections());
        all
    }

    /// Returns the connections that are open now.
    pub fn open_connections(&self) -> Vec<ConnectionInfo> {
        self.shared.connections.open()
    }

    /// Hands over the closed connections that are remembered, and forgets them.
    pub fn take_closed_connections(&self) -> Vec<ConnectionInfo> {
        self.shared.connections.take_closed()
    }

    /// Gives access to the journal of every request that arrived.
    pub fn journal(&self) -> &Journal {
        &self.shared.journal
    }

    /// Returns what happened so far, as numbers.
    pub fn counters(&self) -> Counters {
        self.shared.read_counters()
    }

    /// Waits until `reached` returns true. It is called now and after every change, so nothing polls.
    ///
    /// # Errors
    ///
    /// It fails when the state is not reached within `timeout`.
    pub async fn wait_until(
        &self,
        timeout: Duration,
        mut reached: impl FnMut(&Self) -> bool,
    ) -> Result<(), NotReached> {
        self.shared.changes.wait(timeout, || reached(self)).await
    }

    /// Gives access to the clock that decides whether tokens have expired, and fills quotas.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Refuses new connections, answers what is under way, and tells every client to leave: GOAWAY over HTTP/2,
    /// `connection: close` over HTTP/1.1. It returns once all connections have closed, or at the timeout.
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
        drain::drain(&self.shared, timeout).await;
    }

    /// Ends every connection and listener, and waits for their tasks. It may be called again.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
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
        self.shared.stop.cancel();
    }
}
