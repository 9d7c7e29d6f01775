//! Who calls.

pub mod jwt;
