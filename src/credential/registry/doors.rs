//! Every door, by the credential and the place that it stands for.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::credential::apns::{SigningKey, SigningKeyIdentity};
use crate::credential::google::{Source, SourceIdentity};
use crate::credential::handle::CredentialHandle;
use crate::credential::standing::{CredentialDoor, DoorName};
use crate::credential::table::Table;
use crate::metrics::CredentialMetrics;
use crate::push::AppId;

/// What tells doors apart.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DoorIdentity {
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

/// Every door of the process. There are at most as many as the configuration has credentials and places for them.
pub(crate) struct Doors {
    metrics: CredentialMetrics,
    table: Mutex<Table<DoorIdentity, CredentialDoor>>,
}

impl Doors {
    pub(crate) fn new(metrics: CredentialMetrics) -> Self {
        Self { metrics, table: Mutex::default() }
    }

    /// The door of a signing key at a place.
    pub(crate) fn of_signing_key(&self, key: &SigningKey, place: &str) -> CredentialHandle<CredentialDoor> {
        let (key_id, team) = (key.key_id().as_str(), key.team_id().as_str());
        let credential = format!("the key {key_id} of team {team}");
        self.door(
            CredentialIdentity::SigningKey(key.identity()),
            credential,
            format!("{team}/{key_id}"),
            place,
        )
    }

    /// The door of a client certificate at a place.
    pub(crate) fn of_certificate(&self, fingerprint: &str, place: &str) -> CredentialHandle<CredentialDoor> {
        let credential = format!("the certificate with the fingerprint {fingerprint}");
        let label = format!("certificate {fingerprint}");
        self.door(CredentialIdentity::Certificate(fingerprint.to_owned()), credential, label, place)
    }

    /// The door of a source of access tokens at a place.
    pub(crate) fn of_source(&self, source: &Source, place: &str) -> CredentialHandle<CredentialDoor> {
        let account = source.account();
        let credential = format!("the account {account}");
        self.door(CredentialIdentity::Source(source.identity()), credential, account.to_owned(), place)
    }

    fn door(
        &self,
        identity: CredentialIdentity,
        credential: String,
        label: String,
        place: &str,
    ) -> CredentialHandle<CredentialDoor> {
        let name = DoorName { credential, label, place: place.to_owned() };
        let identity = DoorIdentity { credential: identity, place: place.to_owned() };
        self.table().find_or_insert(identity, || {
            CredentialHandle::without_task(CredentialDoor::new(name, self.metrics.clone()))
        })
    }

    /// How many doors are shut, and the apps that they are shut to, in order.
    pub(crate) fn shut(&self) -> (usize, BTreeSet<AppId>) {
        let shut: Vec<_> = self.table().held().filter(|door| door.is_shut()).collect();
        (shut.len(), shut.iter().flat_map(|door| door.app_names()).collect())
    }

    fn table(&self) -> MutexGuard<'_, Table<DoorIdentity, CredentialDoor>> {
        // An entry is inserted whole or not at all, so a poisoned lock harms nothing.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
