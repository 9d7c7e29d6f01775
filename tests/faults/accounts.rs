//! The books: what callers were told against what the simulator saw.
//!
//! - Each push has one verdict, and it is true of every request that arrived for it.
//! - What counts in the journal was meant: path, headers and body are those of that very push.
//! - Nothing is delivered twice, unless it was `repeatable`.
//! - UNCONFIRMED is earned: the request was read and not answered, or its answer did not arrive, or it lay in the
//!   buffers of a connection that broke; of the last there are no more than fit into the bytes that lay there, and
//!   of the answers that a proxy swallowed no more than fit into the bytes that it did.

use std::collections::{HashMap, HashSet};

use fanfare::proto::{Delivery, Outcome, Reason};
use fanfare::simulator::Service;
use fanfare::simulator::journal::{self, Entry};

use crate::ledger::{Broken, Ledger, Verdict};
use crate::marker::{Marker, least_bytes};

/// Bytes of a frame without content. Source: RFC 9113, 4.1.
const FRAME_HEAD: u64 = 9;

/// Of an answer of APNs: the head of its frame, a byte for the status, and an `apns-id` of 36 characters in codes of
/// 5 bits or more. Source: RFC 7541, appendices A and B.
const LEAST_ANSWER: u64 = FRAME_HEAD + 1 + 23;

/// What is known of a connection from its two ends.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: u64,
    /// Requests that came to their END_STREAM on it, since the books were closed last.
    pub(crate) whole: u64,
    /// Answers that were written may not have arrived, and the simulator knows why.
    pub(crate) disturbed: bool,
    /// Its last frames may not have arrived.
    pub(crate) unheard: bool,
    /// Bytes that the gateway's kernel took and the simulator never read.
    pub(crate) unseen: u64,
    /// Bytes that the simulator's kernel took and the gateway never read; seen by a proxy alone.
    pub(crate) undelivered: u64,
    /// It speaks HTTP/1.1: no more than one request can have been under way when it broke.
    pub(crate) one_at_a_time: bool,
}

impl Line {
    fn is_disturbed(&self) -> bool {
        self.disturbed || self.undelivered > 0
    }
}

/// What the simulator saw.
pub(crate) struct Seen {
    pub(crate) requests: Vec<Entry>,
    pub(crate) lines: Vec<Line>,
    /// Connections that never spoke HTTP after TLS, or after TCP where there is none. A client has one stream
    /// before it knows a limit.
    pub(crate) silent: u64,
}

/// All requests of one push.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    /// Answered with 200.
    accepted: u32,
    /// Answered with another status.
    refused: u32,
    /// Answered, but the answer may not have arrived in whole.
    lost_answers: u32,
    /// Read in full, or reset with words that leave it open, and not answered.
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
    /// The most that can have been lost.
    pub(crate) lost_answers_most: u64,
    /// UNCONFIRMED because the answer was still under way when its time was over.
    pub(crate) late: u64,
    /// UNCONFIRMED because the request lay in a buffer when its connection broke.
    pub(crate) in_buffers: u64,
    /// The most that can have lain there.
    pub(crate) in_buffers_most: u64,
    /// Neither answered nor in doubt.
    pub(crate) unsent: u64,
    /// Delivered, or perhaps, more than once; each was `repeatable`.
    pub(crate) repeated: u64,
}

