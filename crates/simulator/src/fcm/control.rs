//! What a test can do to FCM and ask of it.

use std::net::SocketAddr;

use super::account::{AuthorizedUser, ServiceAccount};
use super::google::Google;
use super::quota::Quota;
use super::rate::Rate;
use super::scripted::FcmScriptedOutcome;
use crate::error::SimulatorError;
use crate::origin::origin;

/// The stand-in for FCM, Google's token endpoint and its metadata server.
#[derive(Clone, Copy)]
pub struct Fcm<'a> {
    pub(crate) google: &'a Google,
    pub(crate) address: SocketAddr,
    pub(crate) metadata_address: SocketAddr,
}

impl Fcm<'_> {
    /// Returns the address on which FCM and the token endpoint listen.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the origin of FCM and of the API for topics, `https://localhost:<port>`.
    pub fn origin(&self) -> String {
        origin(self.address)
    }

    /// Returns the address of the token endpoint, which the key files name.
    pub fn token_uri(&self) -> String {
        self.google.token_uri().to_owned()
    }

    /// Returns the origin of the metadata server, `http://127.0.0.1:<port>`.
    pub fn metadata_origin(&self) -> String {
        format!("http://{}", self.metadata_address)
    }

    /// Returns the projects that exist.
    pub fn projects(&self) -> &[String] {
        &self.google.settings.projects
    }

    /// Makes a service account that belongs to the first project and may send for all of them.
    ///
    /// # Errors
    ///
    /// It fails when no key can be made.
    pub fn add_service_account(&self, projects: &[&str]) -> Result<ServiceAccount, SimulatorError> {
        self.google.accounts.add_key(projects, self.google.token_uri())
    }

    /// Makes a user who may send for the projects.
    pub fn add_user(&self, projects: &[&str]) -> AuthorizedUser {
        self.google.accounts.add_user(projects, self.google.token_uri())
    }

    /// Disables a service account: it gets no more access tokens, and those that it has stay good.
    pub fn disable_service_account(&self, client_email: &str) {
        self.google.accounts.disable(client_email);
    }

    /// Enables a service account again that was disabled.
    pub fn enable_service_account(&self, client_email: &str) {
        self.google.accounts.enable(client_email);
    }

    /// Ends the consent of a user: the refresh token gets no more access tokens.
    pub fn revoke_refresh_token(&self, refresh_token: &str) {
        self.google.accounts.revoke_refresh_token(refresh_token);
    }

    /// Revokes every access token that was issued so far: FCM answers 401 without a code of its own.
    pub fn revoke_access_tokens(&self) {
        self.google.tokens.revoke_all();
    }

    /// Scripts the outcome of pushes to a registration token or installation id, in place of the one that its first
    /// word names.
    pub fn script_outcome(&self, token: &str, outcome: FcmScriptedOutcome) {
        self.google.outcomes.set(token, Some(outcome));
    }

    /// Limits the pushes of each project. Without it there is no limit.
    pub fn set_project_quota(&self, quota: Quota) {
        self.google.quotas.set_project(quota);
    }

    /// Limits the pushes of each project by a bucket of tokens; `None` stands for no limit.
    pub fn set_project_rate(&self, rate: Option<Rate>) {
        self.google.set_rate(rate);
    }

    /// Limits the pushes to each device. Without it there is no limit.
    pub fn set_device_quota(&self, quota: Quota) {
        self.google.quotas.set_device(quota);
    }

    /// Returns how many tokens are subscribed to a topic.
    pub fn subscribers(&self, topic: &str) -> usize {
        self.google.topics.subscribers(topic)
    }
}
