//! Feeds: what became of pushes is told to webhooks, for those who delete tokens elsewhere than where they send.
//!
//! ```text
//!  a push has its verdict                   one task for each feed
//!  RouteFeeds ── wanted? ──▶ Feed ───────▶ Worker ── batch ──▶ Receiver ── POST, signed ──▶ the webhook
//!  (a bit test)              (bounded)       ▲                    │
//!                                            └── waits, retries ◀─┘
//! ```
//!
//! - [`RouteFeeds`] is what a route knows of feeds. Where no feed wants a verdict, it costs a push one bit test; else one
//!   event is made and put into a bounded queue, or counted as dropped. Nothing here ever makes a push wait.
//! - [`FeedSettings`] is one feed, and [`SigningSecret`] signs what it sends by the Standard Webhooks specification.
//! - `Feed` is one that runs, and its `Worker` sends its events in batches, at least once each, one batch at a time.
//!
//! An event names its target whole, since whoever deletes it has to find it. So events are never logged and do not print.

mod batch;
mod event;
mod one;
mod pace;
mod queue;
mod receiver;
mod route_feeds;
mod settings;
mod signature;
mod standing;
mod wanted;
mod worker;

pub(crate) use event::FeedEvent;
pub(crate) use one::{Feed, FeedLook};
pub(crate) use receiver::Receiver;
pub use route_feeds::RouteFeeds;
pub use settings::FeedSettings;
pub(crate) use settings::LARGEST_QUEUE;
pub use signature::{InvalidSecret, SigningSecret};
pub(crate) use standing::{FailureKind, FailureLook};
pub use wanted::Wanted;
pub(crate) use worker::Worker;
