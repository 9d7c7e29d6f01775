//! An HTTP/2 client without socket, clock, lock or task.

pub(crate) mod hpack;
