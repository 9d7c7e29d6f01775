//! Serves one request over HTTP/1.1: it is read, judged and answered, unless a fault interferes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as HttpBody, BodyDataStream};
use futures_util::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;

use super::connection::Http1Connection;
use crate::body::{Body, PartialBody};
use crate::decision::{Decision, Timing};
use crate::dispatch::ReceivedRequest;
use crate::exchange::{RequestHead, note};
use crate::fault::Fault;
use crate::journal::{EntryId, Reading, RequestOutcome, device_token};
use crate::rules::Arrival;
use crate::shared::Shared;

/// A request and what is known of it.
pub(super) struct Exchange {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Arc<Http1Connection>,
    pub(super) entry: EntryId,
    pub(super) parts: Parts,
    pub(super) body: BodyDataStream,
    /// The body, once it was read.
    whole: Option<Body>,
}

/// Serves one request, from its head to the head of its answer.
pub(super) async fn serve(
    shared: Arc<Shared>,
    connection: Arc<Http1Connection>,
    request: Request<Incoming>,
) -> Result<Response<HttpBody>, Infallible> {
    let (parts, body) = request.into_parts();
    let of_connection = connection.arrive();
    let stream = u32::try_from(of_connection).unwrap_or(u32::MAX);
    let head = RequestHead {
        shared: &shared,
        service: connection.service,
        connection: connection.id,
        stream,
        parts: &parts,
    };
    let (entry, order) = shared.journal.arrive(|order, headers| note(&head, order, headers));
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let fault = shared.rules.at_request(&Arrival {
        connection: connection.id,
        service: connection.service,
        request: order,
        request_of_connection: of_connection,
        path,
        device_token: device_token(connection.service, path),
    });
    let body = HttpBody::new(body).into_data_stream();
    let mut exchange = Exchange { shared, connection, entry, parts, body, whole: None };
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
    /// Returns the true answer, after `delay` and whatever else delays it.
    pub(super) async fn answer(mut self, delay: Duration) -> Response<HttpBody> {
        let body = self.read().await;
        let decision = self.decide(&body);
        let own = match decision.timing {
            Timing::Now => Duration::ZERO,
            Timing::After(pause) => pause,
            Timing::Never => return std::future::pending().await,
        };
        tokio::time::sleep(self.shared.latency.get() + own + delay).await;
        self.reply(&decision)
    }

    pub(super) fn reply(&self, decision: &Decision) -> Response<HttpBody> {
        let head = decision.head(!decision.body.is_empty());
        self.begin(decision, head, decision.body.clone().into())
    }

    /// Decides the true answer to a request that was read in full.
    pub(super) fn decide(&self, body: &Body) -> Decision {
        self.connection.service.decide(&ReceivedRequest {
            shared: &self.shared,
            session: None,
            parts: &self.parts,
            body,
        })
    }

    /// Returns the fault that is scripted for the device, where only the body names the device.
    async fn fault_of_token(&mut self) -> Option<Fault> {
        if !self.connection.service.names_token_in_body() || self.shared.rules.is_empty() {
            return None;
        }
        let body = self.read().await;
        self.shared.rules.at_token(&self.connection.service.token_in(&self.parts, &body)?)
    }

    /// Reads the request to its end and records it. If the end never comes, this never returns, and hyper drops the
    /// exchange.
    pub(super) async fn read(&mut self) -> Body {
        if let Some(body) = &self.whole {
            return body.clone();
        }
        let kept = self.shared.journal.keeps(self.entry);
        let mut partial = PartialBody::new(kept, self.connection.service.reads_at_most());
        while let Some(piece) = self.body.next().await {
            match piece {
                Ok(piece) => partial.add(piece),
                Err(_) => std::future::pending().await,
            }
        }
        let mut body = partial.done();
        body.decrypted = self.connection.service.decrypt(&self.shared, &self.parts, &body);
        let token = || self.connection.service.token_in(&self.parts, &body);
        let reading = kept.then(|| Reading::new(&self.parts, &body, token()));
        self.connection.read();
        self.shared.journal.finish_reading(self.entry, reading);
        self.whole = Some(body.clone());
        body
    }

    /// Hands an answer to hyper.
    pub(super) fn begin(
        &self,
        decision: &Decision,
        head: Response<()>,
        body: HttpBody,
    ) -> Response<HttpBody> {
        let outcome = RequestOutcome::Answered {
            status: head.status().as_u16(),
            reason: decision.reason.clone(),
            at_ms: self.shared.clock.now_ms(),
        };
        self.connection.announce(self.entry, outcome);
        let mut response = head.map(|()| body);
        if self.connection.is_closing() {
            response.headers_mut().insert("connection", HeaderValue::from_static("close"));
        }
        response
    }
}
