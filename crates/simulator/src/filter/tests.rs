//! What each frame that passes leads to.

use std::sync::Arc;

use bytes::BytesMut;

use super::frame::{self, HEAD_LEN, Head, code, kind};
use super::state::Http2State;
use super::{AdvertisedSettings, OverLimit, Recorders};
use crate::counters::LiveCounters;
use crate::fault::{AfterGoAway, HangUp};
use crate::journal::{Journal, JournalBounds};
use crate::sync::ChangeNotifier;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;

struct Rig {
    state: Http2State,
    recorders: Recorders,
    to_h2: BytesMut,
}

impl Rig {
    /// Makes a connection whose SETTINGS went out with this limit.
    fn started(max_concurrent_streams: u32) -> Self {
        Self::with_over_limit(max_concurrent_streams, OverLimit::Refused)
    }

    fn with_over_limit(max_concurrent_streams: u32, over_limit: OverLimit) -> Self {
        let changes = Arc::new(ChangeNotifier::default());
        let bounds = JournalBounds { entries: 0, headers: 0, bodies: 0 };
        let recorders = Recorders {
            journal: Arc::new(Journal::new(bounds, Arc::clone(&changes))),
            counters: Arc::new(LiveCounters::new(changes)),
        };
        let mut state = Http2State::new(AdvertisedSettings {
            max_concurrent_streams,
            initial_window_size: 65_535,
            header_table_size: 4096,
            max_frame_size: 16_384,
            max_header_list_size: 8000,
            over_limit,
            scheme_with_colon: false,
        });
        state.start();
        state.out.clear();
        Self { state, recorders, to_h2: BytesMut::new() }
    }

    fn frame(kind: u8, flags: u8, stream: u32) -> [u8; HEAD_LEN] {
        let [s0, s1, s2, s3] = stream.to_be_bytes();
        [0, 0, 0, kind, flags, s0, s1, s2, s3]
    }

    /// Gives a frame of the client to the filter, and returns whether h2 sees it.
    fn client_sends(&mut self, kind: u8, flags: u8, stream: u32) -> bool {
        let frame = Self::frame(kind, flags, stream);
        self.to_h2.clear();
        self.state.inbound(&self.recorders, Head::parse(&frame).unwrap(), &frame, &mut self.to_h2);
        !self.to_h2.is_empty()
    }

    /// Gives a frame of h2 to the filter, and returns whether it goes out.
    fn h2_sends(&mut self, kind: u8, flags: u8, stream: u32) -> bool {
        let frame = Self::frame(kind, flags, stream);
        self.state.out.clear();
        self.state.outbound(&self.recorders, Head::parse(&frame).unwrap(), &frame);
        !self.state.out.is_empty()
    }
}

#[test]
fn requests_that_lay_unread_at_the_end_are_counted_as_begun_and_as_whole() {
    let mut rig = Rig::started(10);
    rig.client_sends(kind::HEADERS, 0, 1);
    for (kind, flags, stream) in [
        (kind::DATA, END_STREAM, 1),
        (kind::HEADERS, 0, 3),
        (kind::HEADERS, END_STREAM, 3),
        (kind::HEADERS, 0, 5),
        (kind::DATA, 0, 5),
    ] {
        rig.state.left_over(Head::parse(&Rig::frame(kind, flags, stream)).unwrap());
    }
    assert_eq!((rig.state.requests, rig.state.whole), (3, 2));
}

#[test]
fn a_stream_beyond_the_limit_is_refused_only_once_the_limit_is_acknowledged() {
    let mut rig = Rig::started(1);
    for stream in [1, 3, 5] {
        assert!(rig.client_sends(kind::HEADERS, END_STREAM, stream));
    }
    assert!(rig.state.out.is_empty(), "no limit is in force yet");
    assert_eq!(rig.recorders.counters.snapshot().opened_before_settings, 3);

    assert!(rig.client_sends(kind::SETTINGS, ACK, 0), "h2 waits for the ACK of its own");
    assert!(rig.client_sends(kind::HEADERS, END_STREAM, 7), "h2 needs the header block");
    let mut refusal = BytesMut::new();
    frame::rst_stream(&mut refusal, 7, code::REFUSED_STREAM);
    assert_eq!(rig.state.out, refusal);
    assert_eq!(rig.recorders.counters.snapshot().limit_violations, 1);
    assert!(!rig.h2_sends(kind::HEADERS, END_STREAM, 7), "it is reset already");
    assert!(rig.h2_sends(kind::HEADERS, END_STREAM, 5));
}

#[test]
fn a_stream_beyond_the_limit_of_fcm_ends_the_connection() {
    let mut rig = Rig::with_over_limit(1, OverLimit::EndsConnection);
    rig.client_sends(kind::SETTINGS, ACK, 0);
    rig.client_sends(kind::HEADERS, END_STREAM, 1);
    assert!(rig.state.out.is_empty());
    rig.client_sends(kind::HEADERS, END_STREAM, 3);
    let mut goaway = BytesMut::new();
    frame::goaway(&mut goaway, 1, code::PROTOCOL_ERROR, b"exceeded_max_concurrent_streams");
    assert_eq!(rig.state.out, goaway);
    assert_eq!(rig.state.hang_up, Some(HangUp::Fin));
}

#[test]
fn a_lowered_limit_waits_for_its_own_acknowledgement_which_h2_never_sees() {
    let mut rig = Rig::started(2);
    rig.client_sends(kind::SETTINGS, ACK, 0);
    rig.state.set_limit(1);
    rig.client_sends(kind::HEADERS, END_STREAM, 1);
    rig.client_sends(kind::HEADERS, END_STREAM, 3);
    assert_eq!(rig.recorders.counters.snapshot().limit_violations, 0);
    assert!(!rig.client_sends(kind::SETTINGS, ACK, 0));
    rig.client_sends(kind::HEADERS, END_STREAM, 5);
    assert_eq!(rig.recorders.counters.snapshot().limit_violations, 1);
}

#[test]
fn goaway_silences_what_it_excludes_and_closes_after_the_rest() {
    let mut rig = Rig::started(9);
    for stream in [1, 3] {
        rig.client_sends(kind::HEADERS, END_STREAM, stream);
    }
    rig.state.goaway(&rig.recorders, 1, code::NO_ERROR, b"", AfterGoAway::Drain);
    assert!(!rig.h2_sends(kind::HEADERS, END_STREAM, 3));
    assert!(rig.client_sends(kind::HEADERS, END_STREAM, 5), "h2 needs the header block");
    assert!(!rig.h2_sends(kind::HEADERS, END_STREAM, 5));
    assert_eq!(rig.state.hang_up, None);
    assert!(rig.h2_sends(kind::HEADERS, END_STREAM, 1));
    assert!(rig.state.hang_up.is_some());
}

#[test]
fn a_second_goaway_never_raises_the_last_id() {
    let mut rig = Rig::started(9);
    rig.state.goaway(&rig.recorders, 1, code::NO_ERROR, b"", AfterGoAway::Serve);
    rig.state.out.clear();
    rig.state.goaway(&rig.recorders, 5, code::NO_ERROR, b"", AfterGoAway::Serve);
    let mut expected = BytesMut::new();
    frame::goaway(&mut expected, 1, code::NO_ERROR, b"");
    assert_eq!(rig.state.out, expected);
}
