//! The standing of every credential at every place where it is shown.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::credential::apns::{SigningKey, SigningKeyIdentity};
use crate::credential::google::{Source, SourceIdentity};
use crate::credential::handle::CredentialHandle;
use crate::credential::standing::{CredentialStanding, StandingLook, StandingName};
use crate::credential::table::Table;
use crate::metrics::CredentialMetrics;
use crate::push::AppId;

/// What tells standings apart.
#[derive(Debug, PartialEq, Eq, Hash)]
struct StandingIdentity {
    credential: CredentialIdentity,
    place: String,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum CredentialIdentity {
    SigningKey(SigningKeyIdentity),
    Source(SourceIdentity),
    /// A client certificate, by its fingerprint.
    Certificate(String),
}

/// A credential that is refused at one place.
pub(crate) struct ShutCredential {
    /// The apps that show it there.
    pub(crate) apps: Vec<AppId>,
    /// Whether it is refused for every topic.
    pub(crate) entirely: bool,
}

/// Every standing of the process. There are at most as many as the configuration has credentials and places for them.
pub(crate) struct Standings {
    metrics: CredentialMetrics,
    turned: Arc<Notify>,
    table: Mutex<Table<StandingIdentity, CredentialStanding>>,
}

impl Standings {
    pub(crate) fn new(metrics: CredentialMetrics) -> Self {
        Self { metrics, turned: Arc::default(), table: Mutex::default() }
    }

    /// How a signing key stands at a place.
    pub(crate) fn of_signing_key(
        &self,
        key: &SigningKey,
        place: &str,
    ) -> CredentialHandle<CredentialStanding> {
        let (key_id, team) = (key.key_id().as_str(), key.team_id().as_str());
        let credential = format!("the key {key_id} of team {team}");
        self.standing(CredentialIdentity::SigningKey(key.identity()), credential, key.label(), place)
    }

    /// How a client certificate stands at a place.
    pub(crate) fn of_certificate(
        &self,
        fingerprint: &str,
        place: &str,
    ) -> CredentialHandle<CredentialStanding> {
        let credential = format!("the certificate with the fingerprint {fingerprint}");
        let label = format!("certificate {fingerprint}");
        self.standing(CredentialIdentity::Certificate(fingerprint.to_owned()), credential, label, place)
    }

    /// How a source of access tokens stands at a place.
    pub(crate) fn of_source(&self, source: &Source, place: &str) -> CredentialHandle<CredentialStanding> {
        let account = source.account();
        let credential = format!("the account {account}");
        self.standing(CredentialIdentity::Source(source.identity()), credential, account.to_owned(), place)
    }

    fn standing(
        &self,
        identity: CredentialIdentity,
        credential: String,
        label: String,
        place: &str,
    ) -> CredentialHandle<CredentialStanding> {
        let name = StandingName { credential, label, place: place.to_owned() };
        let identity = StandingIdentity { credential: identity, place: place.to_owned() };
        self.table().find_or_insert(identity, || {
            CredentialHandle::without_task(CredentialStanding::new(
                name,
                self.metrics.clone(),
                Arc::clone(&self.turned),
            ))
        })
    }

    /// Every credential at each place where it is shown.
    pub(crate) fn look(&self) -> Vec<StandingLook> {
        let held: Vec<_> = self.table().held().collect();
        held.iter().flat_map(|standing| standing.look()).collect()
    }

    /// The credentials that are refused somewhere, each at each place.
    pub(crate) fn shut(&self) -> Vec<ShutCredential> {
        let shut: Vec<_> = self.table().held().filter(|standing| standing.is_shut()).collect();
        let shut = shut.iter().map(|standing| ShutCredential {
            apps: standing.app_names(),
            entirely: standing.is_shut_entirely(),
        });
        shut.collect()
    }

    /// Waits until a credential was shut or opened since this was last waited for. One task may wait.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn changed(&self) {
        self.turned.notified().await;
    }

    fn table(&self) -> MutexGuard<'_, Table<StandingIdentity, CredentialStanding>> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
