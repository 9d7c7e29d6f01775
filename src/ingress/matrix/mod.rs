//! A push gateway of Matrix: homeservers hand in events, and are told which pushers to delete.
//!
//! - `request.rs` is what they send, `answer.rs` what they are answered.
//! - `apps.rs` finds the app of an `app_id`, with `glob.rs` for its patterns.
//! - `draft.rs` makes a draft of each device: `content/` says the event as apps read it, `target.rs` reads the pushkey.
//! - `fate.rs` says what a homeserver is to do by the verdict on a push; `notify.rs` joins all of it.
//!
//! Homeservers repeat what was not answered well: after 1, 2, 4 … seconds, for a day, and all later pushes of the user wait
//! behind it. So a status other than 200 is kept for what a repeat can mend, and an event that is repeated is known by its
//! `once` (`desk/once`). Source: Synapse 1.163.2, `synapse/push/httppusher.py`, and its behaviour as it was recorded.

mod answer;
mod apps;
mod content;
mod draft;
mod fate;
mod glob;
mod notify;
mod request;
mod settings;
mod target;
#[cfg(test)]
mod tests;

pub use apps::{ApnsDialect, Dialect, FcmDialect, MatrixApp, MatrixApps, Overlap, WebPushDialect};
pub use glob::Glob;
pub use settings::{MatrixSettings, UnknownApp};
