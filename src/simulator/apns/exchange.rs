//! One request: read it, judge it, answer it, unless a fault has other plans.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::request::Parts;
use http::{Request, Response};

use super::body::{self, Body};
use super::reply::head;
use super::{Decision, Pace, decide, validate};
use crate::simulator::connection::{self, Connection};
use crate::simulator::fault::{Fault, Phase, Then};
use crate::simulator::filter::{Admission, Answering, code};
use crate::simulator::journal::{Entry, EntryId, Outcome, Reading, device_token};
use crate::simulator::rules::Arrival;

/// A request and the means to answer it.
pub(super) struct Exchange {
    pub(super) connection: Arc<Connection>,
    pub(super) stream: u32,
    pub(super) entry: EntryId,
    pub(super) parts: Parts,
    pub(super) body: RecvStream,
    pub(super) respond: SendResponse<Bytes>,
}

/// Serves one request, from its headers to its answer.
pub(in crate::simulator) async fn serve(
    connection: Arc<Connection>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
) {
    let stream = respond.stream_id().as_u32();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let (entry, order) =
        connection.world.journal.arrive(|order, headers| note(&connection, stream, &parts, order, headers));
    let of_connection = connection.requests.fetch_add(1, Ordering::SeqCst) + 1;
    // Dropping the handles makes h2 reset the stream, which the filter keeps to itself.
    if connection.wire.attach(stream, entry) == Admission::Gone {
        return;
    }
    let fault = connection.world.rules.at_request(&Arrival {
        connection: connection.wire.id,
        environment: connection.wire.environment,
        request: order,
        request_of_connection: of_connection,
        path,
        device_token: device_token(path),
    });
    let exchange = Exchange { connection, stream, entry, parts, body, respond };
    match fault {
        None => exchange.answer(Duration::ZERO).await,
        Some(fault) => exchange.misbehave(fault).await,
    }
}

fn note(connection: &Connection, stream: u32, parts: &Parts, order: u64, keep_headers: bool) -> Entry {
    let id = |name| validate::message_id(&parts.headers, name).ok().flatten();
    let headers = || {
        parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().into(), Bytes::copy_from_slice(value.as_bytes())))
            .collect()
    };
    Entry {
        order,
        connection: connection.wire.id,
        stream,
        environment: connection.wire.environment,
        arrived_ms: connection.world.clock.now_ms(),
        method: parts.method.clone(),
        path: parts.uri.path_and_query().map_or("", |path| path.as_str()).into(),
        apns_id: id("apns-id").or_else(|| id("apns-request-id")),
        headers: keep_headers.then(headers),
        read: None,
        outcome: Outcome::Unanswered,
        cancelled: None,
        broken_off: None,
    }
}

impl Exchange {
    /// The true answer, after `delay` and whatever else delays it.
    pub(super) async fn answer(mut self, delay: Duration) {
        let Some(body) = self.read().await else { return };
        let decision = decide(&self.connection, &self.parts, &body);
        let own = match decision.pace {
            Pace::Now => Duration::ZERO,
            Pace::After(pause) => pause,
            Pace::Never => return self.hold().await,
        };
        let pause = self.connection.world.latency() + own + delay;
        // Not even a yield without one: that would cost a turn of the task.
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        self.reply(&decision);
    }

    /// Reads the request to its end and records it. `None` if it never comes.
    pub(super) async fn read(&mut self) -> Option<Body> {
        let journal = &self.connection.world.journal;
        let kept = journal.keeps(self.entry);
        let body = body::read(&mut self.body, kept).await.ok()?;
        let reading = kept.then(|| Reading::new(&self.parts, body.bytes.clone(), body.len, body.sha256));
        journal.finish_reading(self.entry, reading);
        Some(body)
    }

    /// Leaves a stream without an answer open until the client gives it up or the connection ends.
    pub(super) async fn hold(mut self) {
        // An error means that it is over as well.
        let _ = std::future::poll_fn(|cx| self.respond.poll_reset(cx)).await;
    }

    /// The same for a stream whose answer began: of that h2 tells only the answer's own handle.
    pub(super) async fn hold_begun(self, mut answer: SendStream<Bytes>) {
        let _ = std::future::poll_fn(|cx| answer.poll_reset(cx)).await;
    }

    fn reply(&mut self, decision: &Decision) {
        let body = decision.reply.body();
        let response = head(&decision.reply, !body.is_empty(), decision.id, self.connection.wire.environment);
        if let Some(mut stream) = self.begin(decision, response, body.is_empty())
            && !body.is_empty()
        {
            // An error means that the client is gone.
            let _ = stream.send_data(body, true);
        }
        if decision.reply.reason.as_deref() == Some("BadDeviceToken") {
            self.count_bad_token();
        }
    }

    /// Hands the headers of an answer to h2. `None` if the stream is no more.
    pub(super) fn begin(
        &mut self,
        decision: &Decision,
        response: Response<()>,
        end: bool,
    ) -> Option<SendStream<Bytes>> {
        let outcome = Outcome::Answered {
            status: response.status().as_u16(),
            reason: decision.reply.reason.clone(),
            at_ms: self.connection.world.clock.now_ms(),
        };
        self.connection.wire.announce(self.stream, Answering { outcome, afterwards: decision.afterwards });
        self.respond.send_response(response, end).ok()
    }

    fn count_bad_token(&self) {
        let Some(allowed) = self.connection.world.settings.bad_tokens_allowed else { return };
        if self.connection.bad_tokens.fetch_add(1, Ordering::SeqCst) + 1 == allowed {
            let wire = &self.connection.wire;
            wire.goaway(wire.highest(), code::NO_ERROR, Some("BadDeviceToken"), Then::Drain);
        }
    }

    /// Does a fault to the connection or the stream, if it is one of these.
    pub(super) fn strike(&self, fault: &Fault) {
        let Connection { world, wire, .. } = &*self.connection;
        if connection::strike(world, wire, Some(self.stream), fault) {
            return;
        }
        if let Fault::ResetStream { code, .. } = fault {
            wire.reset(self.stream, &[*code]);
        } else if matches!(fault, Fault::RefuseThenClosed) {
            wire.reset(self.stream, &[code::REFUSED_STREAM, code::STREAM_CLOSED]);
        }
    }

    /// Reads up to the point at which a fault strikes. False if the request ends before it.
    pub(super) async fn advance_to(&mut self, phase: Phase) -> bool {
        match phase {
            Phase::BeforeBody => true,
            Phase::DuringBody => body::piece(&mut self.body).await.is_some_and(|piece| piece.is_ok()),
            Phase::AfterBody | Phase::AfterAnswerHeaders => self.read().await.is_some(),
        }
    }
}
