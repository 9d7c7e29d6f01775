//! Over which peer a target is reached.

use std::borrow::Cow;
use std::fmt;

use fanfare_upstream::{Origin, PeerPool, TooManyPeers};

use crate::provider::Provider;
use crate::provider::apns::{self, Apns};
use crate::push::{ApnsEnvironment, Refusal};

/// The peers of one app on one provider.
pub trait TargetPeers<P: Provider>: fmt::Debug + Send + Sync {
    /// Where pushes to a target go. No peer is made for it.
    ///
    /// # Errors
    /// Fails if the target names an origin to which no push may go.
    fn origin(&self, provider: &P, target: &P::Target) -> Result<Cow<'_, Origin>, Refusal>;

    /// The peer that takes pushes to a target. While it is held it is not forgotten.
    ///
    /// # Errors
    /// Fails if the target names a peer that may not be, or there is no room for it.
    fn peer(&self, provider: &P, target: &P::Target) -> Result<Cow<'_, PeerPool>, NoPeer>;

    /// The peers that the configuration names. There are none where targets name them.
    fn configured(&self) -> Vec<&PeerPool> {
        Vec::new()
    }
}

/// Why a push has no peer to go to.
#[derive(Debug)]
pub enum NoPeer {
    /// Its target names a peer that may not be.
    Refused(Refusal),
    /// As many peers as may be are in use.
    TooMany(TooManyPeers),
}

impl From<Refusal> for NoPeer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// One peer for all targets.
impl<P: Provider> TargetPeers<P> for PeerPool {
    fn origin(&self, _: &P, _: &P::Target) -> Result<Cow<'_, Origin>, Refusal> {
        Ok(Cow::Borrowed(PeerPool::origin(self)))
    }

    fn peer(&self, _: &P, _: &P::Target) -> Result<Cow<'_, PeerPool>, NoPeer> {
        Ok(Cow::Borrowed(self))
    }

    fn configured(&self) -> Vec<&PeerPool> {
        vec![self]
    }
}

/// One peer for each environment of APNs.
#[derive(Debug)]
pub struct ApnsPeers {
    /// The peer for App Store and TestFlight builds.
    pub production: PeerPool,
    /// The peer for development builds.
    pub sandbox: PeerPool,
}

impl ApnsPeers {
    fn of(&self, apns: &Apns, target: &apns::Target) -> &PeerPool {
        match apns.environment(target) {
            ApnsEnvironment::Production => &self.production,
            ApnsEnvironment::Sandbox => &self.sandbox,
        }
    }
}

impl TargetPeers<Apns> for ApnsPeers {
    fn origin(&self, apns: &Apns, target: &apns::Target) -> Result<Cow<'_, Origin>, Refusal> {
        Ok(Cow::Borrowed(self.of(apns, target).origin()))
    }

    fn peer(&self, apns: &Apns, target: &apns::Target) -> Result<Cow<'_, PeerPool>, NoPeer> {
        Ok(Cow::Borrowed(self.of(apns, target)))
    }

    fn configured(&self) -> Vec<&PeerPool> {
        vec![&self.production, &self.sandbox]
    }
}
