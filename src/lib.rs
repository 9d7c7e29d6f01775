//! Fanfare, a gRPC push gateway. `ARCHITECTURE.md` tells the shape.

pub mod app;
pub mod cli;
pub mod config;
pub mod credential;
pub mod desk;
pub mod dispatch;
pub(crate) mod files;
pub mod ingress;
pub mod metrics;
pub mod proto;
pub mod provider;
pub mod push;
pub mod telemetry;
