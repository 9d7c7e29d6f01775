//! Fanfare, a gRPC push gateway. `ARCHITECTURE.md` tells the shape.

pub mod metrics;
pub mod proto;
pub mod push;
pub mod transport;
pub mod upstream;
