//! What the frames of a connection have led to so far.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::BytesMut;

use super::advertised::AdvertisedSettings;
use super::frame::{self, Head, code, kind, setting};
use crate::counters::LiveCounters;
use crate::decision::FollowUp;
use crate::fault::{AfterGoAway, HangUp};
use crate::journal::{EntryId, Journal, RequestOutcome};

/// Where the filter records what it sees.
pub(crate) struct Recorders {
    pub(crate) journal: Arc<Journal>,
    pub(crate) counters: Arc<LiveCounters>,
}

/// An answer that the service hands to h2. It counts once its HEADERS pass the filter.
pub(crate) struct AnnouncedAnswer {
    pub(crate) outcome: RequestOutcome,
    pub(crate) follow_up: FollowUp,
}

/// A stream that is open on the wire.
#[derive(Default)]
pub(super) struct OpenStream {
    pub(super) entry: Option<EntryId>,
    pub(super) announced: Option<AnnouncedAnswer>,
    /// Whether the HEADERS of the answer went out.
    pub(super) answered: bool,
    pub(super) ended_by_client: bool,
    pub(super) ended_by_us: bool,
}

pub(super) struct Http2State {
    pub(super) advertised: AdvertisedSettings,
    pub(super) streams: HashMap<u32, OpenStream>,
    /// The streams that the simulator reset, for the life of the connection: what h2 still writes for them is dropped.
    pub(super) cut: HashMap<u32, RequestOutcome>,
    pub(super) highest: u32,
    /// The last stream id of the last GOAWAY.
    pub(super) last_served: u32,
    /// The limit that is advertised now, and those of SETTINGS which the client has not acknowledged.
    pub(super) limit: u32,
    pub(super) unacknowledged: VecDeque<SentSettings>,
    pub(super) acknowledged: Option<u32>,
    /// Whether a good provider token was answered since the start or the last expired one.
    authorised: bool,
    /// Whole frames on their way to the socket.
    pub(super) out: BytesMut,
    /// Whether the first SETTINGS went out, so other frames may follow.
    pub(super) started: bool,
    pub(super) stalled: bool,
    pub(super) throttle: Option<(usize, Duration)>,
    pub(super) hang_up: Option<HangUp>,
    /// Whether the connection ends as soon as no stream is open.
    draining: bool,
    pub(super) waker: Option<Waker>,
    pub(super) peak: usize,
    pub(super) violations: u64,
    pub(super) requests: u64,
    /// How many requests came to their END_STREAM, whether or not they were served.
    pub(super) whole: u64,
    /// How many of these lay unread at the end.
    unread: u64,
}

/// A SETTINGS frame that the client has not acknowledged.
pub(super) struct SentSettings {
    pub(super) limit: u32,
    /// Whether the filter added it, so h2 must not see its acknowledgement.
    pub(super) injected: bool,
}

impl Http2State {
    pub(super) fn new(advertised: AdvertisedSettings) -> Self {
        Self {
            advertised,
            streams: HashMap::new(),
            cut: HashMap::new(),
            highest: 0,
            last_served: frame::MAX_STREAM_ID,
            limit: advertised.max_concurrent_streams,
            unacknowledged: VecDeque::new(),
            acknowledged: None,
            authorised: false,
            out: BytesMut::new(),
            started: false,
            stalled: false,
            throttle: None,
            hang_up: None,
            draining: false,
            waker: None,
            peak: 0,
            violations: 0,
            requests: 0,
            whole: 0,
            unread: 0,
        }
    }

    /// Writes the first frame of the connection, in place of the one of h2.
    pub(super) fn start(&mut self) {
        let AdvertisedSettings {
            max_concurrent_streams,
            initial_window_size,
            header_table_size,
            max_frame_size,
            max_header_list_size,
            over_limit: _,
            scheme_with_colon: _,
        } = self.advertised;
        let first = [
            (setting::HEADER_TABLE_SIZE, header_table_size),
            (setting::MAX_CONCURRENT_STREAMS, max_concurrent_streams),
            (setting::INITIAL_WINDOW_SIZE, initial_window_size),
            (setting::MAX_FRAME_SIZE, max_frame_size),
            (setting::MAX_HEADER_LIST_SIZE, max_header_list_size),
        ];
        frame::settings(&mut self.out, &first);
        self.unacknowledged.push_back(SentSettings { limit: max_concurrent_streams, injected: false });
        self.started = true;
        // A fault may have set a limit before the first SETTINGS could go out.
        if self.limit != max_concurrent_streams {
            self.set_limit(self.limit);
        }
    }

