//! How the messages of a call may be compressed.
//!
//! Source: gRPC over HTTP/2, "Message-Encoding"; github.com/grpc/grpc, `doc/compression.md`.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tonic::Status;
use tonic::metadata::MetadataValue;

use super::super::encode;
use crate::push::Reason;

/// Says how the messages of a call are compressed, where they are.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Says what may be used.
const ACCEPT: &str = "grpc-accept-encoding";
const ACCEPTED: &str = "gzip,zstd,identity";

/// A compression that callers may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Zstd,
}

impl Encoding {
    /// Takes the encoding of a call, so that whoever comes behind the gate finds messages as they were written.
    ///
    /// # Errors
    /// Fails if it is one that the gateway does not have.
    pub(super) fn take(headers: &mut HeaderMap) -> Result<Option<Self>, Status> {
        let encoding = match headers.get(ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity") => return Ok(None),
            Some(b"gzip") => Self::Gzip,
            Some(b"zstd") => Self::Zstd,
            Some(_) => return Err(unknown()),
        };
        headers.remove(ENCODING);
        Ok(Some(encoding))
    }
}

/// Says in the answer to a call with compressed messages what may be used, as the protocol asks for.
pub(super) fn say_accepted(headers: &mut HeaderMap) {
    headers.insert(ACCEPT, HeaderValue::from_static(ACCEPTED));
}

fn unknown() -> Status {
    let message = "expected a grpc-encoding of gzip, zstd or identity, found another one; nothing was sent";
    let mut status = encode::status(tonic::Code::Unimplemented, Reason::NotSupported, message);
    status.metadata_mut().insert(ACCEPT, MetadataValue::from_static(ACCEPTED));
    status
}
