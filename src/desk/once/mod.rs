//! `Options.once`: a second push of the same caller, app and id is not sent. It joins the one in flight, or gets the verdict
//! that is recorded. The window is this process's own; a restart loses it.
//!
//! ```text
//!              the first comes                       delivered, or nobody knows
//!   (nothing) ────────────────▶ in flight ─────────────────────────────────────▶ recorded
//!       ▲                        │  others join it                                  │
//!       └────────────────────────┘                                                  │
//!       ▲  provably not delivered, so that trying again is trying again             │
//!       └───────────────────────────────────────────────────────────────────────────┘
//!          `limits.once_window` has passed, or it is the oldest and others need the place
//! ```
//!
//! A push takes its room of admission and its turn of the caller's rate before it comes here, also where it joins, so all
//! that wait are bounded. One that is refused, and a dry run, never come here.
//!
//! The crates moka and quick_cache share one computation as well. Neither bounds those that are under way, and both let
//! another waiter compute anew where the first is dropped, though its push may have been sent.

mod digest;
mod known;
mod send;
mod settings;
mod table;
#[cfg(test)]
mod tests;
mod window;

pub(super) use digest::Digest;
pub(super) use known::{OncePush, known_by, said};
pub use settings::OnceSettings;
pub(super) use window::OnceWindow;
