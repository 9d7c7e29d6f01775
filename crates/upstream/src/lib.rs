#![doc = include_str!("../README.md")]
//!
//! ## Where to begin
//!
//! | to | see |
//! |---|---|
//! | build the pool, and end it | [`Upstream`], [`UpstreamSettings`] |
//! | name a server | [`Peer`], [`Origin`], [`Http`], [`Reach`], [`Proxy`], and [`tls`] for certificates |
//! | wait for a stream | [`PeerPool::permit`], [`Flow`], [`Party`] |
//! | send a request | [`Permit::exchange`], [`Request`], [`Fields`], [`Answer`] |
//! | know why there is no answer | [`UpstreamError`]: [`Unsent`] or [`Unanswered`] |
//! | bound what is in flight | [`InFlight`] |
//! | send no faster than a service takes | [`PeerPool::pacer`], [`Upstream::pacer`], [`Pacer`] |
//! | try again without multiplying an outage | [`PeerPool::first_try`], [`PeerPool::may_retry`] |
//! | count what happens | [`Observe`] |
//! | replace the network, in a test | [`Resolve`], [`Dial`] |
//!
//! ## The life of a request
//!
//! ```text
//! (caller)
//!     │ permit
//!     ▼          deadline, no connection, too many wait, or sent again too often
//!   waits ──────────────────────────────────────────────────────────────────────► Unsent
//!     │  ▲
//!     │  └─ provably not processed: it is sent again
//!     ▼  │
//!   on a connection ────────────────────────────────────────────────────────────► Answer
//!     │          reset, cut off, unreadable, or late
//!     └─────────────────────────────────────────────────────────────────────────► Unanswered
//! ```
//!
//! On an HTTP/2 connection, a request first waits for the connection's task, and can be taken back. Once the task has
//! begun it, it belongs to the connection: if its caller leaves, the answer is still read. `http2/exchange.rs` draws this.
//!
//! ## The life of a connection
//!
//! ```text
//!        first SETTINGS        first good answer            GOAWAY, idle, old, retired
//! Connecting ──────► Warming ───────────────────► Open ─────────────────────────────────────► Draining ──► (closed)
//!                       └────────────────────────────────────────────────────────────────────────▲   last answer
//! ```
//!
//! A connection that was silent for [`probe_after`](UpstreamSettings::probe_after) is asked by a PING before it is used
//! again; `core/silence.rs` draws that. A connection that breaks, or whose PING gets no answer, closes at once. Over HTTP/2 nothing opens beside a
//! connection that is connecting or warming; over HTTP/1.1 one opens for each request that waits. A connection to a
//! peer whose [`proves_credential`](Peer::proves_credential) is false is open at once. `core/phase.rs` draws this too,
//! as the pool decides it; an observer sees it as [`ConnectionState`].
//!
//! ## The walk of one request through the files
//!
//! ```text
//! 1  upstream.rs         PeerPool::permit asks for a stream
//! 2  pool/mod.rs         acquire locks, asks the core, unlocks, and does what the core says
//! 3  core/mod.rs         ask grants, refuses, or lets wait (shares.rs says who is next); growth.rs decides whether another connection opens
//! 4  opening.rs          Connect::run takes a place among all connections (budget.rs) and connects
//!    connect.rs          resolves and judges (addresses.rs, reach.rs), dials (network.rs), and begins TLS and HTTP
//! 5  permit.rs           Permit::exchange hands the request over, and sends again what provably was not processed
//! 6  http2/pending.rs    hands the request to the connection's task (inbox.rs), and waits; both share its exchange.rs
//!    http2/task.rs       the task: reads and writes (link.rs), begins requests (sending.rs), tells how they end (ends.rs)
//!    http2/engine/       HTTP/2 itself, without a socket: send.rs, receive.rs, and output.rs, whose offsets tell what was sent
//!    http1/driver.rs     the same for HTTP/1.1, on hyper
//! ```
//!
//! A GOAWAY: `http2/engine/receive.rs` reads it and ends the requests that it cuts off, `http2/task.rs` tells the pool
//! (`pool/hub.rs`), and `Core` drains the connection. What the end of a request means is judged in `http2/outcome.rs`;
//! what was not processed is sent again in `permit.rs`.
//!
//! `core/` decides who gets which stream and when a connection opens, and it does nothing itself. No two files need
//! each other in a circle: to understand one, read it and what it imports.

mod addresses;
mod breaker;
mod budget;
mod cause;
mod client_tls;
mod common;
mod connect;
mod connect_error;
mod connection;
mod core;
mod error;
mod error_code;
mod eviction;
mod failure;
mod field_name;
mod fields;
mod flow;
mod goaway;
mod http1;
mod http2;
mod in_flight;
mod kind;
mod look;
mod lookups;
mod network;
mod observe;
mod opening;
mod origin;
mod pacer;
mod path;
mod patience;
mod peer;
mod peers;
mod permit;
mod places;
mod pool;
mod proxy;
mod reach;
mod request;
mod retry_budget;
mod settings;
mod sleep;
#[cfg(test)]
mod tests;
mod timer;
pub mod tls;
pub mod transport;
mod unreached;
mod upstream;
mod validity;
mod wall_clock;

#[cfg(fuzzing)]
pub use http2::engine::fuzzing;

pub use breaker::{Breaker, BreakerChange, BreakerSettings, Probe};
pub use cause::{EndCause, OpenCause};
pub use connect_error::ConnectError;
pub use core::PaceSettings;
pub use error::{Head, NoAnswerCause, Unanswered, Unsent, UnsentCause, UpstreamError};
pub use eviction::TooManyPeers;
pub use failure::{FailingPeer, LeftAlone, PeerFailure, Symptom};
pub use field_name::FieldName;
pub use fields::{Field, Fields, FieldsIter, Indexing, InvalidField};
pub use flow::{Flow, Party, ServiceClass};
pub use in_flight::{EndWatch, InFlight, PartyInFlight, Share};
pub use kind::PeerKind;
pub use look::{ConnectionLook, LeftAloneLook, PaceLook, PeerLook};
pub use network::{BoxFuture, Dial, Resolve, SystemResolver, TcpDialer};
pub use observe::{ConnectionState, Observe, ObservePeer, PaceReport, Report, Unobserved};
pub use origin::{InvalidOrigin, Origin};
pub use pacer::{NoTurn, Pacer};
pub use path::InvalidPath;
pub use peer::{Http, Peer};
pub use permit::{Answer, Permit};
pub use proxy::{Proxies, Proxy};
pub use reach::Reach;
pub use request::{Reply, Request};
pub use settings::UpstreamSettings;
pub use upstream::{PeerPool, Upstream};
pub use validity::Validity;
pub use wall_clock::coarse_now;