/// Closes the books over `ledger`.
pub(crate) fn audit(ledger: &Ledger, seen: &Seen) -> Result<Totals, Broken> {
    let requests = gather(ledger, seen)?;
    let mut totals = Totals {
        requests: seen.requests.len() as u64,
        in_buffers_most: most_in_buffers(seen),
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
    if totals.lost_answers > totals.lost_answers_most {
        return Err(Broken::rule("no more answers are lost than were swallowed", format!("{totals:?}")));
    }
    Ok(totals)
}

/// The requests of each push. Whatever was read has to be what was meant.
fn gather(ledger: &Ledger, seen: &Seen) -> Result<Vec<Requests>, Broken> {
    let disturbed: HashMap<u64, bool> =
        seen.lines.iter().map(|line| (line.id, line.is_disturbed())).collect();
    let mut all = vec![Requests::default(); ledger.verdicts.len()];
    for entry in &seen.requests {
        // Only its body would name the device: it was not processed, and whose it was is told by nobody.
        if entry.service == Service::Mattermost && entry.read.is_none() {
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
            journal::Outcome::Answered { status, .. } => {
                if *status == 200 {
                    self.accepted += 1;
                } else {
                    self.refused += 1;
                    self.status = *status;
                }
                self.lost_answers += u32::from(disturbed || entry.cancelled.or(entry.broken_off).is_some());
            }
            journal::Outcome::Unanswered => self.unanswered += u32::from(entry.read.is_some()),
            journal::Outcome::Reset(_) => self.unanswered += 1,
            journal::Outcome::Refused | journal::Outcome::Excluded => {}
        }
    }

    /// Requests that the gateway has to have counted as attempts.
    fn attempts(&self) -> u32 {
        self.accepted + self.refused + self.unanswered
    }

    /// Deliveries, those in doubt included.
    fn deliveries(&self) -> u32 {
        self.accepted + self.unanswered
    }
}

/// Requests that were written in whole and came to no service, at most.
fn most_in_buffers(seen: &Seen) -> u64 {
    let (mut known, mut begun) = (HashMap::<u64, u64>::new(), HashMap::<u64, u64>::new());
    let unheard: HashSet<u64> = seen.lines.iter().filter(|it| it.unheard).map(|it| it.id).collect();
    for entry in &seen.requests {
        // What was refused or excluded was told so, where the frame that tells it has arrived.
        let told = matches!(entry.outcome, journal::Outcome::Refused | journal::Outcome::Excluded);
        if told && unheard.contains(&entry.connection) {
            continue;
        }
        let count = if told || entry.read.is_some() { &mut known } else { &mut begun };
        *count.entry(entry.connection).or_default() += 1;
    }
    let of_line = |line: &Line| {
        if line.one_at_a_time {
            return u64::from(line.disturbed);
        }
        let of = |count: &HashMap<u64, u64>| count.get(&line.id).copied().unwrap_or(0);
        let unserved = if line.is_disturbed() { line.whole.saturating_sub(of(&known)) } else { 0 };
        // Of a request that had begun to arrive, only the last frame may be missing.
        let last_frames = of(&begun).min(line.unseen / FRAME_HEAD);
        unserved + last_frames + line.unseen.div_ceil(least_bytes())
    };
    seen.silent + seen.lines.iter().map(of_line).sum::<u64>()
}

/// Answers that may not have arrived, at most: those that the simulator knows of, and as many as fit into what a
/// proxy swallowed.
fn most_lost_answers(seen: &Seen) -> u64 {
    let quiet: HashSet<u64> = seen.lines.iter().filter(|it| !it.disturbed).map(|it| it.id).collect();
    let known = |it: &&Entry| {
        matches!(it.outcome, journal::Outcome::Answered { .. })
            && (!quiet.contains(&it.connection) || it.cancelled.or(it.broken_off).is_some())
    };
    let swallowed = |it: &Line| it.undelivered.div_ceil(LEAST_ANSWER);
    seen.requests.iter().filter(known).count() as u64 + seen.lines.iter().map(swallowed).sum::<u64>()
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
                totals.in_buffers += 1;
            }
        }
        Outcome::Unspecified | Outcome::Validated => {
            check(false, "a verdict is one of a push that was sent")?
        }
        Outcome::Unregistered
        | Outcome::InvalidToken
        | Outcome::InvalidArgument
        | Outcome::PayloadTooLarge
        | Outcome::Credential
        | Outcome::RateLimited
        | Outcome::Unavailable
        | Outcome::Internal
        | Outcome::NotAttempted => {
            // Of one that may be repeated, an earlier attempt may stay in doubt.
            let in_doubt = repeatable && delivery == Delivery::Maybe;
            check(in_doubt || delivery == Delivery::No, "what is refused or unsent is not delivered")?;
            check(in_doubt || requests.deliveries() == 0, "delivery NO was never processed")?;
            if status == 0 {
                check(in_doubt || requests.attempts() == 0, "what was not attempted never arrived")?;
                totals.unsent += 1;
            } else {
                check(requests.status == status, "a refusal is that of the push service")?;
            }
        }
    }
    Ok(())
}
