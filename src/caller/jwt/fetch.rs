//! One fetch of an issuer's keys, over the gateway's own pool.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use fanfare_upstream::{
    Flow, InFlight, Indexing, InvalidField, InvalidPath, NoAnswerCause, PeerPool, Request, Unanswered,
    UpstreamError,
};
use http::{Method, StatusCode};
use tokio::time::Instant;

use super::algorithm::SigningAlgorithm;
use super::key_set::{KeySet, KeySetError};

/// How long one fetch may take, from the wait for a stream to the whole answer. It is longer than a connect may take, so
/// that a failed connect is told by its cause.
const FETCH_TIMEOUT: Duration = Duration::from_secs(15);

/// How many fetches may be under way: one, and those that were given up and still hold a stream.
const MAX_FETCHES: usize = 4;

/// What the keys are asked for as. Source: RFC 7517, section 8.5; most servers say `application/json`.
const ACCEPT: (&str, &str) = ("accept", "application/jwk-set+json, application/json");

/// Where keys are fetched, and for which algorithms.
pub(super) struct Fetches {
    peer: ArcSwap<PeerPool>,
    path: String,
    algorithms: Vec<SigningAlgorithm>,
    under_way: Arc<InFlight>,
}

/// Why a fetch brought no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("earlier fetches still wait for their answers")]
    Busy,
    #[error(transparent)]
    Path(#[from] InvalidPath),
    #[error(transparent)]
    Field(#[from] InvalidField),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the answer is malformed, or larger than upstream.max_reply_bytes")]
    Unreadable,
    #[error("status {}; no redirect is followed", .0.as_u16())]
    Redirect(StatusCode),
    #[error("status {}", .0.as_u16())]
    Status(StatusCode),
    #[error(transparent)]
    Keys(#[from] KeySetError),
}

impl Fetches {
    /// `peer` is the pool of the origin that has the keys.
    pub(super) fn new(peer: PeerPool, path: String, algorithms: Vec<SigningAlgorithm>) -> Self {
        Self { peer: ArcSwap::from_pointee(peer), path, algorithms, under_way: Arc::default() }
    }

    /// Fetches the keys over this pool of their origin from now on.
    pub(super) fn fetch_over(&self, peer: PeerPool) {
        self.peer.store(Arc::new(peer));
    }

    /// Fetches the keys once.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let share = self.under_way.begin(MAX_FETCHES).ok_or(FetchError::Busy)?;
        let mut request = Request::new(&Method::GET, &[&self.path], Bytes::new())?;
        request.push(ACCEPT.0, ACCEPT.1, Indexing::Repeats)?;
        let asked = async {
            let permit = self.peer.load_full().permit(Flow::SINGLE, Instant::now() + FETCH_TIMEOUT).await?;
            permit.exchange(request.clone(), || Some(request.clone()), &share).await
        };
        let answer = asked.await.map_err(|error| match error {
            UpstreamError::Unanswered(Unanswered { cause: NoAnswerCause::Unreadable, .. }) => {
                FetchError::Unreadable
            }
            error @ (UpstreamError::Unsent(_) | UpstreamError::Unanswered(_)) => error.into(),
        })?;
        match answer.reply.status {
            StatusCode::OK => Ok(KeySet::parse(&answer.reply.body, &self.algorithms)?),
            status if status.is_redirection() => Err(FetchError::Redirect(status)),
            status => Err(FetchError::Status(status)),
        }
    }
}

impl FetchError {
    /// Whether an answer came, which has no keys that can be used.
    pub(super) fn was_answered(&self) -> bool {
        match self {
            Self::Redirect(_) | Self::Status(_) | Self::Keys(_) | Self::Unreadable => true,
            Self::Busy | Self::Path(_) | Self::Field(_) | Self::Upstream(_) => false,
        }
    }
}
