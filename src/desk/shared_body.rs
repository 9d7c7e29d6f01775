//! The body of a multicast, which its addressees share.

use std::sync::Arc;

use super::check;
use super::once::Digest;
use super::refused::Refused;
use crate::dispatch::Encoded;
use crate::push::{Body, Labels, Refusal};

/// The body that the addressees of a multicast share, or why none of them can be sent to.
#[derive(Debug, Clone)]
pub struct SharedBody(pub(super) Shared);

#[derive(Debug, Clone)]
pub(super) enum Shared {
    Opened { body: Arc<Body>, encoded: Arc<Encoded>, said: Option<Digest> },
    Refused(Arc<(Refusal, Labels)>),
}

impl SharedBody {
    /// The body of one addressee, the place where its payload is encoded once for all of them, and what it says as a digest
    /// where it is to be sent once.
    ///
    /// # Errors
    /// Fails if the multicast cannot be sent, with the result of the addressee with this id.
    pub(super) fn open(self, id: &str) -> Result<(Arc<Body>, Arc<Encoded>, Option<Digest>), Box<Refused>> {
        match self.0 {
            Shared::Opened { body, encoded, said } => Ok((body, encoded, said)),
            Shared::Refused(refused) => {
                let (refusal, labels) = (*refused).clone();
                Err(Refused::new(check::echo(id.to_owned()), labels, refusal))
            }
        }
    }

    /// What the caller sees again in the result of each addressee.
    pub(super) fn labels(&self) -> &Labels {
        match &self.0 {
            Shared::Opened { body, .. } => &body.labels,
            Shared::Refused(refused) => &refused.1,
        }
    }
}
