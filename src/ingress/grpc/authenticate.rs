//! Finds out who calls before anything of the call's message is read. A call of somebody unknown, and one of an RPC that
//! its caller may not use, end here with a status.
//!
//! Whether the gateway as a whole is healthy may be asked by anybody, since load balancers show nothing. How often at a time
//! is bounded for each connection, since a watch goes on until its caller ends it.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use futures_util::future::{BoxFuture, Either, FutureExt, Ready, TryFutureExt, ready};
use http::{Extensions, HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use super::{ConnectInfo, encode, paths};
use crate::caller::{Caller, Callers, OpenCall, Rpc, Unknown};
use crate::ingress::client::Client;
use crate::ingress::contract::CallFault;

/// How many health checks of strangers are open on one connection. A load balancer has one.
const MAX_OF_STRANGERS: usize = 16;

/// The caller of a call that came this far.
pub(super) fn caller(extensions: &Extensions) -> Result<&Caller, Status> {
    // A stranger's health check has come this far with why it is one. Any other call without a caller did not come by this
    // layer, so nothing is known of who made it.
    let unknown = || extensions.get::<Unknown>().unwrap_or(&Unknown::NothingShown);
    extensions.get::<Caller>().ok_or_else(|| CallFault::UnknownCaller(unknown().clone()).into())
}

/// A service behind this layer.
#[derive(Clone)]
pub(crate) struct Authenticate<S> {
    callers: Arc<Callers>,
    inner: S,
}

impl<S> Authenticate<S> {
    pub(crate) fn new(callers: Arc<Callers>, inner: S) -> Self {
        Self { callers, inner }
    }
}

/// What a call is for, as far as it matters here.
#[derive(Clone, Copy)]
enum Asked {
    /// An RPC that callers need a permission for.
    Rpc(Rpc),
    /// A health check. Strangers may ask it about the gateway as a whole.
    Health,
    /// Something that every known caller may ask, such as reflection.
    Other,
}

impl Asked {
    fn of(path: &str) -> Self {
        match path.strip_prefix(paths::PUSH_SERVICE) {
            Some(name) => Rpc::ALL.into_iter().find(|rpc| rpc.name() == name).map_or(Self::Other, Self::Rpc),
            None if path.starts_with(paths::HEALTH) => Self::Health,
            None => Self::Other,
        }
    }

    /// Lets the caller on, or says why not.
    fn admit<B>(self, caller: Caller, request: &mut Request<B>) -> Result<(), Status> {
        if let Self::Rpc(rpc) = self
            && let Err(denied) = caller.may_call(rpc)
        {
            caller.note(denied, "");
            return Err(CallFault::Denied(denied).into());
        }
        request.extensions_mut().insert(caller);
        Ok(())
    }
}

type Refused<E> = Ready<Result<Response<Body>, E>>;

impl<S, B> Service<Request<B>> for Authenticate<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future =
        Either<Refused<S::Error>, Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let refused = |status: Status| Either::Left(ready(Ok(status.into_http())));
        let unknown_caller = |unknown| Status::from(CallFault::UnknownCaller(unknown));
        let asked = Asked::of(request.uri().path());
        let Some(client) = request.extensions().get::<ConnectInfo>().map(|info| Arc::clone(&info.client))
        else {
            return refused(unknown_caller(Unknown::NothingShown));
        };
        match find(&self.callers, &client, request.headers()) {
            Ok(caller) => match asked.admit(caller, &mut request) {
                Ok(()) => Either::Right(Either::Left(self.inner.call(request))),
                Err(status) => refused(status),
            },
            Err(unknown) if matches!(asked, Asked::Health) => match open_for_stranger(request.extensions()) {
                Some(open) => {
                    request.extensions_mut().insert(unknown);
                    let answer = self.inner.call(request).map_ok(|answer| while_open(answer, open));
                    Either::Right(Either::Right(answer.boxed()))
                }
                None => refused(encode::too_many_of_strangers(MAX_OF_STRANGERS)),
            },
            Err(unknown) if unknown.may_be_mended_by_a_fetch() => {
                let (callers, mut inner) = (Arc::clone(&self.callers), self.inner.clone());
                let slow = async move {
                    match find_after_fetch(&callers, &client, request.headers()).await {
                        Ok(caller) => match asked.admit(caller, &mut request) {
                            Ok(()) => inner.call(request).await,
                            Err(status) => Ok(status.into_http()),
                        },
                        Err(unknown) => Ok(unknown_caller(unknown).into_http()),
                    }
                };
                Either::Right(Either::Right(slow.boxed()))
            }
            Err(unknown) => {
                note(&self.callers, &unknown, &client);
                refused(unknown_caller(unknown))
            }
        }
    }
}

/// Counts one more health check of a stranger, where its connection has not as many as it may have.
fn open_for_stranger(extensions: &Extensions) -> Option<OpenCall> {
    extensions.get::<ConnectInfo>()?.of_strangers.open(MAX_OF_STRANGERS)
}

/// An answer whose call counts until its body is gone.
fn while_open(answer: Response<Body>, open: OpenCall) -> Response<Body> {
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _open = &open;
            frame
        }))
    })
}

fn find(callers: &Callers, client: &Client, headers: &HeaderMap) -> Result<Caller, Unknown> {
    callers.find(&client.shows(headers)?, SystemTime::now())
}

async fn find_after_fetch(
    callers: &Callers,
    client: &Client,
    headers: &HeaderMap,
) -> Result<Caller, Unknown> {
    let found = callers.find_after_fetch(&client.shows(headers)?, SystemTime::now()).await;
    found.inspect_err(|unknown| note(callers, unknown, client))
}

fn note(callers: &Callers, unknown: &Unknown, client: &Client) {
    callers.note_unknown(unknown, client.address());
}
