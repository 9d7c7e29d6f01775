//! What the way of one push needs.

use std::sync::OnceLock;

use fanfare_upstream::Flow;
use tokio::time::Instant;
use tracing::Span;

use super::Route;
use crate::provider::Provider;
use crate::push::{Body, PushId, Refusal};

/// A body encoded for the targets of one provider, by the first push that needs it.
pub(super) type EncodedOnce<P> = OnceLock<Result<<P as Provider>::Payload, Refusal>>;

/// An admitted push, with its route.
pub struct Ask<'a, P: Provider> {
    /// The name of the push.
    pub id: &'a PushId,
    /// Where it goes.
    pub target: &'a P::Target,
    /// What it says and how it is treated.
    pub body: &'a Body,
    /// The body encoded, where other pushes share it; the first of them that needs it encodes it.
    pub encoded: Option<&'a EncodedOnce<P>>,
    /// What its app on its provider needs.
    pub route: &'a Route<P>,
    /// How it competes, and for how long.
    pub terms: &'a Terms,
    /// The span that its own span is part of. The trace of a caller enters here.
    pub parent: Option<&'a Span>,
}

/// How a push competes for what is scarce, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How it competes for streams.
    pub flow: Flow,
    /// When work on it began.
    pub begun: Instant,
    /// By when its verdict is out.
    pub deadline: Instant,
}
