//! The life of a connection.

/// The phase of a connection.
///
/// ```text
///             SETTINGS           first good answer               GOAWAY, idle, old, retired
/// (connect) ──────────► Warming ────────────────────► Open ────────────────────────────────────► Draining ──► (closed)
///     │                    └──────────────────────────────────────────────────────────────────────▲  last stream done
///     └── refused, TLS, timeout ──► (failed); the peer is left alone for a while
/// ```
/// A connection to a peer that needs no proof of a credential is open at once. A connection that breaks, or whose PING
/// gets no answer, closes at once from any phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The connection takes streams, and has brought no good answer yet.
    Warming,
    /// The connection takes streams.
    Open,
    /// The connection takes no new streams.
    Draining,
}
