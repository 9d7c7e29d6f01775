//! Reads one answer of HTTP/1.1, and what it says of its connection.

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;

use super::http_types::from_http;
use crate::error::{Head, NoAnswerCause};
use crate::request::Reply;

/// Sends a request and reads the whole answer. The head of the answer is put into `head_came` while the body is read.
/// Beside the answer stands whether it is the last of its connection.
pub(super) async fn whole_reply(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: http::Request<Full<Bytes>>,
    max_reply: usize,
    head_came: &mut Option<Head>,
) -> Result<(Reply, bool), NoAnswerCause> {
    let lost = |error: hyper::Error| {
        if error.is_parse() { NoAnswerCause::Unreadable } else { NoAnswerCause::ConnectionLost }
    };
    sender.ready().await.map_err(lost)?;
    let (parts, mut incoming) = sender.send_request(request).await.map_err(lost)?.into_parts();
    let last = says_close(&parts);
    *head_came = Some(from_http(&parts).map_err(|_| NoAnswerCause::Unreadable)?);
    drop(parts);
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(lost)?.into_data() else { continue };
        if body.len() + data.len() > max_reply {
            return Err(NoAnswerCause::Unreadable);
        }
        body.extend_from_slice(&data);
    }
    // The head was put there above.
    let Head { status, fields } = head_came.take().ok_or(NoAnswerCause::Unreadable)?;
    Ok((Reply { status, fields, body: body.freeze() }, last))
}

/// Whether an answer says that it is the last of its connection. Source: RFC 9112, section 9.3.
fn says_close(head: &Parts) -> bool {
    let values = head.headers.get_all(header::CONNECTION).iter();
    let words = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let close = words.map(str::trim).any(|word| word.eq_ignore_ascii_case("close"));
    close || head.version < http::Version::HTTP_11 || head.status == StatusCode::SWITCHING_PROTOCOLS
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    #[test]
    fn an_answer_says_whether_it_is_the_last_of_its_connection() {
        let says = |version, status: u16, connection: &[&'static str]| {
            let mut reply = http::Response::builder().version(version).status(status);
            for value in connection {
                reply = reply.header(header::CONNECTION, *value);
            }
            says_close(&reply.body(()).unwrap().into_parts().0)
        };
        assert!(!says(Version::HTTP_11, 200, &[]) && !says(Version::HTTP_11, 200, &["keep-alive"]));
        assert!(says(Version::HTTP_11, 200, &["Close"]) && says(Version::HTTP_11, 200, &["a", "b, close"]));
        assert!(says(Version::HTTP_10, 200, &[]) && says(Version::HTTP_11, 101, &["upgrade"]));
    }
}
