//! What a test can learn about one connection.

use std::net::SocketAddr;

use serde::Serialize;

use super::service::Service;

/// A connection that is open or was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionInfo {
    /// The number of the connection, counted from 1 over all listeners.
    pub id: u64,
    /// The service that the client connected to.
    pub service: Service,
    /// Whether it is still open.
    pub open: bool,
    /// How many streams are open now.
    pub streams: usize,
    /// The most streams that were ever open at once.
    pub peak_streams: usize,
    /// The MAX_CONCURRENT_STREAMS of the last SETTINGS that were sent.
    pub limit: u32,
    /// The limit that the client acknowledged last. It is `None` before the first acknowledgement.
    pub acknowledged_limit: Option<u32>,
    /// How many streams the client opened beyond a limit that it had acknowledged.
    pub limit_violations: u64,
    /// How many requests the client began, including those that lay unread when the connection ended.
    pub requests: u64,
    /// How many of these requests came to their END_STREAM.
    pub whole: u64,
    /// Whether answers that were written may not have arrived in whole: the connection was reset, stalled or
    /// throttled, or it ended with requests open or unread.
    pub disturbed: bool,
    /// Whether its last frames, such as a GOAWAY, may not have arrived: the connection was reset, stalled or
    /// throttled, or it ended with requests unread.
    pub unheard: bool,
    /// The address of the client. It is known for HTTP/2 only.
    pub client: Option<SocketAddr>,
    /// How many bytes of whole TLS records were read from the socket. They are counted for HTTP/2 only.
    pub received: u64,
}
