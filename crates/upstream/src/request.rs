//! A request as its caller makes it, its answer, and how long the answer is waited for.

use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::time::Instant;

use crate::field_name::{self, FieldName};
use crate::fields::{Fields, FieldsIter, Indexing, InvalidField};
use crate::path::{InvalidPath, is_path};

/// A request, complete but for its origin, which is the peer's, and its length.
///
/// Method, path and headers lie in one allocation, in the order in which they are sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method and path come first, so that whoever writes HTTP/2 only goes through the list.
    /// Source: RFC 9113, section 8.3.
    head: Fields,
    body: Bytes,
}

/// The room for headers where the caller names none, in bytes.
const ROOM: usize = 256;

/// The room that is always kept for the names of method and path, and for `content-length`, in bytes.
const OWN_ROOM: usize = 48;

impl Request {
    /// A request without headers. The pieces of the path, which may have a query, are written one behind the other. The
    /// body is sent whole; nothing is streamed.
    ///
    /// # Errors
    /// Fails if the pieces do not make a path: it begins with a slash, and each other character is visible ASCII that a
    /// URI may have, which `#` is not. Source: RFC 9113, section 8.3.1, and RFC 3986, section 3.
    pub fn new(method: &Method, path: &[&str], body: Bytes) -> Result<Self, InvalidPath> {
        Self::with_room(method, path, body, ROOM)
    }

    /// The same, with room for headers of so many bytes, which are name, value and 4 more bytes each. With enough room,
    /// the head of the request is one allocation.
    ///
    /// # Errors
    /// Fails as [`new`](Self::new) does.
    pub fn with_room(method: &Method, path: &[&str], body: Bytes, room: usize) -> Result<Self, InvalidPath> {
        if !is_path(path) {
            return Err(InvalidPath);
        }
        let line = method.as_str().len() + path.iter().map(|piece| piece.len()).sum::<usize>();
        let mut head = Fields::with_capacity(line + OWN_ROOM + room);
        // Only a method that somebody made up can be too long.
        head.pack(METHOD.as_bytes(), method.as_str().as_bytes(), Indexing::Repeats)
            .map_err(|_| InvalidPath)?;
        head.pack_pieces(PATH.as_bytes(), path, Indexing::Varies).map_err(|_| InvalidPath)?;
        Ok(Self { head, body })
    }

    /// Adds a header.
    ///
    /// # Errors
    /// Fails if the name or the value has characters that it may not have, or is too long, or if the header is one that
    /// the pool itself writes.
    pub fn push(
        &mut self,
        name: &str,
        value: impl AsRef<[u8]>,
        indexing: Indexing,
    ) -> Result<(), InvalidField> {
        field_name::check(name)?;
        self.head.push_known(name, value.as_ref(), indexing)
    }

    /// Adds a header whose name was checked before.
    ///
    /// # Errors
    /// Fails if the value has characters that it may not have, or is too long.
    pub fn push_known(
        &mut self,
        name: FieldName,
        value: impl AsRef<[u8]>,
        indexing: Indexing,
    ) -> Result<(), InvalidField> {
        self.head.push_known(name.as_str(), value.as_ref(), indexing)
    }

    /// Adds a header whose value is a number.
    ///
    /// # Errors
    /// Fails as [`push`](Self::push) does.
    pub fn push_number(&mut self, name: &str, value: u64, indexing: Indexing) -> Result<(), InvalidField> {
        self.push(name, itoa::Buffer::new().format(value), indexing)
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.get_str(METHOD).unwrap_or_default()
    }

    /// The path and the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.head.get_str(PATH).unwrap_or_default()
    }

    /// The headers in their order.
    #[must_use]
    pub fn headers(&self) -> FieldsIter<'_> {
        let mut fields = self.head.iter();
        // Method and path are the first two fields.
        fields.by_ref().take(2).for_each(drop);
        fields
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Head and body, with the length of the body in the head. With its length, a body that is cut short makes the
    /// request malformed, so no peer may process it. Source: RFC 9113, section 8.1.1.
    pub(crate) fn complete(self) -> (Fields, Bytes) {
        let Self { mut head, body } = self;
        let mut digits = itoa::Buffer::new();
        // A name and a value as short as these always fit.
        let _ = head.pack(b"content-length", digits.format(body.len()).as_bytes(), Indexing::Varies);
        (head, body)
    }
}

/// The names under which method and path stand in the head of a request. Source: RFC 9113, section 8.3.1.
pub(crate) const METHOD: &str = ":method";
pub(crate) const PATH: &str = ":path";

/// The whole answer of a peer. The default is an answer that says 200 and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: StatusCode,
    /// The header fields.
    pub fields: Fields,
    /// The body.
    pub body: Bytes,
}

/// How long one exchange may take, and how large its answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExchangeLimits {
    /// When the caller wants to know.
    pub(crate) deadline: Instant,
    /// When a stream without an answer is reset.
    pub(crate) give_up: Instant,
    /// The largest body of an answer, in bytes.
    pub(crate) max_reply: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_method_and_path_then_the_headers_then_the_length() {
        let mut request = Request::new(&Method::POST, &["/3/device/", "00ff"], "{}".into()).unwrap();
        request.push("apns-topic", "com.example", Indexing::Repeats).unwrap();
        request.push_number("apns-expiration", u64::MAX, Indexing::Varies).unwrap();
        assert_eq!((request.method(), request.path()), ("POST", "/3/device/00ff"));
        assert_eq!(request.headers().count(), 2);
        let (head, body) = request.complete();
        assert_eq!(
            format!("{head:?}"),
            "[:method: POST, :path: /3/device/00ff, apns-topic: com.example, \
             apns-expiration: 18446744073709551615, content-length: 2]"
        );
        assert_eq!(body, "{}");
    }

    #[test]
    fn what_the_pool_writes_itself_is_refused() {
        let mut request = Request::new(&Method::GET, &["/"], Bytes::new()).unwrap();
        for name in ["content-length", "host", "connection", "transfer-encoding"] {
            assert_eq!(request.push(name, "1", Indexing::Varies), Err(InvalidField::Reserved), "{name}");
        }
        assert_eq!(request.headers().next(), None);
    }

    #[test]
    fn with_enough_room_the_head_never_moves() {
        let request =
            Request::with_room(&Method::POST, &["/3/", "device"], Bytes::from(vec![0; 9_999_999]), 1000);
        let mut request = request.unwrap();
        let place = request.method().as_ptr();
        for _ in 0..10 {
            request.push("name", "v".repeat(100 - 4 - 4), Indexing::Varies).unwrap();
        }
        let (head, _) = request.complete();
        assert_eq!(head.get(METHOD).unwrap().as_ptr(), place);
    }
}
