//! What a test may know about one connection.

use std::net::SocketAddr;

use serde::Serialize;

use super::service::Service;

/// A connection, open or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConnectionInfo {
    /// Its number, from 1, over all listeners.
    pub id: u64,
    /// The listener.
    pub service: Service,
    /// False once it has ended.
    pub open: bool,
    /// Streams open now.
    pub streams: usize,
    /// The most streams ever open at once.
    pub peak_streams: usize,
    /// The limit in the last SETTINGS sent.
    pub limit: u32,
    /// The limit the client acknowledged last; `None` before its first acknowledgement.
    pub acknowledged_limit: Option<u32>,
    /// Streams opened beyond an acknowledged limit.
    pub limit_violations: u64,
    /// Requests opened, those included that lay unread when the connection ended.
    pub requests: u64,
    /// Of these, the ones that came to their END_STREAM.
    pub whole: u64,
    /// Answers that were written may not have arrived in whole: it was reset, stalled or throttled, or it ended
    /// with requests open or unread.
    pub disturbed: bool,
    /// It was reset, stalled or throttled, or ended with requests unread: its last frames may not have arrived, a
    /// GOAWAY among them.
    pub unheard: bool,
    /// The client's address, of HTTP/2 alone.
    pub client: Option<SocketAddr>,
    /// Bytes read from the socket, as TLS wrote them, of whole records; of HTTP/2 alone.
    pub received: u64,
}
