//! One request: read it, judge it, answer it, unless a fault has other plans.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as Stream, BodyDataStream};
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;

use super::line::Line;
use crate::body::{Body, Gathering};
use crate::decision::{Decision, Pace};
use crate::exchange::{Seen, note};
use crate::fault::Fault;
use crate::journal::{EntryId, Outcome, Reading, device_token};
use crate::rules::Arrival;
use crate::service::Ask;
use crate::world::World;

/// A request and what is known of it.
pub(super) struct Exchange {
    pub(super) world: Arc<World>,
    pub(super) line: Arc<Line>,
    pub(super) entry: EntryId,
    pub(super) parts: Parts,
    pub(super) body: BodyDataStream,
    /// The body, once it was read.
    whole: Option<Body>,
}

/// Serves one request, from its head to the head of its answer.
pub(super) async fn serve(
    world: Arc<World>,
    line: Arc<Line>,
    request: Request<Incoming>,
) -> Result<Response<Stream>, Infallible> {
    let (parts, body) = request.into_parts();
    let of_connection = line.arrive();
    let stream = u32::try_from(of_connection).unwrap_or(u32::MAX);
    let seen = Seen { world: &world, service: line.service, connection: line.id, stream, parts: &parts };
    let (entry, order) = world.journal.arrive(|order, headers| note(&seen, order, headers));
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let fault = world.rules.at_request(&Arrival {
        connection: line.id,
        service: line.service,
        request: order,
        request_of_connection: of_connection,
        path,
        device_token: device_token(line.service, path),
    });
    let body = Stream::new(body).into_data_stream();
    let mut exchange = Exchange { world, line, entry, parts, body, whole: None };
    let fault = match fault {
        None => exchange.fault_of_token().await,
        fault => fault,
    };
    Ok(match fault {
        None => exchange.answer(Duration::ZERO).await,
        Some(fault) => exchange.misbehave(fault).await,
    })
}

impl Exchange {
    /// The true answer, after `delay` and whatever else delays it.
    pub(super) async fn answer(mut self, delay: Duration) -> Response<Stream> {
        let body = self.read().await;
        let decision = self.decide(&body);
        let own = match decision.pace {
            Pace::Now => Duration::ZERO,
            Pace::After(pause) => pause,
            Pace::Never => return std::future::pending().await,
        };
        tokio::time::sleep(self.world.latency() + own + delay).await;
        self.reply(&decision)
    }

    pub(super) fn reply(&self, decision: &Decision) -> Response<Stream> {
        let head = decision.head(!decision.body.is_empty());
        self.begin(decision, head, decision.body.clone().into())
    }

    /// The true answer to a request that was read in full.
    pub(super) fn decide(&self, body: &Body) -> Decision {
        self.line.service.decide(&Ask { world: &self.world, session: None, parts: &self.parts, body })
    }

    /// The fault of the device, where only the body names it.
    async fn fault_of_token(&mut self) -> Option<Fault> {
        if !self.line.service.names_token_in_body() || self.world.rules.is_empty() {
            return None;
        }
        let body = self.read().await;
        self.world.rules.at_token(&self.line.service.token_in(&self.parts, &body)?)
    }

    /// Reads the request to its end and records it. If the end never comes, neither does the
    /// body: hyper drops the exchange.
    pub(super) async fn read(&mut self) -> Body {
        if let Some(body) = &self.whole {
            return body.clone();
        }
        let kept = self.world.journal.keeps(self.entry);
        let mut gathering = Gathering::new(kept, self.line.service.reads_at_most());
        while let Some(piece) = self.body.next().await {
            match piece {
                Ok(piece) => gathering.add(piece),
                Err(_) => std::future::pending().await,
            }
        }
        let mut body = gathering.done();
        body.opened = self.line.service.open(&self.world, &self.parts, &body);
        let token = || self.line.service.token_in(&self.parts, &body);
        let reading = kept.then(|| Reading::new(&self.parts, &body, token()));
        self.line.read();
        self.world.journal.finish_reading(self.entry, reading);
        self.whole = Some(body.clone());
        body
    }

    /// Hands an answer to hyper.
    pub(super) fn begin(&self, decision: &Decision, head: Response<()>, body: Stream) -> Response<Stream> {
        let outcome = Outcome::Answered {
            status: head.status().as_u16(),
            reason: decision.reason.clone(),
            at_ms: self.world.clock.now_ms(),
        };
        self.line.announce(self.entry, outcome);
        let mut response = head.map(|()| body);
        if self.line.is_closing() {
            response.headers_mut().insert("connection", HeaderValue::from_static("close"));
        }
        response
    }
}
