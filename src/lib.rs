//! Fanfare, a gRPC push gateway. `ARCHITECTURE.md` tells the shape.

pub mod proto;
pub mod push;
pub mod simulator;
