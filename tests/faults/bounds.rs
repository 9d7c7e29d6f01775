//! How much can be in doubt, from what the two ends of each connection know of it.

use std::collections::{HashMap, HashSet};

use fanfare::simulator::journal::{self, Entry};

use crate::marker::least_bytes;

/// Bytes of a frame without content. Source: RFC 9113, 4.1.
const FRAME_HEAD: u64 = 9;

/// Of a request: the head of its first frame, and 64 digits of a device token in codes of 5 bits or more.
/// Source: RFC 7541, appendix B.
const LEAST_HEAD: u64 = FRAME_HEAD + 40;

/// Of an answer of APNs: the head of its frame, a byte for the status, and an `apns-id` of 36 characters in codes of
/// 5 bits or more. Source: RFC 7541, appendices A and B.
const LEAST_ANSWER: u64 = FRAME_HEAD + 1 + 23;

/// What is known of a connection from its two ends.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: u64,
    /// Requests that came to their END_STREAM on it, since the books were closed last.
    pub(crate) whole: u64,
    /// Requests that began on it and did not come to their END_STREAM, since then.
    pub(crate) partial: u64,
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
    pub(crate) fn is_disturbed(&self) -> bool {
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

/// Requests that were written in whole and came to no service, at most.
pub(crate) fn most_in_buffers(seen: &Seen) -> u64 {
    let (mut known, mut begun) = (HashMap::<u64, u64>::new(), HashMap::<u64, u64>::new());
    let unheard: HashSet<u64> = seen.lines.iter().filter(|it| it.unheard).map(|it| it.id).collect();
    for entry in &seen.requests {
        // What was refused or excluded was told so, where the frame that tells it has arrived.
        let told =
            matches!(entry.outcome, journal::RequestOutcome::Refused | journal::RequestOutcome::Excluded);
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

/// Requests of which a connection that stalls, or hardly moves, kept a part from leaving until their time was over,
/// at most. Such a connection lives as far as its client can know, so that nothing proves them unsent.
pub(crate) fn most_held_back(seen: &Seen) -> u64 {
    let of_line = |line: &Line| line.partial + line.unseen.div_ceil(LEAST_HEAD);
    seen.lines.iter().filter(|line| line.unheard).map(of_line).sum()
}

/// Answers that may not have arrived, at most: those that the simulator knows of, and as many as fit into what a
/// proxy swallowed.
pub(crate) fn most_lost_answers(seen: &Seen) -> u64 {
    let quiet: HashSet<u64> = seen.lines.iter().filter(|it| !it.disturbed).map(|it| it.id).collect();
    let known = |it: &&Entry| {
        matches!(it.outcome, journal::RequestOutcome::Answered { .. })
            && (!quiet.contains(&it.connection) || it.cancelled.or(it.broken_off).is_some())
    };
    let swallowed = |it: &Line| it.undelivered.div_ceil(LEAST_ANSWER);
    seen.requests.iter().filter(known).count() as u64 + seen.lines.iter().map(swallowed).sum::<u64>()
}
