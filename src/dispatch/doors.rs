//! At which door the app's credential is shown on the way to a target: where its push service judges it.

use std::fmt;

use crate::credential::{CredentialDoor, CredentialHandle};
use crate::provider::Provider;
use crate::provider::apns::{self, Apns};
use crate::provider::fcm::{self, Fcm};
use crate::push::ApnsEnvironment;

/// The doors of one app on one provider.
pub(crate) trait TargetDoors<P: Provider>: fmt::Debug + Send + Sync {
    /// The door on the way to a target; none where a refusal concerns a target alone.
    fn door(&self, provider: &P, target: &P::Target) -> Option<&CredentialDoor>;
}

/// No refusal of one push concerns another: a proxy's front is no judge, and each subscription has a key of its own.
#[derive(Debug)]
pub(super) struct NoDoors;

impl<P: Provider> TargetDoors<P> for NoDoors {
    fn door(&self, _: &P, _: &P::Target) -> Option<&CredentialDoor> {
        None
    }
}

/// One door for the project.
impl TargetDoors<Fcm> for CredentialHandle<CredentialDoor> {
    fn door(&self, _: &Fcm, _: &fcm::Target) -> Option<&CredentialDoor> {
        Some(self)
    }
}

/// One door for each environment of APNs.
#[derive(Debug)]
pub(crate) struct ApnsDoors {
    /// The door for App Store and TestFlight builds.
    pub(crate) production: CredentialHandle<CredentialDoor>,
    /// The door for development builds.
    pub(crate) sandbox: CredentialHandle<CredentialDoor>,
}

impl TargetDoors<Apns> for ApnsDoors {
    fn door(&self, apns: &Apns, target: &apns::Target) -> Option<&CredentialDoor> {
        Some(match apns.environment(target) {
            ApnsEnvironment::Production => &self.production,
            ApnsEnvironment::Sandbox => &self.sandbox,
        })
    }
}
