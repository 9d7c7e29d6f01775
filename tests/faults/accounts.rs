//! The accounts: what callers were told is compared with what the simulator saw.
//!
//! - Each push has one verdict, and it is true of every request that arrived for it.
//! - Each request in the journal is the one that was meant: path, headers and body are those of that very push.
//! - Nothing is delivered twice, unless it was `repeatable`.
//! - UNCONFIRMED has a reason: the request was read and not answered, or its answer did not arrive, or it lay in the buffers
//!   of a connection that broke, or its deadline came while a stalled connection let nothing more of it through. Of each
//!   there are no more than `bounds.rs` allows.

use std::collections::HashMap;

use fanfare::proto::{Delivery, Outcome, Reason};
use fanfare_simulator::Service;
use fanfare_simulator::journal::{self, Entry};

use crate::bounds::{Seen, most_held_back, most_in_buffers, most_lost_answers};
use crate::ledger::{Broken, Ledger, Verdict};
use crate::marker::Marker;

/// Counts the requests of one push by what became of them.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    /// How many were answered with 200.
    accepted: u32,
    /// How many were answered with another status.
    refused: u32,
    /// How many were answered, though the answer may not have arrived in whole.
    lost_answers: u32,
    /// How many were read in full, or reset with a code that leaves this open, and not answered.
    unanswered: u32,
    /// The status of the last answer that was not 200.
    status: u16,
}

/// The result of an audit.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) requests: u64,
    pub(crate) outcomes: HashMap<&'static str, u64>,
    pub(crate) accepted: u64,
    pub(crate) unconfirmed: u64,
    /// UNCONFIRMED because the simulator read and did not answer.
    pub(crate) unanswered: u64,
    /// UNCONFIRMED because the answer did not arrive in whole.
    pub(crate) lost_answers: u64,
    /// The most answers that can have been lost.
    pub(crate) lost_answers_most: u64,
    /// UNCONFIRMED because the answer was still under way at the deadline.
    pub(crate) late: u64,
    /// UNCONFIRMED because the request lay in a buffer when its connection broke.
    pub(crate) in_buffers: u64,
    /// The most requests that can have lain there.
    pub(crate) in_buffers_most: u64,
    /// UNCONFIRMED because the deadline came before the request had left, or arrived, in whole.
    pub(crate) held_back: u64,
    /// The most requests that can have been held back, beside those in buffers.
    pub(crate) held_back_most: u64,
    /// Pushes that were neither answered nor are in doubt.
    pub(crate) unsent: u64,
    /// Those of them that were held back because the upstream failed.
    pub(crate) left_alone: u64,
    /// Those of them whose turn at the pace of the upstream did not come in time.
    pub(crate) paced: u64,
    /// Pushes that were, or may have been, delivered more than once. Each was `repeatable`.
    pub(crate) repeated: u64,
}

/// Audits the verdicts of the ledger.
pub(crate) fn audit(ledger: &Ledger, seen: &Seen) -> Result<Totals, Broken> {
    let requests = gather(ledger, seen)?;
    let mut totals = Totals {
        requests: seen.requests.len() as u64,
        in_buffers_most: most_in_buffers(seen),
        held_back_most: most_held_back(seen),
        lost_answers_most: most_lost_answers(seen),
        ..Totals::default()
    };
    for ((at, verdict), requests) in ledger.verdicts.iter().enumerate().zip(&requests) {
        let number = ledger.first + at as u64;
        let verdict = verdict.ok_or_else(|| Broken::push("a push has a verdict", number, "none came"))?;
        judge(number, verdict, *requests, ledger.is_repeatable(number), &mut totals)?;
    }
    if totals.in_buffers > totals.in_buffers_most {
        return Err(Broken::rule("no more is in doubt than lay in buffers", format!("{totals:?}")));
    }
    if totals.in_buffers + totals.held_back > totals.in_buffers_most + totals.held_back_most {
        return Err(Broken::rule(
            "no more is held back than was begun or lay in buffers",
            format!("{totals:?}"),
        ));
    }
    if totals.lost_answers > totals.lost_answers_most {
        return Err(Broken::rule("no more answers are lost than were swallowed", format!("{totals:?}")));
    }
    Ok(totals)
}

/// Collects the requests of each push. Each that was read has to be the one that was meant.
fn gather(ledger: &Ledger, seen: &Seen) -> Result<Vec<Requests>, Broken> {
    let disturbed: HashMap<u64, bool> =
        seen.lines.iter().map(|line| (line.id, line.is_disturbed())).collect();
    let mut all = vec![Requests::default(); ledger.verdicts.len()];
    for entry in &seen.requests {
        // Only the body would name the device. The request was not processed, so nothing tells whose it was.
        if matches!(entry.service, Service::Mattermost | Service::Fcm) && entry.read.is_none() {
            continue;
        }
        // Google gives access tokens where FCM is.
        if entry.service == Service::Fcm && &*entry.path == "/token" {
            continue;
        }
        let Some(marker) = entry.device_token().and_then(Marker::of_token) else {
            return Err(Broken::rule("a request is of a push that was sent", format!("{entry:?}")));
        };
        let at = marker.0.checked_sub(ledger.first).and_then(|at| usize::try_from(at).ok());
        let Some(requests) = at.and_then(|at| all.get_mut(at)) else {
            return Err(Broken::push("a request is of a push under way", marker.0, format!("{entry:?}")));
        };
        if entry.read.as_ref().is_some_and(|reading| reading.digest != marker.digest(entry.service)) {
            return Err(Broken::push(
                "path, headers and body are those of the push",
                marker.0,
                format!("{entry:?}"),
            ));
        }
        let disturbed = disturbed.get(&entry.connection).copied().unwrap_or(true);
        requests.take(entry, disturbed);
    }
    Ok(all)
}

