//! Every fault of the wire under steady traffic. After each, every push is accounted for.
//!
//! `script` says which faults strike, `traffic` sends through them, and `accounts` compares what callers were told with what
//! the simulator saw. The chaos run shares these modules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod accounts;
mod answers;
mod bounds;
mod connect;
mod connections;
mod http1;
mod ledger;
mod marker;
mod names;
mod network;
mod openings;
mod records;
#[allow(dead_code, reason = "the chaos run does more to upstreams")]
mod script;
mod settings;
mod shape;
mod streams;
mod traffic;
mod tunnels;
mod twice;
mod worlds;
