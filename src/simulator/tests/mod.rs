//! The simulator over real sockets, TLS and HTTP/2.

mod accounts;
mod answers;
mod client;
mod connections;
mod faults;
mod truth;
