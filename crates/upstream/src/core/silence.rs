//! Connections that were silent for long. A NAT or a firewall may have forgotten them without a word to anybody, so that
//! what is sent on them is lost. They are not used before they were asked whether they live.
//!
//! ```text
//!          silent for long, and nothing owed            somebody waits
//!   Heard ───────────────────────────────────► Quiet ──────────────────► Probed ──► (no answer in time: closed)
//!     ▲                                          │                          │
//!     └──────────────────────────────────────────┴──────── read ────────────┘
//! ```
//! Nobody is asked while nobody waits, so a connection that rests is left alone.

/// Whether a connection may have been forgotten by the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// Something was read on the connection not long ago.
    Heard,
    /// Nothing was read on the connection for long. It takes no streams.
    Quiet,
    /// The connection was asked whether it lives, and takes no streams before it has said so.
    Probed,
}
