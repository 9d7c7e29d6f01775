//! Which standing of the app's credential counts for a target: the one at the place where its push service judges it.

use std::fmt;
use std::sync::Arc;

use crate::credential::{CredentialHandle, CredentialStanding};
use crate::provider::Provider;
use crate::provider::apns::{self, Apns};
use crate::provider::fcm::{self, Fcm};
use crate::push::{ApnsEnvironment, AppId};

/// How the credential of one app on one provider stands.
pub(crate) trait TargetStandings<P: Provider>: fmt::Debug + Send + Sync {
    /// How the credential stands where pushes to a target show it; none where a refusal concerns a target alone.
    fn standing(&self, provider: &P, target: &P::Target) -> Option<&CredentialStanding>;

    /// Each of its standings.
    fn all(&self) -> Vec<&CredentialStanding>;

    /// Says at each place where the app's credential is shown that this app shows it, as long as it is held.
    fn shown_by(&self, app: &Arc<AppId>);
}

/// No refusal of one push concerns another: a proxy's front is no judge, and each subscription has a key of its own.
#[derive(Debug)]
pub(super) struct NoStandings;

impl<P: Provider> TargetStandings<P> for NoStandings {
    fn standing(&self, _: &P, _: &P::Target) -> Option<&CredentialStanding> {
        None
    }

    fn all(&self) -> Vec<&CredentialStanding> {
        Vec::new()
    }

    fn shown_by(&self, _: &Arc<AppId>) {}
}

/// One standing at the project, and one where its tokens are fetched.
#[derive(Debug)]
pub(crate) struct FcmStandings {
    /// How the credential stands at the project, to which pushes show it.
    pub(crate) project: CredentialHandle<CredentialStanding>,
    /// How it stands at the token endpoint, to which only the task that fetches tokens shows it.
    pub(crate) token_endpoint: CredentialHandle<CredentialStanding>,
}

impl TargetStandings<Fcm> for FcmStandings {
    fn standing(&self, _: &Fcm, _: &fcm::Target) -> Option<&CredentialStanding> {
        Some(&self.project)
    }

    fn all(&self) -> Vec<&CredentialStanding> {
        vec![&self.project, &self.token_endpoint]
    }

    fn shown_by(&self, app: &Arc<AppId>) {
        self.project.shown_by(Arc::downgrade(app));
        self.token_endpoint.shown_by(Arc::downgrade(app));
    }
}

/// One standing for each environment of APNs.
#[derive(Debug)]
pub(crate) struct ApnsStandings {
    /// The standing for App Store and TestFlight builds.
    pub(crate) production: CredentialHandle<CredentialStanding>,
    /// The standing for development builds.
    pub(crate) sandbox: CredentialHandle<CredentialStanding>,
}

impl TargetStandings<Apns> for ApnsStandings {
    fn standing(&self, apns: &Apns, target: &apns::Target) -> Option<&CredentialStanding> {
        Some(match apns.environment(target) {
            ApnsEnvironment::Production => &self.production,
            ApnsEnvironment::Sandbox => &self.sandbox,
        })
    }

    fn all(&self) -> Vec<&CredentialStanding> {
        vec![&self.production, &self.sandbox]
    }

    fn shown_by(&self, app: &Arc<AppId>) {
        self.production.shown_by(Arc::downgrade(app));
        self.sandbox.shown_by(Arc::downgrade(app));
    }
}
