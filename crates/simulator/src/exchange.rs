//! Serves one request over HTTP/2: it is read, judged and answered, unless a fault interferes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::request::Parts;
use http::{Request, Response};

use super::apns::{LimitRises, Session, message_id};
use super::body::{self, Body};
use super::decision::{Decision, Timing};
use super::dispatch::ReceivedRequest;
use super::fault::{AfterGoAway, Fault, Phase};
use super::filter::{Admission, AnnouncedAnswer, FilterHandle, code};
use super::journal::{Entry, EntryId, Reading, RequestOutcome, device_token};
use super::rules::Arrival;
use super::service::Service;
use super::shared::Shared;
use super::strike;

/// What the requests of one connection share.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) filter: Arc<FilterHandle>,
    /// Who the client is, on a connection to APNs.
    pub(super) session: Option<Session>,
    pub(super) requests: AtomicU64,
    pub(super) bad_tokens: AtomicU32,
}

/// A request and the means to answer it.
pub(super) struct Exchange {
    pub(super) connection: Arc<Connection>,
    pub(super) stream: u32,
    pub(super) entry: EntryId,
    pub(super) parts: Parts,
    pub(super) body: RecvStream,
    pub(super) respond: SendResponse<Bytes>,
    /// The body, once it was read.
    whole: Option<Body>,
}

/// Serves one request, from its headers to its answer.
pub(super) async fn serve(
    connection: Arc<Connection>,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
) {
    let stream = respond.stream_id().as_u32();
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let Connection { shared, filter, .. } = &*connection;
    let head = RequestHead { shared, service: filter.service, connection: filter.id, stream, parts: &parts };
    let (entry, order) = shared.journal.arrive(|order, headers| note(&head, order, headers));
    let of_connection = connection.requests.fetch_add(1, Ordering::SeqCst) + 1;
    // Dropping the handles makes h2 reset the stream, and the filter drops that reset.
    if connection.filter.attach(stream, entry) == Admission::Gone {
        return;
    }
    let fault = connection.shared.rules.at_request(&Arrival {
        connection: connection.filter.id,
        service: connection.filter.service,
        request: order,
        request_of_connection: of_connection,
        path,
        device_token: device_token(connection.filter.service, path),
    });
    let mut exchange = Exchange { connection, stream, entry, parts, body, respond, whole: None };
    let fault = match fault {
        None => exchange.fault_of_token().await,
        fault => fault,
    };
    match fault {
        None => exchange.answer(Duration::ZERO).await,
        Some(fault) => exchange.misbehave(fault).await,
    }
}

/// Writes what the journal records of a request before its body is read.
pub(super) fn note(head: &RequestHead<'_>, order: u64, keep_headers: bool) -> Entry {
    let RequestHead { shared, service, connection, stream, parts } = *head;
    let id = |name| message_id(&parts.headers, name);
    let headers = || {
        parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().into(), Bytes::copy_from_slice(value.as_bytes())))
            .collect()
    };
    Entry {
        order,
        connection,
        stream,
        service,
        arrived_ms: shared.clock.now_ms(),
        method: parts.method.clone(),
        path: parts.uri.path_and_query().map_or("", |path| path.as_str()).into(),
        apns_id: id("apns-id").or_else(|| id("apns-request-id")),
        headers: keep_headers.then(headers),
        read: None,
        outcome: RequestOutcome::Unanswered,
        cancelled: None,
        broken_off: None,
    }
}

/// A request whose headers have arrived.
pub(super) struct RequestHead<'a> {
    pub(super) shared: &'a Shared,
    pub(super) service: Service,
    pub(super) connection: u64,
    pub(super) stream: u32,
    pub(super) parts: &'a Parts,
}

impl Exchange {
    /// Sends the true answer, after `delay` and whatever else delays it.
    pub(super) async fn answer(mut self, delay: Duration) {
        let Some(body) = self.read().await else { return };
        // A request that a GOAWAY excluded is not processed: it uses no quota and reaches no device.
        if self.connection.filter.is_gone(self.stream) {
            return;
        }
        let decision = self.decide(&body);
        if self.connection.shared.apns.settings.limit_rises == LimitRises::BeforeAnswer {
            self.connection.filter.authorise(decision.follow_up);
        }
        let own = match decision.timing {
            Timing::Now => Duration::ZERO,
            Timing::After(pause) => pause,
            Timing::Never => return self.hold().await,
        };
        let pause = self.connection.shared.latency.get() + own + delay;
        // Without a pause it does not even yield, since that would cost a turn of the task.
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        self.reply(&decision);
    }

