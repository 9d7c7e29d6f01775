//! Answers, as the tests of this folder make them.

use bytes::Bytes;
use fanfare_upstream::{Indexing, Reply};
use http::StatusCode;

/// An answer with these header fields. Spaces around their values are no part of them, as with HTTP itself.
pub(super) fn reply(status: u16, fields: &[(&str, &str)], body: impl Into<Bytes>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap();
    let mut reply = Reply { status, body: body.into(), ..Reply::default() };
    for (name, value) in fields {
        reply.fields.push(&name.to_ascii_lowercase(), value.trim(), Indexing::Varies).unwrap();
    }
    reply
}
