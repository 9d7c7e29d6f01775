//! Requests and answers in the types of the `http` crate, which hyper speaks.

use bytes::Bytes;
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Uri, header};

use crate::error::Head;
use crate::fields::{Field, Fields, Indexing, InvalidField, PREFIX};
use crate::peer::Peer;
use crate::request::{METHOD, PATH, Request};

/// The head of a request to a peer and its body, in the form that a server expects: the path alone, and the host in a
/// header. Whatever a request may hold, these types take (a test draws it). Source: RFC 9112, section 3.2.1.
pub(crate) fn to_http(request: Request, peer: &Peer) -> (http::Request<()>, Bytes) {
    let (head, body) = request.complete();
    let mut request = http::Request::new(());
    if let Ok(host) = HeaderValue::from_str(peer.origin.authority().as_str()) {
        request.headers_mut().insert(header::HOST, host);
    }
    for Field { name, value, indexing } in &head {
        if name == METHOD.as_bytes() {
            *request.method_mut() = Method::from_bytes(value).unwrap_or_default();
        } else if name == PATH.as_bytes() {
            *request.uri_mut() = PathAndQuery::try_from(value).map(Uri::from).unwrap_or_default();
        } else if let (Ok(name), Ok(mut value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            value.set_sensitive(indexing == Indexing::Secret);
            request.headers_mut().append(name, value);
        }
    }
    (request, body)
}

/// The head of an answer.
///
/// # Errors
/// Fails if a field is longer than [`Fields`] can hold.
pub(crate) fn from_http(parts: &Parts) -> Result<Head, InvalidField> {
    let bytes = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + PREFIX);
    let mut fields = Fields::with_capacity(bytes.sum());
    for (name, value) in &parts.headers {
        let indexing = if value.is_sensitive() { Indexing::Secret } else { Indexing::Varies };
        fields.pack(name.as_str().as_bytes(), value.as_bytes(), indexing)?;
    }
    Ok(Head { status: parts.status, fields })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tests::peer;

    fn parts(name: &str, value: &[u8]) -> Parts {
        http::Response::builder().status(410).header(name, value).body(()).unwrap().into_parts().0
    }

    #[test]
    fn an_answer_comes_over_as_it_is() {
        for value in [&b"x"[..], b"", b" \xff\ttwo ", &[b'v'; 65_535]] {
            let head = from_http(&parts("X-Name", value)).unwrap();
            assert_eq!((head.status.as_u16(), head.fields.get("x-name")), (410, Some(value)));
        }
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        assert_eq!(from_http(&parts(&"n".repeat(256), b"")), Err(InvalidField::TooLong));
        assert_eq!(from_http(&parts("n", &[b'v'; 65_536])), Err(InvalidField::TooLong));
    }

    proptest! {
        #[test]
        fn whatever_a_request_may_hold_is_sent(
            path in "/[ -~]{0,30}",
            name in "[!-~]{1,20}",
            value in prop::collection::vec(prop_oneof![4 => b' '..=b'~', 1 => any::<u8>()], 0..20),
            method in prop::sample::select(vec![Method::GET, Method::POST, Method::from_bytes(b"X").unwrap()]),
        ) {
            let Ok(mut request) = Request::new(&method, &[&path], Bytes::new()) else { return Ok(()) };
            let twice = [Indexing::Repeats, Indexing::Secret];
            for indexing in twice {
                let Ok(()) = request.push(&name, &value, indexing) else { return Ok(()) };
            }
            let (sent, _) = to_http(request, &peer("peer.test"));
            prop_assert_eq!(sent.method(), method);
            prop_assert_eq!(sent.uri().to_string(), path);
            prop_assert_eq!(&sent.headers()["host"], "peer.test");
            prop_assert_eq!(&sent.headers()["content-length"], "0");
            let values = sent.headers().get_all(&name).iter().map(|it| (it.as_bytes(), it.is_sensitive()));
            prop_assert_eq!(values.collect::<Vec<_>>(), [(&*value, false), (&*value, true)]);
        }
    }
}