    /// Decides the true answer to a request that was read in full.
    pub(super) fn decide(&self, body: &Body) -> Decision {
        let Connection { shared, session, filter, .. } = &*self.connection;
        filter.service.decide(&ReceivedRequest {
            shared,
            session: session.as_ref(),
            parts: &self.parts,
            body,
        })
    }

    /// Returns the fault that is scripted for the device, where only the body names the device.
    async fn fault_of_token(&mut self) -> Option<Fault> {
        let service = self.connection.filter.service;
        if !service.names_token_in_body() || self.connection.shared.rules.is_empty() {
            return None;
        }
        let body = self.read().await?;
        self.connection.shared.rules.at_token(&service.token_in(&self.parts, &body)?)
    }

    /// Reads the request to its end and records it. The result is `None` if the end never comes.
    pub(super) async fn read(&mut self) -> Option<Body> {
        if let Some(body) = &self.whole {
            return Some(body.clone());
        }
        let journal = &self.connection.shared.journal;
        let kept = journal.keeps(self.entry);
        let service = self.connection.filter.service;
        let mut body = body::read(&mut self.body, kept, service.reads_at_most()).await.ok()?;
        body.decrypted = service.decrypt(&self.connection.shared, &self.parts, &body);
        let reading = kept.then(|| Reading::new(&self.parts, &body, service.token_in(&self.parts, &body)));
        journal.finish_reading(self.entry, reading);
        self.whole = Some(body.clone());
        Some(body)
    }

    /// Leaves a stream without an answer open until the client gives it up or the connection ends.
    pub(super) async fn hold(mut self) {
        // An error means that the stream has ended as well.
        let _ = std::future::poll_fn(|cx| self.respond.poll_reset(cx)).await;
    }

    /// Does the same for a stream whose answer has begun: h2 reports its end only to the handle of the answer.
    pub(super) async fn hold_begun(self, mut answer: SendStream<Bytes>) {
        let _ = std::future::poll_fn(|cx| answer.poll_reset(cx)).await;
    }

    pub(super) fn reply(&mut self, decision: &Decision) {
        let body = decision.body.clone();
        let response = decision.head(!body.is_empty());
        if let Some(mut stream) = self.begin(decision, response, body.is_empty())
            && !body.is_empty()
        {
            // An error means that the client has left.
            let _ = stream.send_data(body, true);
        }
        if decision.reason.as_deref() == Some("BadDeviceToken") {
            self.count_bad_token();
        }
    }

    /// Hands the headers of an answer to h2. The result is `None` if the stream has ended.
    pub(super) fn begin(
        &mut self,
        decision: &Decision,
        response: Response<()>,
        end: bool,
    ) -> Option<SendStream<Bytes>> {
        let outcome = RequestOutcome::Answered {
            status: response.status().as_u16(),
            reason: decision.reason.clone(),
            at_ms: self.connection.shared.clock.now_ms(),
        };
        self.connection
            .filter
            .announce(self.stream, AnnouncedAnswer { outcome, follow_up: decision.follow_up });
        self.respond.send_response(response, end).ok()
    }

    fn count_bad_token(&self) {
        let Some(allowed) = self.connection.shared.apns.settings.bad_tokens_allowed else { return };
        if self.connection.bad_tokens.fetch_add(1, Ordering::SeqCst) + 1 == allowed {
            let filter = &self.connection.filter;
            filter.goaway(filter.highest(), code::NO_ERROR, Some("BadDeviceToken"), AfterGoAway::Drain);
        }
    }

    /// Applies a fault of the connection or the stream; other faults are left alone.
    pub(super) fn strike(&self, fault: &Fault) {
        let Connection { shared, filter, .. } = &*self.connection;
        if strike::http2(shared, filter, Some(self.stream), fault) {
            return;
        }
        if let Fault::ResetStream { code, .. } = fault {
            filter.reset(self.stream, &[*code]);
        } else if matches!(fault, Fault::RefuseThenClosed) {
            filter.reset(self.stream, &[code::REFUSED_STREAM, code::STREAM_CLOSED]);
        }
    }

    /// Reads up to the point at which a fault strikes. The result is false if the request ends before it.
    pub(super) async fn advance_to(&mut self, phase: Phase) -> bool {
        match phase {
            Phase::BeforeBody => true,
            Phase::DuringBody => body::piece(&mut self.body).await.is_some_and(|piece| piece.is_ok()),
            Phase::AfterBody | Phase::AfterAnswerHeaders => self.read().await.is_some(),
        }
    }
}
