//! Serves one request over HTTP/2 as a fault says.

use std::time::Duration;

use bytes::Bytes;
use h2::SendStream;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::decision::Decision;
use super::exchange::{Connection, Exchange};
use super::fault::{Fault, Front, Phase, Refusal, ScriptedAnswer};

/// How the bodies begin that never end.
pub(super) const BEGINNING: &[u8] = br#"{"reason":"#;

/// The reason in the body that comes a byte at a time.
pub(super) const TRICKLE: &str = "InternalServerError";

/// How long the headers of an answer may take to reach the wire before the fault strikes anyway.
pub(super) const HEADERS_OUT: Duration = Duration::from_secs(5);

impl Exchange {
    /// Serves the request as `fault` says.
    pub(super) async fn misbehave(self, fault: Fault) {
        match fault {
            Fault::Delay(pause) => self.answer(pause).await,
            Fault::Silence => self.stay_silent().await,
            Fault::Answer(answer) => self.answer_as_scripted(answer).await,
            Fault::Refuse(refusal) => self.refuse(refusal).await,
            Fault::Front(front) => self.answer_as_front(front).await,
            Fault::HeadersWithoutBody => self.begin_and_hold(200, Bytes::new()).await,
            Fault::BodyWithoutEnd => self.begin_and_hold(400, Bytes::from_static(BEGINNING)).await,
            Fault::HugeBody(len) => self.answer_hugely(len).await,
            Fault::Trickle { every } => self.trickle(every).await,
            Fault::ResetStream { at, .. } | Fault::HangUp { at, .. } => self.break_off(&fault, at).await,
            Fault::RefuseThenClosed => self.break_off(&fault, Phase::BeforeBody).await,
            Fault::GoAway(_)
            | Fault::GracefulGoAway { .. }
            | Fault::SetMaxStreams(_)
            | Fault::HalfOpen
            | Fault::Throttle { .. } => {
                self.strike(&fault);
                self.answer(Duration::ZERO).await;
            }
            // These strike before there are requests, so the script never gives them to a request.
            Fault::RefuseTcp
            | Fault::RefuseTls
            | Fault::SilentTls
            | Fault::WrongName
            | Fault::ExpiredCertificate
            | Fault::NoSettings => self.answer(Duration::ZERO).await,
        }
    }

    async fn stay_silent(mut self) {
        if self.read().await.is_some() {
            self.hold().await;
        }
    }

    async fn break_off(mut self, fault: &Fault, at: Phase) {
        if !self.advance_to(at).await {
            return;
        }
        let begun = if at == Phase::AfterAnswerHeaders { self.begin_bare().await } else { None };
        self.strike(fault);
        // The handles are kept until the connection has ended, since h2 resets the stream when they are dropped. After
        // a reset by the fault, the filter drops the one of h2.
        if matches!(fault, Fault::HangUp { .. }) {
            match begun {
                Some(answer) => self.hold_begun(answer).await,
                None => self.hold().await,
            }
        }
    }

    /// Sends the headers of a 200 and waits until they are on the wire.
    async fn begin_bare(&mut self) -> Option<SendStream<Bytes>> {
        let decision = self.scripted_answer(200, None);
        let response = decision.head(false);
        let answer = self.begin(&decision, response, false);
        let (changes, filter) = (&self.connection.shared.changes, &self.connection.filter);
        // If the headers do not come out in time, the connection is stuck, and the fault may strike.
        let _ = changes.wait(HEADERS_OUT, || filter.is_answered(self.stream)).await;
        answer
    }

    async fn refuse(mut self, refusal: Refusal) {
        let Some(body) = self.read().await else { return };
        let follow_up = self.decide(&body).follow_up;
        let Connection { shared, filter, .. } = &*self.connection;
        let decision = Decision { follow_up, ..filter.service.refuse(shared, &self.parts, refusal) };
        self.reply(&decision);
    }

