//! Refuses calls whose metadata is too large, one by one. HTTP/2 by itself would end their connection, and with it the
//! calls of others.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures_util::future::Either;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower_service::Service;

use crate::ingress::contract::CallFault;
use crate::push::{Reason, Refusal};

/// The largest header list of a call, which is what gRPC's C core takes at most. Source: github.com/grpc/grpc,
/// `GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE`.
const MAX_BYTES: usize = 16 * 1024;

/// What each field counts beside its name and its value. Source: RFC 9113, section 6.5.2.
const FIELD_BYTES: usize = 32;

/// The names of the pseudo-header fields of a request. Source: RFC 9113, section 8.3.1.
const PSEUDO_FIELDS: [&str; 4] = [":method", ":scheme", ":authority", ":path"];

/// A service whose calls have metadata of a bounded size.
#[derive(Debug, Clone)]
pub(crate) struct BoundedMetadata<S>(S);

impl<S> BoundedMetadata<S> {
    /// Hands calls to this service.
    pub(crate) fn before(service: S) -> Self {
        Self(service)
    }
}

impl<S, B> Service<Request<B>> for BoundedMetadata<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<Ready<Result<Self::Response, Infallible>>, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let found = size(&request);
        if found <= MAX_BYTES {
            return Either::Right(self.0.call(request));
        }
        let detail = format!("expected at most {MAX_BYTES} bytes, found {found}");
        let refusal = Refusal::field("metadata", Reason::FieldTooLarge, detail);
        Either::Left(ready(Ok(Status::from(CallFault::Bad(refusal)).into_http())))
    }
}

/// Returns the size of a request's header list, as HTTP/2 counts it.
fn size<B>(request: &Request<B>) -> usize {
    let uri = request.uri();
    let pseudo = request.method().as_str().len()
        + uri.scheme_str().map_or(0, str::len)
        + uri.authority().map_or(0, |authority| authority.as_str().len())
        + uri.path_and_query().map_or(0, |path| path.as_str().len())
        + PSEUDO_FIELDS.iter().map(|name| name.len() + FIELD_BYTES).sum::<usize>();
    let fields =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
    pseudo + fields.sum::<usize>()
}
