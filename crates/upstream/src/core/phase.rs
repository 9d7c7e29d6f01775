//! The life of a connection.

/// ```text
///             SETTINGS           first good answer          GOAWAY, lost ping, idle, old, retired
/// (connect) ──────────► Warming ────────────────────► Open ────────────────────────────────────► Draining ──► (closed)
///     │                    └──────────────────────────────────────────────────────────────────────▲  last stream done
///     └── refused, TLS, timeout ──► (failed); the peer is left alone for a while
/// ```
/// A peer that needs no proof of a credential is Open at once. A connection that breaks is gone from any phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It takes streams, and has brought no good answer yet.
    Warming,
    /// It takes streams.
    Open,
    /// It takes no new streams.
    Draining,
}
