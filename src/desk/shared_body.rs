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
    Opened(OpenedBody),
    Refused(Arc<(Refusal, Labels)>),
}

/// What the addressees of a multicast share that can be sent.
#[derive(Debug, Clone)]
pub(super) struct OpenedBody {
    pub(super) body: Arc<Body>,
    /// Where its payload lies, which is encoded once for all of them.
    pub(super) encoded: Arc<Encoded>,
    /// What it says, where it is to be sent once.
    pub(super) said: Option<Digest>,
}

impl SharedBody {
    /// What one addressee shares with the others.
    ///
    /// # Errors
    /// Fails if the multicast cannot be sent, with the result of the addressee with this id.
    pub(super) fn open(self, id: &str) -> Result<OpenedBody, Box<Refused>> {
        match self.0 {
            Shared::Opened(opened) => Ok(opened),
            Shared::Refused(refused) => {
                let (refusal, labels) = (*refused).clone();
                Err(Refused::new(check::echo(id.to_owned()), labels, refusal))
            }
        }
    }

    /// What the caller sees again in the result of each addressee.
    pub(super) fn labels(&self) -> &Labels {
        match &self.0 {
            Shared::Opened(opened) => &opened.body.labels,
            Shared::Refused(refused) => &refused.1,
        }
    }
}
