//! At which door the app's credential is shown on the way to a target: where its push service judges it.

use std::fmt;
use std::sync::Arc;

use crate::credential::{CredentialDoor, CredentialHandle};
use crate::provider::Provider;
use crate::provider::apns::{self, Apns};
use crate::provider::fcm::{self, Fcm};
use crate::push::{ApnsEnvironment, AppId};

/// The doors of one app on one provider.
pub(crate) trait TargetDoors<P: Provider>: fmt::Debug + Send + Sync {
    /// The door on the way to a target; none where a refusal concerns a target alone.
    fn door(&self, provider: &P, target: &P::Target) -> Option<&CredentialDoor>;

    /// Says at each place where the app's credential is shown that this app shows it, as long as it is held.
    fn shown_by(&self, app: &Arc<AppId>);
}

/// No refusal of one push concerns another: a proxy's front is no judge, and each subscription has a key of its own.
#[derive(Debug)]
pub(super) struct NoDoors;

impl<P: Provider> TargetDoors<P> for NoDoors {
    fn door(&self, _: &P, _: &P::Target) -> Option<&CredentialDoor> {
        None
    }

    fn shown_by(&self, _: &Arc<AppId>) {}
}

/// One door for the project, and the one at which its tokens are fetched.
#[derive(Debug)]
pub(crate) struct FcmDoors {
    /// The door of the project. Pushes pass it.
    pub(crate) project: CredentialHandle<CredentialDoor>,
    /// The door of the token endpoint. Only the task that fetches tokens passes it.
    pub(crate) token_endpoint: CredentialHandle<CredentialDoor>,
}

impl TargetDoors<Fcm> for FcmDoors {
    fn door(&self, _: &Fcm, _: &fcm::Target) -> Option<&CredentialDoor> {
        Some(&self.project)
    }

    fn shown_by(&self, app: &Arc<AppId>) {
        self.project.shown_by(Arc::downgrade(app));
        self.token_endpoint.shown_by(Arc::downgrade(app));
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

    fn shown_by(&self, app: &Arc<AppId>) {
        self.production.shown_by(Arc::downgrade(app));
        self.sandbox.shown_by(Arc::downgrade(app));
    }
}