    async fn answer_as_front(mut self, Front { status, passed_on }: Front) {
        let Some(body) = self.read().await else { return };
        let decision = match passed_on {
            true => Decision::front_after(status, &self.decide(&body)),
            false => Decision::front(status),
        };
        self.reply(&decision);
    }

    async fn answer_as_scripted(mut self, answer: ScriptedAnswer) {
        let Some(body) = self.read().await else { return };
        let follow_up = self.decide(&body).follow_up;
        let status = if answer.status == 0 { 200 } else { answer.status };
        let decision = Decision { follow_up, ..self.scripted_answer(status, answer.reason.as_deref()) };
        let own = answer.body.is_none();
        let body = answer.body.unwrap_or_else(|| decision.body.clone());
        let mut response = decision.head(own && !body.is_empty());
        if answer.foreign {
            response.headers_mut().clear();
        }
        response.headers_mut().extend(header_map(&answer.headers));

        let bare = body.is_empty() && answer.trailers.is_empty();
        let Some(mut stream) = self.begin(&decision, response, bare) else { return };
        if bare {
            return;
        }
        let pieces = cut(body, answer.pieces);
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.into_iter().enumerate() {
            let end = at == last && answer.trailers.is_empty();
            if stream.send_data(piece, end).is_err() {
                return;
            }
        }
        if !answer.trailers.is_empty() {
            // An error means that the client has left.
            let _ = stream.send_trailers(header_map(&answer.trailers));
        }
    }

    async fn begin_and_hold(mut self, status: u16, beginning: Bytes) {
        let Some(mut stream) = self.begin_scripted(status).await else { return };
        if !beginning.is_empty() {
            // An error means that the client has left.
            let _ = stream.send_data(beginning, false);
        }
        self.hold_begun(stream).await;
    }

    async fn answer_hugely(mut self, len: usize) {
        let Some(mut stream) = self.begin_scripted(400).await else { return };
        let mut left = len;
        while left > 0 {
            stream.reserve_capacity(left.min(16_384));
            let Some(Ok(room)) = std::future::poll_fn(|cx| stream.poll_capacity(cx)).await else { return };
            let piece = room.min(left);
            left -= piece;
            if stream.send_data(vec![b' '; piece].into(), left == 0).is_err() {
                return;
            }
        }
    }

    async fn trickle(mut self, every: Duration) {
        let Some(mut stream) = self.begin_scripted(400).await else { return };
        let body = self.scripted_answer(400, Some(TRICKLE)).body;
        for (at, byte) in body.iter().enumerate() {
            tokio::time::sleep(every).await;
            let end = at + 1 == body.len();
            if stream.send_data(Bytes::copy_from_slice(&[*byte]), end).is_err() {
                return;
            }
        }
    }

    /// Reads the request, then sends the headers of an answer that is not the true one.
    async fn begin_scripted(&mut self, status: u16) -> Option<SendStream<Bytes>> {
        let body = self.read().await?;
        let follow_up = self.decide(&body).follow_up;
        let decision = Decision { follow_up, ..self.scripted_answer(status, None) };
        let response = decision.head(status != 200);
        self.begin(&decision, response, false)
    }

    fn scripted_answer(&self, status: u16, reason: Option<&str>) -> Decision {
        self.connection.filter.service.scripted_answer(&self.parts, status, reason)
    }
}

/// Cuts `body` into `pieces` parts of about the same length, and at least one.
pub(super) fn cut(mut body: Bytes, pieces: usize) -> Vec<Bytes> {
    let size = body.len().div_ceil(pieces.max(1)).max(1);
    let mut cut = Vec::new();
    while body.len() > size {
        cut.push(body.split_to(size));
    }
    cut.push(body);
    cut
}

/// Collects the headers that can be sent, and leaves out names and values that cannot.
pub(super) fn header_map(pairs: &[(String, String)]) -> HeaderMap {
    pairs
        .iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        })
        .collect()
}
