//! What is wrong, whose fault it is, and what to do.

use crate::cli::top::paint::Tone;
use crate::cli::top::section::Cell;
use crate::status::{Fault, Trouble};

/// What stands below whatever is in trouble.
pub(super) fn what_is_wrong(sentence: &str, fault: Option<Fault>, remedy: &str) -> Vec<Cell> {
    let mut below = vec![Cell::new(sentence, Tone::Strong)];
    if let Some(fault) = fault {
        below.push(Cell::new(format!("At fault: {}.", name(fault)), Tone::Plain));
    }
    if !remedy.is_empty() {
        below.push(Cell::new(format!("What to do: {remedy}"), Tone::Plain));
    }
    below
}

/// The same of what belongs to no app.
pub(super) fn of(trouble: Option<&Trouble>) -> Vec<Cell> {
    trouble.map(|it| what_is_wrong(&it.sentence, Some(it.fault), &it.remedy)).unwrap_or_default()
}

/// As the status page names them.
fn name(fault: Fault) -> &'static str {
    match fault {
        Fault::Operator => "a credential or setting of this gateway",
        Fault::Upstream => "the push service",
        Fault::Network => "what lies between this machine and the push service",
        Fault::Quota => "more is sent than the push service allows",
        Fault::Caller => "whoever hands the pushes in",
        Fault::Gateway => "the gateway itself, or its size",
    }
}