    pub(super) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
        if self.started {
            frame::settings(&mut self.out, &[(setting::MAX_CONCURRENT_STREAMS, limit)]);
            self.unacknowledged.push_back(SentSettings { limit, injected: true });
        }
    }

    /// Returns the most streams that the client may have open. A lower limit holds once the client acknowledges it,
    /// and before the first acknowledgement there is none. Source: RFC 9113, 6.5.3.
    pub(super) fn allowed(&self) -> Option<u32> {
        let acknowledged = self.acknowledged?;
        Some(self.unacknowledged.iter().map(|sent| sent.limit).fold(acknowledged, u32::max))
    }

    pub(super) fn reset(&mut self, recorders: &Recorders, stream: u32, codes: &[u32]) {
        let Some(open) = self.streams.remove(&stream) else { return };
        let outcome = match codes.first() {
            Some(&code::REFUSED_STREAM) | None => RequestOutcome::Refused,
            Some(&other) => RequestOutcome::Reset(other),
        };
        match open.entry {
            Some(entry) if open.answered => {
                recorders.journal.break_off(entry, codes.first().copied().unwrap_or_default());
            }
            Some(entry) => recorders.journal.conclude(entry, outcome.clone()),
            None => {}
        }
        self.cut.insert(stream, outcome);
        for code in codes {
            frame::rst_stream(&mut self.out, stream, *code);
            recorders.counters.add(&recorders.counters.resets_sent);
        }
        self.close_if_drained();
    }

    pub(super) fn goaway(
        &mut self,
        recorders: &Recorders,
        last: u32,
        code: u32,
        debug_data: &[u8],
        then: AfterGoAway,
    ) {
        // A later GOAWAY may exclude more streams, never fewer. Source: RFC 9113, 6.8.
        self.last_served = self.last_served.min(last);
        frame::goaway(&mut self.out, self.last_served, code, debug_data);
        recorders.counters.add(&recorders.counters.goaways_sent);

        // A stream whose answer began before the GOAWAY cannot be excluded any more.
        let excluded: Vec<u32> = self
            .streams
            .iter()
            .filter(|(id, stream)| **id > self.last_served && !stream.answered)
            .map(|(id, _)| *id)
            .collect();
        for stream in excluded {
            if let Some(entry) = self.streams.remove(&stream).and_then(|open| open.entry) {
                recorders.journal.conclude(entry, RequestOutcome::Excluded);
            }
        }
        match then {
            AfterGoAway::Drain => self.draining = true,
            AfterGoAway::Serve => {}
            AfterGoAway::HangUp(how) => self.hang_up = Some(how),
        }
        self.close_if_drained();
    }

    /// Does what follows an answer that is on the wire.
    pub(super) fn after_answer(&mut self, recorders: &Recorders, follow_up: FollowUp) {
        match follow_up {
            FollowUp::Nothing => {}
            FollowUp::Authorised(limit) => {
                if !self.authorised {
                    self.authorised = true;
                    self.set_limit(limit);
                }
            }
            FollowUp::Expired => {
                self.authorised = false;
                self.set_limit(1);
                let others: Vec<u32> =
                    self.streams.iter().filter(|(_, stream)| !stream.answered).map(|(id, _)| *id).collect();
                for stream in others {
                    self.reset(recorders, stream, &[code::REFUSED_STREAM, code::STREAM_CLOSED]);
                }
            }
        }
    }

    pub(super) fn count_whole(&mut self, head: Head) {
        self.whole += u64::from(head.ends_stream());
    }

    /// Counts HEADERS that begin a request. The result is false for trailers.
    pub(super) fn count_begun(&mut self, head: Head) -> bool {
        let begins = head.stream > self.highest;
        if begins {
            self.highest = head.stream;
            self.requests += 1;
        }
        begins
    }

    /// Counts a frame that nobody reads any more.
    pub(super) fn left_over(&mut self, head: Head) {
        if head.kind == kind::HEADERS {
            self.count_begun(head);
        }
        self.count_whole(head);
        self.unread += u64::from(head.ends_stream());
    }

    /// Whether answers that were written may not have arrived in whole.
    pub(super) fn disturbed(&self, open: bool) -> bool {
        self.unheard(open) || (!open && !self.streams.is_empty())
    }

    /// Whether the last frames may not have left or arrived. If a socket is closed with requests unread, the kernel
    /// resets it and drops what was still to be sent.
    pub(super) fn unheard(&self, open: bool) -> bool {
        let unread = !open && self.unread > 0;
        unread || self.stalled || self.throttle.is_some() || self.hang_up == Some(HangUp::Reset)
    }

    pub(super) fn close_if_drained(&mut self) {
        if self.draining && self.streams.is_empty() && self.hang_up.is_none() {
            self.hang_up = Some(HangUp::Fin);
        }
    }
}
