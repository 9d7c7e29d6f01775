//! Fanfare, a gRPC push gateway. `ARCHITECTURE.md` tells the shape.

pub mod app;
pub mod cli;
pub mod config;
pub mod credential;
pub mod desk;
pub mod dispatch;
pub mod files;
pub mod ingress;
pub mod metrics;
pub mod proto;
pub mod provider;
pub mod push;
pub use fanfare_simulator as simulator;
pub mod telemetry;

/// The pool, under the name that it has in the imports.
pub mod upstream {
    pub use fanfare_upstream::*;
    pub use fanfare_upstream::{NoAnswerCause as Lost, UnsentCause as Return};
}
pub use fanfare_upstream::transport;
