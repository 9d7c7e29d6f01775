//! Forwarding: a push for a platform that is not served here goes unchanged to another push proxy, and its answer comes back
//! byte for byte.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use fanfare_upstream::{Flow, InFlight, Indexing, Party, PeerPool, Reply, Request, Upstream, UpstreamError};
use http::header::{CONTENT_TYPE, HeaderValue, VIA};
use http::{HeaderMap, Method, Response};
use http_body_util::Full;
use tokio::time::Instant;

use super::asked::SEND_PUSH;
use super::settings::ForwardSettings;
use crate::desk::Caller;
use crate::ingress::http::{Answer, Body};

/// What the headers begin with that a Mattermost server shows to the hosted proxies. They may be secrets.
///
/// Source: github.com/mattermost/mattermost, pull request 34211.
const OF_MATTERMOST: &str = "x-mattermost-";

/// The name of this process on the way of a request, by which a proxy finds that it forwards to itself.
///
/// Source: RFC 9110, section 7.6.3.
static ON_THE_WAY: LazyLock<String> = LazyLock::new(|| format!("fanfare-{:016x}", fastrand::u64(..)));

/// Another push proxy.
pub(super) struct Forward {
    peer: Option<PeerPool>,
    prefix: String,
    in_flight: Arc<InFlight>,
    max_in_flight: usize,
}

/// Why a push has no answer of the other proxy.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotForwarded {
    #[error("the gateway names too many upstreams to forward to this one (upstream.max_peers)")]
    NoPeer,
    #[error(
        "{0} pushes are on their way to the push proxy that other platforms are forwarded to (max_forwards)"
    )]
    Full(usize),
    #[error("the push was forwarded and came back: the push proxy that is forwarded to is this gateway")]
    Loop,
    #[error("the push cannot be forwarded")]
    Bug,
    #[error("the push proxy that other platforms are forwarded to gave no answer: {0}")]
    NoAnswer(#[from] UpstreamError),
}

impl NotForwarded {
    /// The names in metrics of what becomes of a push, an answer being the first.
    pub(super) const OUTCOMES: [&'static str; 4] = ["answered", "unsent", "unanswered", "refused"];

    /// The number of its name.
    pub(super) fn number(&self) -> usize {
        match self {
            Self::NoAnswer(UpstreamError::Unsent(_)) => 1,
            Self::NoAnswer(UpstreamError::Unanswered(_)) => 2,
            Self::NoPeer | Self::Full(_) | Self::Loop | Self::Bug => 3,
        }
    }
}

impl Forward {
    /// Forwards to the peer that the settings name. Whoever reads a configuration names it before, so there is room for it.
    pub(super) fn over(upstream: &Upstream, settings: &ForwardSettings) -> Self {
        let ForwardSettings { peer, prefix, max_in_flight } = settings;
        let peer = upstream.peer(peer.clone()).ok();
        Self { peer, prefix: prefix.clone(), in_flight: Arc::default(), max_in_flight: *max_in_flight }
    }

    /// Forwards to nobody, for tests of what is passed on.
    #[cfg(test)]
    pub(super) fn nowhere(prefix: &str) -> Self {
        Self { peer: None, prefix: prefix.to_owned(), in_flight: Arc::default(), max_in_flight: 1 }
    }

    /// Sends a push on, and returns the answer.
    ///
    /// # Errors
    /// Fails if there is none by `until`. A request that the other proxy provably did not take is sent again until then; any
    /// other is not, since it might show a message twice.
    pub(super) async fn send(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        body: Bytes,
        until: Instant,
    ) -> Result<Answer, NotForwarded> {
        let peer = self.peer.as_ref().ok_or(NotForwarded::NoPeer)?;
        let request = self.request(headers, body)?;
        let full = NotForwarded::Full(self.max_in_flight);
        let share = self.in_flight.begin(self.max_in_flight).ok_or(full)?;
        let flow = Flow { parties: [caller.party(), Party::NOBODY], ..Flow::SINGLE };
        let permit = peer.permit(flow, until).await.map_err(UpstreamError::from)?;
        let reply = permit.exchange(request.clone(), || Some(request.clone()), &share).await?.reply;
        Ok(answer(reply))
    }

    /// The request as it came: its body, and the headers that a push proxy reads.
    pub(super) fn request(&self, headers: &HeaderMap, body: Bytes) -> Result<Request, NotForwarded> {
        let via = || headers.get_all(VIA).iter();
        let name = ON_THE_WAY.as_bytes();
        if via().any(|via| via.as_bytes().windows(name.len()).any(|part| part == name)) {
            return Err(NotForwarded::Loop);
        }
        let mut request =
            Request::new(&Method::POST, &[&self.prefix, SEND_PUSH], body).map_err(|_| NotForwarded::Bug)?;
        let of_mattermost = headers.iter().filter(|(name, _)| name.as_str().starts_with(OF_MATTERMOST));
        let passed = of_mattermost.map(|(name, value)| (name.as_str(), value.as_bytes(), Indexing::Secret));
        let kind = headers.get(CONTENT_TYPE).map(|kind| ("content-type", kind.as_bytes(), Indexing::Repeats));
        let earlier = via().map(|via| ("via", via.as_bytes(), Indexing::Repeats));
        let own = format!("1.1 {}", *ON_THE_WAY);
        let own = ("via", own.as_bytes(), Indexing::Repeats);
        for (name, value, indexing) in passed.chain(kind).chain(earlier).chain([own]) {
            request.push(name, value, indexing).map_err(|_| NotForwarded::Bug)?;
        }
        Ok(request)
    }
}

/// What the other proxy said: its status, its media type and its body.
fn answer(reply: Reply) -> Answer {
    let Reply { status, fields, body } = reply;
    let mut answer = Response::new(Body::Whole(Full::new(body)));
    *answer.status_mut() = status;
    let kind = fields.get(CONTENT_TYPE.as_str()).and_then(|kind| HeaderValue::from_bytes(kind).ok());
    if let Some(kind) = kind {
        answer.headers_mut().insert(CONTENT_TYPE, kind);
    }
    answer
}
