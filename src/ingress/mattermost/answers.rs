//! Answers, as the real push proxy gives them.
//!
//! Source: recorded from the real push proxy.

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use http_body_util::Full;

use super::asked::Asked;
use super::push_response::PushResponse;
use crate::ingress::http::{Answer, Body, Refused, answer};

const TEXT: &str = "text/plain; charset=utf-8";

/// A push response. The status is always 200: current servers take any other for a failure of the proxy, and read no further.
///
/// Source: github.com/mattermost/mattermost, `server/channels/app/notification_push.go`.
pub(super) fn response(response: PushResponse) -> Answer {
    answer(StatusCode::OK, TEXT, response.body())
}

/// What is answered without a look at a body.
pub(super) fn fixed(asked: Asked) -> Answer {
    match asked {
        Asked::Page => {
            let page = "<html><body>Mattermost Push Proxy</body></html>";
            answer(StatusCode::OK, "text/html; charset=utf-8", page)
        }
        Asked::Version => {
            let version =
                concat!("{\"hash\":\"unknown\",\"version\":\"fanfare ", env!("CARGO_PKG_VERSION"), "\"}\n");
            answer(StatusCode::OK, "application/json", version)
        }
        Asked::Moved(path) => {
            let mut moved = empty(StatusCode::MOVED_PERMANENTLY);
            moved.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
            moved
        }
        Asked::Push | Asked::Ack => not_found(),
    }
}

/// Why a call did not reach this ingress.
///
/// A wrong method is 404 for pushes and 405 elsewhere, as at the real proxy. What concerns the body is an answer like any
/// other; whoever is not known, or calls too often, gets a status that says so, which a server writes to its log.
pub(super) fn refused(asked: Option<Asked>, refused: &Refused) -> Answer {
    match (refused, asked) {
        (Refused::Method(_), Some(moved @ Asked::Moved(_))) => fixed(moved),
        (Refused::NotFound, _) | (Refused::Method(_), None | Some(Asked::Push)) => not_found(),
        (Refused::Method(_), Some(_)) => {
            let mut wrong = refused.answer(TEXT, Bytes::new());
            wrong.headers_mut().remove(http::header::CONTENT_TYPE);
            wrong
        }
        (
            Refused::Unknown(_)
            | Refused::Denied(_)
            | Refused::ManyCalls
            | Refused::Rate(_)
            | Refused::Malformed(_),
            _,
        ) => refused.answer(TEXT, PushResponse::Fail(refused.to_string().into()).body()),
        (
            Refused::TooLarge(_) | Refused::TooSlow(_) | Refused::Broken | Refused::Encoded | Refused::NoRoom,
            _,
        ) => response(PushResponse::Fail(refused.to_string().into())),
    }
}

fn not_found() -> Answer {
    let mut answer = answer(StatusCode::NOT_FOUND, TEXT, "404 page not found\n");
    answer.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::Whole(Full::new(Bytes::new())));
    *answer.status_mut() = status;
    answer
}
