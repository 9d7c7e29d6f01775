//! Whether push services take a credential. One that they refuse twice in a row is shut: all its pushes are answered at once,
//! and one at a time asks again.
//!
//! Each credential has a [`CredentialDoor`] for each place where it is shown: an environment, a project, a token endpoint.
//! All apps that show it there share the door, and a configuration that is read again finds it again. The topics that a push
//! service refuses to a credential have doors of their own behind it.

mod backoff;
mod credential_door;
mod door;
mod name;
mod pass;
mod state;
#[cfg(test)]
mod tests;
mod topics;

pub use credential_door::CredentialDoor;
pub(crate) use door::{Refused, RefusingAnswer};
pub(super) use name::DoorName;
pub(crate) use pass::{HeardOfPush, Pass};
pub(crate) use state::Heard;
