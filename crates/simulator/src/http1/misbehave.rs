//! Serves one request over HTTP/1.1 as a fault says. A fault of a stream strikes the connection, which has one
//! exchange at a time.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as HttpBody;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::Response;

use super::connection::End;
use super::exchange::Exchange;
use crate::decision::Decision;
use crate::fault::{Fault, Front, HangUp, Phase, ScriptedAnswer};
use crate::misbehave::{BEGINNING, HEADERS_OUT, TRICKLE, cut, header_map};
use crate::strike;

/// The length of the pieces of a body that is too large.
const PIECE: usize = 16_384;

impl Exchange {
    /// Serves the request as `fault` says.
    pub(super) async fn misbehave(mut self, fault: Fault) -> Response<HttpBody> {
        match fault {
            Fault::Delay(pause) => self.answer(pause).await,
            Fault::Silence => {
                self.read().await;
                pending().await
            }
            Fault::Answer(answer) => self.answer_as_scripted(answer).await,
            Fault::Refuse(refusal) => {
                self.read().await;
                self.reply(&self.connection.service.refuse(&self.shared, &self.parts, refusal))
            }
            Fault::Front(Front { status, passed_on }) => {
                let body = self.read().await;
                self.reply(&match passed_on {
                    true => Decision::front_after(status, &self.decide(&body)),
                    false => Decision::front(status),
                })
            }
            Fault::HeadersWithoutBody => self.begin_scripted(200, unending(Bytes::new())).await,
            Fault::BodyWithoutEnd => self.begin_scripted(400, unending(Bytes::from_static(BEGINNING))).await,
            Fault::HugeBody(len) => self.begin_scripted(400, huge(len)).await,
            Fault::Trickle { every } => {
                let body = self.scripted_answer(400, Some(TRICKLE)).body;
                self.begin_scripted(400, trickling(body, every)).await
            }
            Fault::HangUp { how, at } => self.break_off(how, at).await,
            Fault::ResetStream { at, .. } => self.break_off(HangUp::Reset, at).await,
            Fault::RefuseThenClosed => self.break_off(HangUp::Reset, Phase::BeforeBody).await,
            Fault::HalfOpen => {
                self.connection.end(End::Stalled);
                pending().await
            }
            Fault::GoAway(_) | Fault::GracefulGoAway { .. } | Fault::Throttle { .. } => {
                strike::http1(&self.connection, &fault);
                self.answer(Duration::ZERO).await
            }
            // HTTP/1.1 knows no limit of streams, and the other faults strike before there are requests.
            Fault::SetMaxStreams(_)
            | Fault::RefuseTcp
            | Fault::RefuseTls
            | Fault::SilentTls
            | Fault::WrongName
            | Fault::ExpiredCertificate
            | Fault::NoSettings => self.answer(Duration::ZERO).await,
        }
    }

    async fn break_off(mut self, how: HangUp, at: Phase) -> Response<HttpBody> {
        match at {
            Phase::BeforeBody => {}
            Phase::DuringBody => {
                self.body.next().await;
            }
            Phase::AfterBody => {
                self.read().await;
            }
            Phase::AfterAnswerHeaders => {
                let (shared, connection) = (Arc::clone(&self.shared), Arc::clone(&self.connection));
                let breaking = stream::once(async move {
                    // If the headers do not come out in time, the connection is stuck, and the fault may strike.
                    let _ = shared.changes.wait(HEADERS_OUT, || connection.is_answered()).await;
                    connection.end(End::HangUp(how));
                    pending::<Result<Bytes, Infallible>>().await
                });
                return self.begin_scripted(200, HttpBody::from_stream(breaking)).await;
            }
        }
        self.connection.end(End::HangUp(how));
        pending().await
    }

    /// Gives the scripted answer, without trailers: no service sends any over HTTP/1.1.
    async fn answer_as_scripted(mut self, answer: ScriptedAnswer) -> Response<HttpBody> {
        self.read().await;
        let status = if answer.status == 0 { 200 } else { answer.status };
        let decision = self.scripted_answer(status, answer.reason.as_deref());
        let own = answer.body.is_none();
        let body = answer.body.unwrap_or_else(|| decision.body.clone());
        let mut head = decision.head(own && !body.is_empty());
        if answer.foreign {
            head.headers_mut().clear();
        }
        head.headers_mut().extend(header_map(&answer.headers));
        let body = if answer.pieces > 1 {
            HttpBody::from_stream(stream::iter(cut(body, answer.pieces).into_iter().map(Ok::<_, Infallible>)))
        } else {
            body.into()
        };
        self.begin(&decision, head, body)
    }

    /// Reads the request, then answers with a body that is not the true one.
    async fn begin_scripted(&mut self, status: u16, body: HttpBody) -> Response<HttpBody> {
        self.read().await;
        let decision = self.scripted_answer(status, None);
        self.connection.mangle();
        self.begin(&decision, decision.head(status != 200), body)
    }

    fn scripted_answer(&self, status: u16, reason: Option<&str>) -> Decision {
        self.connection.service.scripted_answer(&self.parts, status, reason)
    }
}

/// Makes a body that begins with these bytes and never ends.
fn unending(beginning: Bytes) -> HttpBody {
    let beginning = (!beginning.is_empty()).then_some(Ok::<_, Infallible>(beginning));
    HttpBody::from_stream(stream::iter(beginning).chain(stream::pending()))
}

fn huge(len: usize) -> HttpBody {
    let pieces = (0..len.div_ceil(PIECE)).map(move |at| {
        let piece = PIECE.min(len - at * PIECE);
        Ok::<_, Infallible>(Bytes::from(vec![b' '; piece]))
    });
    HttpBody::from_stream(stream::iter(pieces))
}

fn trickling(body: Bytes, every: Duration) -> HttpBody {
    HttpBody::from_stream(stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(every).await;
        Some((Ok::<_, Infallible>(rest.split_to(1)), rest))
    }))
}
