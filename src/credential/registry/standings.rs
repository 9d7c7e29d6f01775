//! The standing of every credential at every place where it is shown.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::credential::apns::{SigningKey, SigningKeyIdentity};
use crate::credential::google::{Source, SourceIdentity};
use crate::credential::handle::CredentialHandle;
use crate::credential::standing::{CredentialStanding, StandingName};
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

/// Every standing of the process. There are at most as many as the configuration has credentials and places for them.
pub(crate) struct Standings {
    metrics: CredentialMetrics,
    table: Mutex<Table<StandingIdentity, CredentialStanding>>,
}

impl Standings {
    pub(crate) fn new(metrics: CredentialMetrics) -> Self {
        Self { metrics, table: Mutex::default() }
    }

    /// How a signing key stands at a place.
    pub(crate) fn of_signing_key(
        &self,
        key: &SigningKey,
        place: &str,
    ) -> CredentialHandle<CredentialStanding> {
        let (key_id, team) = (key.key_id().as_str(), key.team_id().as_str());
        let credential = format!("the key {key_id} of team {team}");
        self.standing(
            CredentialIdentity::SigningKey(key.identity()),
            credential,
            format!("{team}/{key_id}"),
            place,
        )
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
            CredentialHandle::without_task(CredentialStanding::new(name, self.metrics.clone()))
        })
    }

    /// How many credentials are refused somewhere, each counted at each place, and the apps that show them there, in order.
    pub(crate) fn shut(&self) -> (usize, BTreeSet<AppId>) {
        let shut: Vec<_> = self.table().held().filter(|standing| standing.is_shut()).collect();
        (shut.len(), shut.iter().flat_map(|standing| standing.app_names()).collect())
    }

    fn table(&self) -> MutexGuard<'_, Table<StandingIdentity, CredentialStanding>> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