impl Requests {
    fn take(&mut self, entry: &Entry, disturbed: bool) {
        match &entry.outcome {
            journal::RequestOutcome::Answered { status, .. } => {
                if *status == 200 {
                    self.accepted += 1;
                } else {
                    self.refused += 1;
                    self.status = *status;
                }
                self.lost_answers += u32::from(disturbed || entry.cancelled.or(entry.broken_off).is_some());
            }
            journal::RequestOutcome::Unanswered => self.unanswered += u32::from(entry.read.is_some()),
            journal::RequestOutcome::Reset(_) => self.unanswered += 1,
            journal::RequestOutcome::Refused | journal::RequestOutcome::Excluded => {}
        }
    }

    /// How many requests the gateway has to have counted as attempts.
    fn attempts(&self) -> u32 {
        self.accepted + self.refused + self.unanswered
    }

    /// How many deliveries there were, with those in doubt.
    fn deliveries(&self) -> u32 {
        self.accepted + self.unanswered
    }
}

/// Whether a verdict is true of its requests.
fn judge(
    number: u64,
    verdict: Verdict,
    requests: Requests,
    repeatable: bool,
    totals: &mut Totals,
) -> Result<(), Broken> {
    let Verdict { outcome, delivery, reason, status, attempts } = verdict;
    let check = |holds: bool, rule| {
        if holds { Ok(()) } else { Err(Broken::push(rule, number, format!("{verdict:?} {requests:?}"))) }
    };
    *totals.outcomes.entry(outcome.as_str_name()).or_default() += 1;
    check(repeatable || requests.deliveries() <= 1, "nothing is delivered twice")?;
    check(requests.attempts() <= u32::from(attempts), "no request is left out of the attempts")?;
    totals.repeated += u64::from(requests.deliveries() > 1);
    match outcome {
        Outcome::Accepted => {
            check(delivery == Delivery::Accepted, "ACCEPTED says so of the delivery")?;
            check(requests.accepted >= 1, "ACCEPTED was accepted")?;
            check(repeatable || requests.unanswered == 0, "ACCEPTED is not in doubt")?;
            check(repeatable || requests.attempts() == u32::from(attempts), "attempts are requests")?;
            totals.accepted += 1;
        }
        Outcome::Unconfirmed => {
            check(delivery == Delivery::Maybe, "UNCONFIRMED may have been delivered")?;
            totals.unconfirmed += 1;
            if requests.unanswered > 0 {
                totals.unanswered += 1;
            } else if requests.lost_answers > 0 {
                totals.lost_answers += 1;
            } else if requests.attempts() > 0 && reason == Reason::AnswerTimeout {
                totals.late += 1;
            } else {
                check(requests.accepted == 0, "an answer that arrived is told")?;
                let held_back = reason == Reason::AnswerTimeout;
                let count = if held_back { &mut totals.held_back } else { &mut totals.in_buffers };
                *count += 1;
            }
        }
        Outcome::Unspecified | Outcome::Validated => {
            check(false, "a verdict is one of a push that was sent")?
        }
        Outcome::Unregistered
        | Outcome::InvalidToken
        | Outcome::InvalidPush
        | Outcome::PayloadTooLarge
        | Outcome::Credential
        | Outcome::RateLimited
        | Outcome::UpstreamUnavailable
        | Outcome::Internal
        | Outcome::NotAttempted => {
            // If the push may be repeated, an earlier attempt of it may stay in doubt.
            let in_doubt = repeatable && delivery == Delivery::Maybe;
            check(in_doubt || delivery == Delivery::No, "what is refused or unsent is not delivered")?;
            check(in_doubt || requests.deliveries() == 0, "delivery NO was never processed")?;
            if status == 0 {
                check(in_doubt || requests.attempts() == 0, "what was not attempted never arrived")?;
                totals.unsent += 1;
                totals.left_alone += u64::from(reason == Reason::BreakerOpen);
                totals.paced += u64::from(reason == Reason::Paced);
            } else {
                // The status of an attempt in doubt may be that of an answer which broke off after its head.
                let broke_off = in_doubt && status == 200 && requests.lost_answers > 0;
                // A push whose credential was refused meanwhile is told what the others were answered.
                let of_others = outcome == Outcome::Credential && status == 403 && requests.status != 403;
                check(
                    broke_off || of_others || requests.status == status,
                    "a refusal is that of the push service",
                )?;
            }
        }
    }
    Ok(())
}
