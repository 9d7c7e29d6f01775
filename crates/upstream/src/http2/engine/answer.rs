//! An answer as it comes in: header fields that are checked one by one, and a body with a limit.
//!
//! Source: RFC 9113, section 8.

use bytes::Bytes;
use http::StatusCode;

use crate::error::Head;
use crate::fields::{Fields, Indexing, all, is_name, is_value};
use crate::request::Reply;

/// What each field counts beyond its name and value. Source: RFC 9113, section 6.5.2.
const FIELD_OVERHEAD: usize = 32;

/// The header fields of one block, as they are decoded. What is malformed or too much is noticed and not kept, since the
/// decoder has to go on to the end of the block in any case.
#[derive(Debug)]
pub(super) struct Section {
    status: Option<u16>,
    content_length: Option<u64>,
    fields: Fields,
    /// How many bytes the list may still have.
    left: usize,
    /// Whether the pseudo-header fields are over.
    regular: bool,
    malformed: bool,
}

impl Section {
    /// `most` is the largest header list, in bytes.
    pub(super) fn new(most: usize) -> Self {
        let (status, content_length, fields) = (None, None, Fields::new());
        Self { status, content_length, fields, left: most, regular: false, malformed: false }
    }

    /// Takes one field.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        if self.malformed {
            return;
        }
        match self.left.checked_sub(name.len() + value.len() + FIELD_OVERHEAD) {
            Some(left) => self.left = left,
            None => {
                self.malformed();
                return;
            }
        }
        if name.first() == Some(&b':') {
            if !self.pseudo(name, value) {
                self.malformed();
            }
            return;
        }
        self.regular = true;
        let fine = !name.is_empty()
            && all(name, is_name)
            && all(value, is_value)
            && !is_of_connection(name)
            && (name != b"content-length" || self.content_length(value))
            && self.fields.pack(name, value, Indexing::Varies).is_ok();
        if !fine {
            self.malformed();
        }
    }

    /// An answer has one pseudo-header field, once, and in front. Source: RFC 9113, section 8.3.
    fn pseudo(&mut self, name: &[u8], value: &[u8]) -> bool {
        let status = match value {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                Some(u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0'))
            }
            _ => None,
        };
        let fine = name == b":status" && !self.regular && self.status.is_none() && status.is_some();
        self.status = status;
        fine
    }

    /// Several lengths that agree are one. Source: RFC 9110, section 8.6.
    fn content_length(&mut self, value: &[u8]) -> bool {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
        let fine = length.is_some() && self.content_length.is_none_or(|before| Some(before) == length);
        self.content_length = length;
        fine
    }

    fn malformed(&mut self) {
        self.malformed = true;
        self.fields = Fields::new();
    }

    /// The head of an answer, or `None` if it is malformed or too large.
    pub(super) fn head(self) -> Option<AnswerHead> {
        let Self { status, content_length, fields, malformed, .. } = self;
        let status = status.filter(|_| !malformed).and_then(|status| StatusCode::from_u16(status).ok())?;
        Some(AnswerHead { head: Head { status, fields }, content_length })
    }

    /// Whether these fields may stand behind a body. Source: RFC 9113, section 8.1.
    pub(super) fn is_trailers(&self) -> bool {
        !self.malformed && self.status.is_none()
    }
}

/// Fields that belong to HTTP/1.1 and its connections. Source: RFC 9113, section 8.2.2.
fn is_of_connection(name: &[u8]) -> bool {
    matches!(name, b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade")
}

/// The head of an answer.
#[derive(Debug)]
pub(super) struct AnswerHead {
    pub(super) head: Head,
    content_length: Option<u64>,
}

/// What a head means for its stream.
pub(super) enum HeadMeaning {
    /// The answer is still to come.
    Informational,
    /// The answer begins.
    Final,
    /// No answer may begin so.
    Malformed,
}

impl AnswerHead {
    /// Source: RFC 9113, section 8.1, and for 101 section 8.6.
    pub(super) fn meaning(&self, ends_stream: bool) -> HeadMeaning {
        match self.head.status.as_u16() {
            101 => HeadMeaning::Malformed,
            100..=199 if ends_stream => HeadMeaning::Malformed,
            100..=199 => HeadMeaning::Informational,
            _ => HeadMeaning::Final,
        }
    }
}

/// An answer whose head is there.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    content_length: Option<u64>,
    body: Vec<u8>,
}

