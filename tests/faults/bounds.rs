//! Bounds how many pushes can be in doubt, by what the two ends of each connection know of it.

use std::collections::{HashMap, HashSet};

use fanfare_simulator::journal::{self, Entry};

use crate::marker::least_bytes;

/// The length of a frame without content. Source: RFC 9113, 4.1.
const FRAME_HEAD: u64 = 9;

/// The shortest request: the head of its first frame, and 64 digits of a device token in codes of 5 bits or more.
/// Source: RFC 7541, appendix B.
const LEAST_HEAD: u64 = FRAME_HEAD + 40;

/// The shortest answer of APNs: the head of its frame, a byte for the status, and an `apns-id` of 36 characters in codes of
/// 5 bits or more. Source: RFC 7541, appendices A and B.
const LEAST_ANSWER: u64 = FRAME_HEAD + 1 + 23;

/// What the two ends of a connection know of it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: u64,
    /// How many requests came to their END_STREAM on it since the last audit.
    pub(crate) whole: u64,
    /// How many requests began on it since then and did not come to their END_STREAM.
    pub(crate) partial: u64,
    /// Whether answers that were written may not have arrived, for a reason that the simulator knows.
    pub(crate) disturbed: bool,
    /// Whether its last frames may not have arrived.
    pub(crate) unheard: bool,
    /// How many bytes the gateway's kernel took and the simulator never read.
    pub(crate) unseen: u64,
    /// How many bytes the simulator's kernel took and the gateway never read. Only a proxy sees this.
    pub(crate) undelivered: u64,
    /// Whether it speaks HTTP/1.1, on which at most one request can have been under way when it broke.
    pub(crate) one_at_a_time: bool,
}

impl Line {
    pub(crate) fn is_disturbed(&self) -> bool {
        self.disturbed || self.undelivered > 0
    }
}

/// All connections as the simulator saw them.
pub(crate) struct Seen {
    pub(crate) requests: Vec<Entry>,
    pub(crate) lines: Vec<Line>,
    /// How many connections never spoke HTTP after TLS, or after TCP if there is no TLS. A client has one stream before it
    /// knows a limit.
    pub(crate) silent: u64,
}

/// The most requests that can have been written in whole and never came to the push service.
pub(crate) fn most_in_buffers(seen: &Seen) -> u64 {
    let (mut known, mut begun) = (HashMap::<u64, u64>::new(), HashMap::<u64, u64>::new());
    let unheard: HashSet<u64> = seen.lines.iter().filter(|it| it.unheard).map(|it| it.id).collect();
    for entry in &seen.requests {
        // A request that was refused or excluded was told so, if the frame that tells it has arrived.
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
        // If a request had begun to arrive, only its last frame may be missing.
        let last_frames = of(&begun).min(line.unseen / FRAME_HEAD);
        unserved + last_frames + line.unseen.div_ceil(least_bytes())
    };
    seen.silent + seen.lines.iter().map(of_line).sum::<u64>()
}

/// The most requests of which a stalled or very slow connection can have kept a part from leaving until their deadline. As far
/// as its client can know such a connection lives, so nothing proves that they are unsent.
pub(crate) fn most_held_back(seen: &Seen) -> u64 {
    let of_line = |line: &Line| line.partial + line.unseen.div_ceil(LEAST_HEAD);
    seen.lines.iter().filter(|line| line.unheard).map(of_line).sum()
}

/// The most answers that may not have arrived: those that the simulator knows of, and as many as fit into the bytes that a
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
