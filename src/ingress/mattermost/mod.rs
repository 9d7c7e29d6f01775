//! A Mattermost push proxy: what Mattermost servers send their pushes to.
//!
//! A notification becomes a draft, and its result an answer, in the words of the real push proxy:
//!
//! ```text
//! bytes ── go_json, checks ──▶ notification ── apns, fcm, draft ──▶ the desk ── answer ──▶ bytes
//!                                   └── forward ──▶ another push proxy ───────────────────────▲
//! ```
//!
//! Where it differs from the real proxy on purpose, docs/mattermost.md says so and why.

mod answer;
mod apns;
mod checks;
mod cut;
mod draft;
mod emoji;
mod fcm;
mod go_json;
mod kind;
mod platform;
mod request;
mod routes;
mod said;
#[cfg(test)]
mod tests;

pub use platform::{PlatformApp, PlatformKind, Platforms};
