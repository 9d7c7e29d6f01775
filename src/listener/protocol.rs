//! HTTP as the listeners speak it.

use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioTimer;

use super::calls::CallTasks;

/// Which HTTP a listener speaks.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without an upgrade.
    Http2(Http2Settings),
    /// What the client asks for with its TLS (ALPN): HTTP/2, or else HTTP/1.1, which is also what is spoken without TLS.
    Either(Http2Settings),
}

/// Which HTTP a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreed {
    Http1,
    Http2,
}

/// HTTP/2 and HTTP/1.1 as ALPN names them. Source: RFC 9113, section 3.1, and RFC 7301, section 6.
const H2: &[u8] = b"h2";
const HTTP_1_1: &[u8] = b"http/1.1";

impl Protocol {
    /// What TLS offers, with what is preferred first.
    pub(super) fn offered(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Http1 => vec![HTTP_1_1.to_vec()],
            Self::Http2(_) => vec![H2.to_vec()],
            Self::Either(_) => vec![H2.to_vec(), HTTP_1_1.to_vec()],
        }
    }

    /// The largest header list of a call over HTTP/2.
    pub(super) fn max_head(&self) -> u32 {
        match self {
            Self::Http2(_) => MAX_HEADER_LIST_BYTES,
            // Those who choose have no larger one by the other.
            Self::Http1 | Self::Either(_) => MAX_HEAD_BYTES.into(),
        }
    }

    /// What is spoken where TLS agreed on `alpn`, or where there is none.
    pub(super) fn agreed(&self, alpn: Option<&[u8]>) -> Agreed {
        match self {
            Self::Http2(_) => Agreed::Http2,
            Self::Either(_) if alpn == Some(H2) => Agreed::Http2,
            Self::Http1 | Self::Either(_) => Agreed::Http1,
        }
    }
}

/// The limits of HTTP/2.
#[derive(Debug, Clone)]
pub struct Http2Settings {
    /// Bounds the calls in flight on one connection.
    pub max_concurrent_streams: u32,
    /// The flow-control window of one call, in bytes.
    pub stream_window: u32,
    /// The flow-control window of one connection, in bytes. It is far larger than a call's, so that calls that stall
    /// leave room for the others.
    pub connection_window: u32,
    /// A connection that was silent for so long is pinged.
    pub keepalive_interval: Duration,
    /// A connection whose PING is not answered for so long is closed.
    pub keepalive_timeout: Duration,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 10_000,
            stream_window: 256 * 1024,
            connection_window: 16 * 1024 * 1024,
            keepalive_interval: Duration::from_secs(60),
            keepalive_timeout: Duration::from_secs(20),
        }
    }
}

/// The largest header list of a call over gRPC, which looks at its size again by itself. A call with a larger one fails alone up to four times this, and ends its connection
/// above. Source: h2, `MAX_HEADER_LIST_ABUSE_MULTIPLIER`.
const MAX_HEADER_LIST_BYTES: u32 = 256 * 1024;

/// How much of the answer to one call lies ready to be written.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// How many calls may have been reset by the client before they were looked at. A client that has more only opens calls to
/// reset them, and is sent away. Source: CVE-2023-44487, and h2's own default.
const MAX_PENDING_RESETS: usize = 20;

/// How many calls of one connection may have ended by an error of the client. Source: RUSTSEC-2024-0003, and hyper's own
/// default.
const MAX_ERROR_RESETS: usize = 1024;

/// `max_head` is the largest header list.
pub(super) fn http2(settings: &Http2Settings, max_head: u32) -> http2::Builder<CallTasks> {
    let mut builder = http2::Builder::new(CallTasks);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.max_concurrent_streams)
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout)
        .max_header_list_size(max_head)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .max_local_error_reset_streams(MAX_ERROR_RESETS);
    builder
}

/// The largest head of a request over HTTP/1.1, which is answered 431 above this, or 414 where it is all one path. It is also
/// the most that is read ahead of a connection. Source: gRPC's C core takes as much metadata at most
/// (`GRPC_ARG_ABSOLUTE_MAX_METADATA_SIZE`).
const MAX_HEAD_BYTES: u16 = 16 * 1024;

/// hyper has no clock for HTTP/1.1, which would set a timer for each call. The first head has the time of the handshake, and a
/// connection that had calls is looked at by its counters: one without a call is idle, whatever has come of the next head.
pub(super) fn http1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(usize::from(MAX_HEAD_BYTES));
    builder
}
