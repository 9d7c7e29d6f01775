//! The wall clock.

use std::time::SystemTime;

/// The wall clock, by which push services judge a token's age. Tests put their own in.
pub(super) type WallClock = Box<dyn Fn() -> SystemTime + Send + Sync>;
