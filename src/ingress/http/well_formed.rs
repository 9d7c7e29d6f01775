//! What HTTP asks of the head of a request that hyper leaves to whoever it serves.
//!
//! A proxy in front of the gateway may read such a head in another way than the gateway does, and then the two disagree on where
//! a request ends or for whom it is. hyper itself refuses lengths that differ, folded lines and a `transfer-encoding` that does
//! not end in `chunked`, and ends a connection after a request with both kinds of length.

use http::request::Parts;
use http::{Version, header};

/// Says what is wrong with the head of a request.
pub(super) fn check(parts: &Parts) -> Result<(), &'static str> {
    let Parts { version, headers, .. } = parts;
    if *version >= Version::HTTP_2 {
        return Ok(());
    }
    // Source: RFC 9112, section 3.2.
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => {}
        (None, _) if *version < Version::HTTP_11 => {}
        _ => return Err("expected one host"),
    }
    // Nothing here takes a body apart that was compressed on its way. Source: RFC 9112, section 6.1.
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err("expected no transfer-encoding but chunked, once"),
    }
}