impl Answer {
    pub(super) fn new(head: AnswerHead) -> Self {
        let AnswerHead { head, content_length } = head;
        Self { head, content_length, body: Vec::new() }
    }

    /// Takes a piece of the body. It is false if the body is larger than `most`.
    pub(super) fn body(&mut self, piece: &[u8], most: usize) -> bool {
        let fits = self.body.len() + piece.len() <= most;
        if fits {
            self.body.reserve_exact(piece.len());
            self.body.extend_from_slice(piece);
        }
        fits
    }

    /// The whole answer, or its head if the body is not as long as the head says. Only an answer that never has a body
    /// may name the length of another. Source: RFC 9113, section 8.1.1, and RFC 9110, section 8.6.
    pub(super) fn whole(self, to_head: bool) -> Result<Reply, Head> {
        let Self { head, content_length, body } = self;
        let bodiless = body.is_empty() && (to_head || head.status == StatusCode::NOT_MODIFIED);
        if !bodiless && content_length.is_some_and(|length| length != body.len() as u64) {
            return Err(head);
        }
        let Head { status, fields } = head;
        Ok(Reply { status, fields, body: Bytes::from(body) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(fields: &[(&str, &str)]) -> Section {
        let mut section = Section::new(16_384);
        fields.iter().for_each(|(name, value)| section.field(name.as_bytes(), value.as_bytes()));
        section
    }

    #[test]
    fn a_malformed_head_is_no_head() {
        let fine =
            section(&[(":status", "200"), ("a", "b"), ("content-length", "3"), ("content-length", "3")]);
        assert_eq!(fine.head().unwrap().head.status, 200);
        for fields in [
            &[("a", "b")][..],
            &[(":status", "200"), (":status", "200")],
            &[("a", "b"), (":status", "200")],
            &[(":status", "20")],
            &[(":status", "2000")],
            &[(":status", "099")],
            &[(":status", "2x0")],
            &[(":status", "200"), (":path", "/")],
            &[(":status", "200"), ("Upper", "b")],
            &[(":status", "200"), ("", "b")],
            &[(":status", "200"), ("a", "b\n")],
            &[(":status", "200"), ("a", "\0")],
            &[(":status", "200"), ("connection", "close")],
            &[(":status", "200"), ("transfer-encoding", "chunked")],
            &[(":status", "200"), ("content-length", "3"), ("content-length", "4")],
            &[(":status", "200"), ("content-length", "+3")],
            &[(":status", "200"), ("content-length", "")],
            &[(":status", "200"), ("content-length", "18446744073709551616")],
        ] {
            assert!(section(fields).head().is_none(), "{fields:?}");
        }
    }

    #[test]
    fn what_is_over_the_limit_is_not_kept() {
        let mut section = Section::new(100);
        section.field(b":status", b"200");
        for _ in 0..1000 {
            section.field(b"a", &[b'b'; 60]);
            assert!(section.fields.iter().count() <= 1);
        }
        assert!(section.head().is_none());
    }

    #[test]
    fn a_body_is_as_long_as_its_head_says() {
        let answer = |status, length: Option<&str>, body: &str| {
            let length = length.map(|length| ("content-length", length));
            let fields: Vec<_> = [(":status", status)].into_iter().chain(length).collect();
            let mut answer = Answer::new(section(&fields).head().unwrap());
            assert!(answer.body(body.as_bytes(), 10));
            answer
        };
        assert_eq!(answer("200", Some("2"), "ab").whole(false).unwrap().body, "ab");
        assert_eq!(answer("200", None, "ab").whole(false).unwrap().body, "ab");
        assert!(answer("200", Some("3"), "ab").whole(false).is_err());
        assert!(answer("200", Some("3"), "").whole(false).is_err());
        assert!(answer("304", Some("3"), "").whole(false).is_ok());
        assert!(answer("200", Some("3"), "").whole(true).is_ok());
        assert!(answer("200", Some("3"), "ab").whole(true).is_err());
        assert!(!answer("200", None, "0123456789").body(b"x", 10));
    }
}
