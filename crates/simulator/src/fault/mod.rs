//! What can go wrong, and when.
//!
//! The types are the JSON of the control API as well: what a test in Rust can script, a test in any other language can
//! script too.

mod bounds;
mod grammar;
mod json_forms;
mod kinds;
mod opening;
mod parts;
mod rule;

pub use self::bounds::UnfitRule;
pub use self::grammar::RuleError;
pub use self::kinds::Fault;
pub(super) use self::opening::OpeningFault;
pub use self::parts::{AfterGoAway, Front, GoAway, HangUp, LastId, Phase, Refusal, ScriptedAnswer};
pub use self::rule::{FaultRule, Trigger};
