//! A server that plays a script, frame by frame: each fault that a peer or a network can have, and each attack that RFC
//! 9113, section 10.5, knows of.
//!
//! The server shares no code with the engine: `frames` writes and reads its frames, and another implementation of HPACK
//! reads the heads of requests. `alone` plays to the engine without a socket, and `server` plays over a pipe to the whole
//! pool, which `world` makes.

mod alone;
mod answers;
mod attacks;
mod breakers;
mod breaks;
mod frames;
mod handshakes;
mod heads;
mod limits;
mod matrix;
mod patience;
mod server;
mod silence;
mod streams;
mod unread;
mod windows;
mod world;
