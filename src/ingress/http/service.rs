//! Answers the calls of a connection.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use fanfare_upstream::coarse_now;
use futures_util::future::{BoxFuture, Either, FutureExt, ready};
use http::request::Parts;
use http::{HeaderMap, Request, Uri, Version, header};
use tokio::time::Instant;
use tower_service::Service;
use tracing::Span;

use super::answer::Answer;
use super::body;
use super::call::Call;
use super::caller::{self, Secret};
use super::listened::{Http, Table};
use super::parts::HttpParts;
use super::refused::Refused;
use super::route::{NONE, Route};
use super::source::{Source, SourceBounds};
use super::{traced, well_formed};
use crate::caller::{Caller, OpenCall, Rpc, Unknown};
use crate::held_bytes::BytesShare;
use crate::ingress::client::Client;
use crate::ingress::json;
use crate::listener::Connection;

/// The service of one connection of a listener.
pub(crate) fn of_connection<B>(
    http: &Arc<Http>,
    connection: &Arc<Connection>,
) -> impl Service<Request<B>, Response = Answer, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
+ use<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
{
    let calls = Arc::new(OfConnection {
        http: Arc::clone(http),
        client: Client::new(connection),
        share: http.parts.budget.share(),
        source: OnceLock::new(),
    });
    ServiceFn(move |request: Request<B>| {
        let calls = Arc::clone(&calls);
        // What an async function is called with, it keeps until its end. So the parts of a call are in the outermost future
        // alone, and everything below borrows them.
        let (mut parts, body) = request.into_parts();
        let mut body = Some(body);
        async move { Ok(calls.answer(&mut parts, &mut body).await) }
    })
}

/// A service that is a function. The future of such a service needs no name, and so no box.
#[derive(Clone)]
struct ServiceFn<F>(F);

impl<F, A, B> Service<Request<B>> for ServiceFn<F>
where
    F: Fn(Request<B>) -> A,
    A: Future<Output = Result<Answer, Infallible>>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = A;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> A {
        (self.0)(request)
    }
}

/// What the calls of one connection share.
struct OfConnection {
    http: Arc<Http>,
    client: Client,
    /// What bytes of callers are counted against that have no share of their own.
    share: BytesShare,
    /// What the address of the connection has taken.
    source: OnceLock<Arc<Source>>,
}

/// Who calls. A call that shows nothing counts for its address as long as it goes on.
struct Admitted {
    caller: Caller,
    call: Option<OpenCall>,
}

