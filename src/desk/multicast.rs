//! A multicast: one body for many targets, opened once and encoded once.

use std::sync::Arc;

use tracing::Span;

use super::draft::{BodyDraft, Draft, DraftBody};
use super::once::Digest;
use super::opening::shared_body;
use super::shared_body::{OpenedBody, Shared, SharedBody};
use super::{Desk, check};
use crate::caller::Caller;
use crate::dispatch::TargetDraft;
use crate::held_bytes::PushBytes;
use crate::push::{Body, Labels, Reason, Refusal};

/// A multicast has at most so many addressees.
pub(super) const MAX_ADDRESSEES: usize = 1000;

/// Who a multicast goes to, as an ingress decoded it.
#[derive(Debug, Clone)]
pub(crate) struct Addressee {
    /// The caller's name for the push, as given.
    pub id: String,
    /// Where it goes.
    pub target: Result<TargetDraft, Refusal>,
    /// The span that the span of this push is a child of.
    pub parent: Span,
}

/// The drafts of a multicast, one for each addressee. They are made as they are asked for.
#[derive(Debug)]
pub(crate) struct Multicast<A> {
    body: SharedBody,
    held: PushBytes,
    addressees: A,
}

impl Desk {
    /// Opens what the addressees of a multicast share, and returns their drafts. What is wrong with the multicast becomes
    /// the result of each addressee; so does why it could not be read. `held` is what its body takes of its caller's
    /// share of bytes, until the last addressee has its result.
    pub(crate) fn multicast<A>(
        &self,
        caller: &Caller,
        body: Result<BodyDraft, Refusal>,
        held: PushBytes,
        addressees: A,
    ) -> Multicast<A>
    where
        A: ExactSizeIterator<Item = Addressee>,
    {
        let body = match self.open_shared(caller, body, addressees.len()) {
            Ok((body, said)) => {
                Shared::Opened(OpenedBody { body: Arc::new(body), encoded: Arc::default(), said })
            }
            Err(refused) => Shared::Refused(Arc::new(refused)),
        };
        Multicast { body: SharedBody(body), held, addressees }
    }

    fn open_shared(
        &self,
        caller: &Caller,
        draft: Result<BodyDraft, Refusal>,
        addressees: usize,
    ) -> Result<(Body, Option<Digest>), (Refusal, Labels)> {
        let mut draft = draft.map_err(|refusal| (refusal, Labels::new()))?;
        let labels = std::mem::take(&mut draft.labels);
        let labels = check::labels(labels).map_err(|refusal| (refusal, Labels::new()))?;
        if addressees > MAX_ADDRESSEES {
            let detail =
                format!("expected at most {MAX_ADDRESSEES} addressees in a multicast, found {addressees}");
            return Err((Refusal::field("addressees", Reason::FieldTooLarge, detail), labels));
        }
        match shared_body(&self.routes.load(), caller, draft) {
            Ok((body, said)) => Ok((Body { labels, ..body }, said)),
            Err(refusal) => Err((refusal, labels)),
        }
    }
}

impl<A: Iterator<Item = Addressee>> Iterator for Multicast<A> {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        let Addressee { id, target, parent } = self.addressees.next()?;
        let (body, held) = (DraftBody::Shared(self.body.clone()), self.held.clone());
        Some(Draft { id, target, body, held, parent })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.addressees.size_hint()
    }
}

impl<A: ExactSizeIterator<Item = Addressee>> ExactSizeIterator for Multicast<A> {}
