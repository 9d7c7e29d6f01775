//! What two calls with one id and `Options.once` were told, as the one verdict that the accounts know.

use fanfare::proto::{self, Delivery};

use crate::ledger::{Broken, Verdict};
use crate::marker::Marker;

/// The verdict of a push that was sent twice: that of the first, which the second shares. Where the first was provably not
/// delivered before the second came, the second is a try of its own, and the push was attempted as often as both say.
pub(crate) fn of_two(
    marker: Marker,
    (one, other): (proto::PushResult, proto::PushResult),
) -> Result<Verdict, Broken> {
    let verdicts = (Verdict::of(&one), Verdict::of(&other));
    let check = |holds: bool, rule| {
        if holds { Ok(()) } else { Err(Broken::push(rule, marker.0, format!("{verdicts:?}"))) }
    };
    if one.of_first || other.of_first {
        check(!(one.of_first && other.of_first), "one of two that are sent once is the first")?;
        check(verdicts.0 == verdicts.1, "the second has the verdict of the first")?;
        return Ok(verdicts.0);
    }
    let not_delivered = [&one, &other].iter().any(|result| result.delivery() == Delivery::No);
    check(not_delivered, "what may have been delivered is not sent again")?;
    // What says most of the requests stands: a delivery, or else an answer.
    let says = |it: &Verdict| (it.delivery != Delivery::No, it.status != 0);
    let (less, most) =
        if says(&verdicts.0) > says(&verdicts.1) { (verdicts.1, verdicts.0) } else { verdicts };
    Ok(Verdict { attempts: most.attempts + less.attempts, ..most })
}
