//! The engine against a model of its peer, and against foreign implementations.
//!
//! Everything that is drawn comes from bytes, so the same functions serve drawn tests, fuzzing (`fuzz/README.md` of this
//! crate), and inputs that were found once and are kept.

#![cfg_attr(test, expect(unreachable_pub, reason = "only fuzz targets see it from outside"))]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is a finding")]

mod frames;
pub mod fuzzing;
mod operation;
mod peer;
mod request;
mod session;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod drawn;
#[cfg(test)]
mod findings;
#[cfg(test)]
mod h2_server;
#[cfg(test)]
mod seams;
