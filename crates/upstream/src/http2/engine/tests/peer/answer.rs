//! An answer as it was delivered, and how it ends the request.

use http::StatusCode;

use super::super::request::List;
use super::{BODY_LIMIT, Stream};
use crate::error::Head;
use crate::fields::{Fields, Indexing};
use crate::http2::engine::End;
use crate::request::Reply;

/// An answer whose head was delivered.
pub(super) struct Answering {
    head: Head,
    length: Option<usize>,
    pub(super) body: Vec<u8>,
}

impl Answering {
    pub(super) fn new(status: u16, list: &List) -> Self {
        let mut fields = Fields::new();
        let regular = list.iter().filter(|(name, _)| !name.starts_with(b":"));
        for (name, value) in regular {
            fields.pack(name, value, Indexing::Varies).unwrap();
        }
        let length = fields.get_str("content-length").map(|length| length.parse().unwrap());
        Self {
            head: Head { status: StatusCode::from_u16(status).unwrap(), fields },
            length,
            body: Vec::new(),
        }
    }
}

impl Stream {
    /// The head of the answer, if it was delivered.
    pub(in super::super) fn head(&self) -> Option<Head> {
        self.answer.as_ref().map(|answer| answer.head.clone())
    }

    pub(super) fn unreadable(&self) -> End {
        End::Unreadable { head: self.head() }
    }

    /// The end of the answer was delivered.
    pub(super) fn answered(&mut self) -> End {
        let Some(Answering { head, length, body }) = &self.answer else { return self.unreadable() };
        let without_body = body.is_empty() && (self.request.to_head || head.status == 304);
        if !without_body && length.is_some_and(|length| length != body.len()) {
            return self.unreadable();
        }
        let Head { status, fields } = head.clone();
        End::Answered(Reply { status, fields, body: body.clone().into() })
    }

    /// A piece of the body was delivered. Returns how the request ends by it, if it does.
    pub(super) fn piece(&mut self, piece: &[u8], ends: bool) -> Option<End> {
        let Some(answer) = &mut self.answer else { return Some(self.unreadable()) };
        answer.body.extend_from_slice(piece);
        if answer.body.len() > BODY_LIMIT {
            return Some(self.unreadable());
        }
        ends.then(|| self.answered())
    }
}
