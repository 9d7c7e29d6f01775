//! The service of a connection, as hyper calls it: each call is counted, and so is its answer.
//!
//! hyper keeps the future of a call beside its connection, and moves it there whole. So this future is that of the service and
//! little more: an async block around it would hold it twice, and copy it once more when it is first polled.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::answer::Answer;
use super::connection::{Connection, Counted};

/// The service of a connection.
pub(super) struct Calls<S> {
    service: S,
    connection: Arc<Connection>,
}

impl<S> Calls<S> {
    pub(super) fn new(service: S, connection: &Arc<Connection>) -> Self {
        Self { service, connection: Arc::clone(connection) }
    }
}

impl<S, B> hyper::service::Service<Request<Incoming>> for Calls<S>
where
    S: Service<Request<Incoming>, Response = Response<B>> + Clone,
{
    type Response = Response<Answer<B>>;
    type Error = S::Error;
    type Future = Called<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut service = self.service.clone();
        // A service of a listener takes calls at any time, and turns away by its answer. It is asked as a matter of form.
        let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
        debug_assert!(ready.is_ready(), "a service that is not ready is not waited for");
        Called { call: Some(self.connection.call()), answer: service.call(request) }
    }
}

pin_project! {
    /// A call that waits for its answer.
    pub(super) struct Called<F> {
        // It is there until the answer is, which counts for it from then on.
        call: Option<Counted>,
        #[pin]
        answer: F,
    }
}

impl<F, B, E> Future for Called<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Answer<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx))?;
        match this.call.take() {
            Some(call) => {
                if call.connection().ends_with_this_answer() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Poll::Ready(Ok(Answer::new(response, call)))
            }
            // A future is not polled after its end.
            None => Poll::Pending,
        }
    }
}
