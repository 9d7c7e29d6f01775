//! The paths of a push proxy, and what the real one answers to each.
//!
//! Source: recorded from the real push proxy.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{Method, Response, StatusCode};

/// Where pushes are sent to, here and at a proxy that is forwarded to.
pub(super) const SEND_PUSH: &str = "/api/v1/send_push";

const ACK: &str = "/api/v1/ack";
const ROOT: &str = "/";
const VERSION: &str = "/version";

/// What is asked for.
#[derive(Debug)]
pub(super) enum Asked {
    /// A push.
    Push,
    /// An acknowledgement that one arrived.
    Ack,
    /// Something that has one answer.
    Fixed(Response<Bytes>),
}

/// What a method and a path ask for. A wrong method is 404 for pushes and 405 elsewhere, as at the real proxy.
pub(super) fn asked(method: &Method, path: &str) -> Asked {
    Asked::Fixed(match path {
        SEND_PUSH if method == Method::POST => return Asked::Push,
        ACK if method == Method::POST => return Asked::Ack,
        ROOT if method == Method::GET => page(),
        VERSION if method == Method::GET => version(),
        ACK | ROOT | VERSION => empty(StatusCode::METHOD_NOT_ALLOWED),
        SEND_PUSH => not_found(),
        path => match moved(path) {
            Some(location) => header(empty(StatusCode::MOVED_PERMANENTLY), LOCATION, location),
            None => not_found(),
        },
    })
}

/// The answer to a push or to an acknowledgement, which is 200 whatever it says.
pub(super) fn answer(body: Bytes) -> Response<Bytes> {
    typed(StatusCode::OK, "text/plain; charset=utf-8", body)
}

fn page() -> Response<Bytes> {
    let page = "<html><body>Mattermost Push Proxy</body></html>";
    typed(StatusCode::OK, "text/html; charset=utf-8", Bytes::from_static(page.as_bytes()))
}

fn version() -> Response<Bytes> {
    const VERSION: &str =
        concat!("{\"hash\":\"unknown\",\"version\":\"fanfare ", env!("CARGO_PKG_VERSION"), "\"}\n");
    typed(StatusCode::OK, "application/json", Bytes::from_static(VERSION.as_bytes()))
}

fn not_found() -> Response<Bytes> {
    let page = Bytes::from_static(b"404 page not found\n");
    let answer = typed(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", page);
    header(answer, X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"))
}

/// Where a path with two slashes in a row leads.
fn moved(path: &str) -> Option<HeaderValue> {
    if !path.contains("//") {
        return None;
    }
    let mut clean = String::with_capacity(path.len());
    path.chars().for_each(|character| {
        if character != '/' || !clean.ends_with('/') {
            clean.push(character);
        }
    });
    HeaderValue::try_from(clean).ok()
}

fn typed(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut answer = empty(status);
    *answer.body_mut() = body;
    header(answer, CONTENT_TYPE, HeaderValue::from_static(content_type))
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

fn header(mut answer: Response<Bytes>, name: HeaderName, value: HeaderValue) -> Response<Bytes> {
    answer.headers_mut().insert(name, value);
    answer
}
