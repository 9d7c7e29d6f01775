//! HTTP/2: many requests at once on one connection.
//!
//! ```text
//! callers                               the session, one task for each connection
//!
//! begin ── Exchange ──▶ Inbox ────────▶ queue ── Engine ──▶ Link ──▶ socket
//!   │         ▲   the request waits       unsent             │
//!   ▼         │                                       │               │
//! PendingReply│◀──────────── its end ─────────────────┘◀──────────────┘
//! ```
//!
//! A caller begins a request ([`begin`]) and waits for its end through [`PendingReply`]. What both sides share of one
//! request is its [`Exchange`](exchange::Exchange). Until the session gives the request to the engine, the caller may
//! take it back; from then on it belongs to the connection, and its end is read whether the caller still waits or not.

mod clock;
mod ends;
pub(crate) mod engine;
mod exchange;
mod heard;
mod inbox;
mod link;
mod outcome;
mod pending;
mod sender;
mod sending;
mod silence;
mod task;

pub(crate) use inbox::Inbox;
pub(crate) use link::Link;
pub(crate) use pending::{PendingReply, begin};
pub(crate) use sender::Http2Sender;
pub(crate) use task::{OnStream, Session};