impl OfConnection {
    async fn answer<B>(&self, parts: &mut Parts, body: &mut Option<B>) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        let table = self.http.table.load_full();
        let (_, path) = caller::key_in_path(parts.uri.path());
        let Some(route) = table.ingresses.route(&parts.method, path) else {
            let (calls, answer) = (self.http.calls(NONE), table.ingresses.not_found());
            calls.refused(Refused::NotFound.reason());
            calls.answered(answer.status());
            return answer;
        };
        let calls = self.http.calls(route.number());
        let mut span = Span::none();
        let answer = match self.serve(&table, route, parts, body, &mut span).await {
            Ok(answer) => answer,
            Err(refused) => {
                calls.refused(refused.reason());
                route.refused(&refused)
            }
        };
        calls.answered(answer.status());
        traced::end(&span, answer.status());
        answer
    }

    async fn serve<B>(
        &self,
        table: &Table,
        route: Route<'_>,
        parts: &mut Parts,
        body: &mut Option<B>,
        span: &mut Span,
    ) -> Result<Answer, Refused>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    {
        well_formed::check(parts).map_err(Refused::Malformed)?;
        let terms = route.terms();
        if !terms.take(&parts.method) {
            return Err(Refused::Method(terms.methods));
        }
        let Some(rpc) = terms.rpc else { return Ok(route.tell()) };
        let version = parts.version;
        let (call, counted) = self.open(table, route, rpc, parts, span).await?;
        let settings = &table.settings;
        let Some(mut body) = body.take() else { return Err(Refused::Broken) };
        if let Route::Json(json, json::Asked::Batch) = route {
            // HTTP/2 holds what has come and is not read yet.
            let window = if version == Version::HTTP_2 { settings.http2.stream_window } else { 0 };
            let unread = usize::try_from(window).unwrap_or(usize::MAX);
            // It is boxed, as a batch is rare, so that it takes no room in the future of every other call.
            return Ok(Box::pin(json.batch(call, counted, unread, body)).await);
        }
        let most = terms.max_bytes.min(settings.max_body_bytes);
        let bytes = body::whole(&mut body, most, settings.body_timeout, &call.share).await?;
        drop(body);
        // What a push needs on its way is boxed. The future of a call is moved twice by hyper, which then keeps it as long as its
        // connection lasts.
        let served: BoxFuture<'_, Answer> = match route {
            Route::Json(json, asked) => Box::pin(json.serve(call, asked, bytes)),
            Route::Mattermost(mattermost, asked) => mattermost.serve(call, asked, bytes),
            Route::Matrix(matrix, asked) => Box::pin(matrix.serve(call, asked, bytes)),
        };
        Ok(served.await)
    }

    /// Finds out who calls and whether they may, and takes what a call has beside its body.
    async fn open<'a>(
        &'a self,
        table: &Table,
        route: Route<'_>,
        rpc: Rpc,
        parts: &mut Parts,
        span: &'a mut Span,
    ) -> Result<(Call<'a>, Option<OpenCall>), Refused> {
        let at = Instant::now();
        let (key, _) = caller::key_in_path(parts.uri.path());
        let Admitted { caller, call: counted } = self.admit(table, route, key, &parts.headers, at).await?;
        *span = traced::begin(parts, &table.settings, &caller);
        // What was shown in the path is not kept while the call goes on.
        parts.uri = Uri::default();
        if let Err(denied) = caller.may_call(rpc) {
            caller.note(denied, "");
            return Err(Refused::Denied(denied));
        }
        let headers = std::mem::take(&mut parts.headers);
        if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Refused::Encoded);
        }
        let HttpParts { desk, batches, .. } = &self.http.parts;
        let share = caller.bytes().unwrap_or(&self.share).clone();
        let (round_trip, leaving) = (self.client.round_trip(), self.client.leaving());
        Ok((Call { desk, caller, at, round_trip, headers, share, leaving, batches, span }, counted))
    }

    /// Finds who calls, before anything of the body is read.
    ///
    /// This function is not async, as few calls wait here: what they need for it is boxed, and takes no room in the future of a call.
    fn admit<'a>(
        &'a self,
        table: &Table,
        route: Route<'_>,
        key: Option<&'a str>,
        headers: &'a HeaderMap,
        at: Instant,
    ) -> impl Future<Output = Result<Admitted, Refused>> + Send + use<'a> {
        let at_once = |admitted| Either::Left(ready(admitted));
        let secret = match caller::shown(key, headers) {
            Ok(secret) => secret,
            Err(unknown) => return at_once(self.unknown(table, unknown, at)),
        };
        let shown = self.client.shows_secret(secret.as_ref().map(Secret::as_str));
        if secret.is_none() && shown.certificates.is_empty() {
            return at_once(self.unproved(table, route, at));
        }
        match self.http.parts.callers.find(&shown, coarse_now()) {
            Ok(caller) => at_once(Ok(Admitted { caller, call: None })),
            Err(unknown) if unknown.may_be_mended_by_a_fetch() => match self.enter(table, at) {
                Ok(call) => Either::Right(self.admit_after_fetch(secret, call).boxed()),
                Err(refused) => at_once(Err(refused)),
            },
            Err(unknown) => at_once(self.unknown(table, unknown, at)),
        }
    }

    /// The same for a call whose caller may be known after keys were fetched.
    async fn admit_after_fetch(
        &self,
        secret: Option<Secret<'_>>,
        call: OpenCall,
    ) -> Result<Admitted, Refused> {
        let shown = self.client.shows_secret(secret.as_ref().map(Secret::as_str));
        let found = self.http.parts.callers.find_after_fetch(&shown, coarse_now()).await;
        let caller = found.map_err(|unknown| self.note(unknown))?;
        Ok(Admitted { caller, call: Some(call) })
    }

    /// A call that shows nothing. One from a network that the listener names is no stranger's, and is not bounded by its address.
    fn unproved(&self, table: &Table, route: Route<'_>, at: Instant) -> Result<Admitted, Refused> {
        let (callers, settings, address) = (&self.http.parts.callers, &table.settings, self.client.address());
        let taken = settings.takes_unproved(address.ip());
        let named = taken && !settings.networks.is_empty();
        let call = if named { None } else { Some(self.enter(table, at)?) };
        if !taken {
            return Err(self.note(Unknown::Elsewhere));
        }
        let found = match &settings.caller {
            Some(name) if route.may_stand_in() => {
                callers.standing_for(name, self.client.standing(), address).ok_or(Unknown::NothingShown)
            }
            // As over gRPC: the anonymous caller, or everybody where there are no callers.
            _ => callers.find(&self.client.shows_secret(None), coarse_now()),
        };
        let caller = found.map_err(|unknown| self.note(unknown))?;
        Ok(Admitted { caller, call })
    }

    /// A call that shows something wrong. It is not told from a guess, so it counts for its address.
    fn unknown(&self, table: &Table, unknown: Unknown, at: Instant) -> Result<Admitted, Refused> {
        let _call = self.enter(table, at)?;
        Err(self.note(unknown))
    }

    fn note(&self, unknown: Unknown) -> Refused {
        self.http.parts.callers.note_unknown(&unknown, self.client.address());
        Refused::Unknown(unknown)
    }

    /// Counts a call for its address.
    fn enter(&self, table: &Table, at: Instant) -> Result<OpenCall, Refused> {
        let (sources, settings) = (&self.http.sources, &table.settings);
        let source = self.source.get_or_init(|| sources.of(self.client.address().ip()));
        let bounds = SourceBounds {
            max_requests: settings.max_requests_per_source,
            requests_per_second: settings.requests_per_second_per_source,
        };
        sources.enter(source, bounds, at.into_std())
    }
}
