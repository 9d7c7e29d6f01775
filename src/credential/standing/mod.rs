//! Whether push services take a credential. One that they refuse twice in a row is shut: all its pushes are answered at once,
//! and one at a time asks again.
//!
//! Each credential has a [`CredentialStanding`] for each place where it is shown: an environment, a project, a token endpoint.
//! All apps that show it there share it, and a configuration that is read again finds it again. The topics that a push
//! service refuses to a credential have standings of their own beside it.

mod backoff;
mod credential_standing;
mod look;
mod name;
mod pass;
mod refusing_answer;
mod shared;
mod state;
#[cfg(test)]
mod tests;
mod topics;

pub use credential_standing::CredentialStanding;
#[cfg(test)]
pub(crate) use look::RefusalLook;
pub(crate) use look::StandingLook;
pub(super) use name::StandingName;
pub(crate) use pass::{HeardOfPush, Pass};
pub(crate) use refusing_answer::RefusingAnswer;
pub(crate) use shared::Refused;
pub(crate) use state::Heard;
