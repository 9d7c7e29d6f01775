//! Attacks, as RFC 9113, section 10.5, names them: what the peer gets for them, and what others are told.

use super::alone::{Alone, Told};
use super::frames::*;
use crate::http2::engine::Progress;

/// The codes that end a connection. Source: RFC 9113, section 7.
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const FRAME_SIZE_ERROR: u32 = 6;
const COMPRESSION_ERROR: u32 = 9;
const ENHANCE_YOUR_CALM: u32 = 11;

/// The streams of an engine that is attacked.
const ANSWERED: u32 = 1;
const BEGUN_ANSWER: u32 = 3;
const WHOLE: u32 = 5;
const NOT_TAKEN: u32 = 7;
const CANCELLED: u32 = 9;

/// A connection with one stream in each state.
fn attacked() -> Alone {
    let mut alone = Alone::new(&[]);
    for id in [ANSWERED, BEGUN_ANSWER, WHOLE] {
        assert_eq!(alone.begin(300), id);
    }
    alone.wrote();
    alone.hear(&[ok(ANSWERED), head(BEGUN_ANSWER)].concat()).unwrap();
    assert_eq!(alone.told(), [(ANSWERED, Told::Answered(200))]);
    assert_eq!(alone.begin(300), NOT_TAKEN);
    assert_eq!(alone.begin(300), CANCELLED);
    alone.engine.cancel(CANCELLED).unwrap();
    alone
}

/// What an attack came to.
#[derive(Debug, PartialEq, Eq)]
struct Figures {
    /// How many frames came until the connection ended.
    frames: usize,
    /// The code that the peer was told.
    code: u32,
    /// How many bytes the attack made the engine write, with the GOAWAY of 17 bytes.
    wrote: usize,
    /// The most bytes that were kept because of it.
    kept: usize,
}

/// Says a frame until the connection ends. Nobody reads what the engine writes.
fn attack(name: &str, before: &[u8], frame: &[u8]) -> Figures {
    let mut alone = attacked();
    let began = alone.engine.output().len();
    let mut kept = 0;
    let mut said = alone.hear(before);
    let mut frames = 0;
    while said.is_ok() {
        frames += 1;
        assert!(frames < 1_000_000, "{name} goes on for ever");
        said = alone.hear(frame);
        kept = kept.max(alone.engine.kept() - began);
    }
    let (code, wrote) = (said.unwrap_err(), alone.engine.output().len() - began);
    assert_eq!(alone.told(), [], "{name}");
    // The client says why it goes, and nothing after it.
    let mut output = alone.engine.output().to_vec();
    let last = std::iter::from_fn(|| take_frame(&mut output)).last().unwrap();
    assert_eq!(last.goaway(), Some(code), "{name}");
    assert_eq!(
        alone.lost(),
        [
            (BEGUN_ANSWER, Told::Lost(Progress::Complete, Some(200))),
            (WHOLE, Told::Lost(Progress::Complete, None)),
            (NOT_TAKEN, Told::Lost(Progress::NotBegun, None)),
        ],
        "{name}"
    );
    Figures { frames, code, wrote, kept }
}

/// A connection ends with this frame of those that bring nothing.
const USELESS: usize = 10_001;

#[test]
fn frames_that_bring_nothing_end_the_connection_and_cost_little_until_then() {
    let nothing = Vec::new;
    let block = || frame(HEADERS, 0, WHOLE, &[]);
    let informational = headers(WHOLE, false, &[(":status", "103")]);
    for (name, before, frame, written_for_each) in [
        ("PING", nothing(), ping(7), 17),
        ("an answer to no PING", nothing(), frame(PING, ACK, 0, &[0; 8]), 0),
        ("SETTINGS", nothing(), settings(&[]), 9),
        ("SETTINGS that change much", nothing(), settings(&[(WINDOW, 1), (TABLE_SIZE, 0)].repeat(1365)), 9),
        ("an ACK of SETTINGS", nothing(), settings_ack(), 0),
        ("empty DATA", nothing(), data(BEGUN_ANSWER, false, b""), 0),
        ("empty DATA of a cancelled stream", nothing(), data(CANCELLED, false, b""), 0),
        ("DATA of an ended stream", nothing(), data(ANSWERED, false, b"x"), 0),
        ("HEADERS of an ended stream", nothing(), head(ANSWERED), 0),
        ("RST_STREAM of an ended stream", nothing(), rst(ANSWERED, 8), 0),
        ("WINDOW_UPDATE of an ended stream", nothing(), window_update(ANSWERED, 1), 0),
        ("WINDOW_UPDATE of a stream that is sent", nothing(), window_update(WHOLE, 1), 0),
        ("WINDOW_UPDATE of the connection", nothing(), window_update(0, 1), 0),
        ("PRIORITY", nothing(), frame(PRIORITY, 0, WHOLE, &[0; 5]), 0),
        ("PRIORITY of an idle stream", nothing(), frame(PRIORITY, 0, 99, &[0; 5]), 0),
        ("a frame of no known type", nothing(), frame(0x7f, 0xff, 0, &[0; 100]), 0),
        ("GOAWAY", nothing(), goaway(LARGEST, 0), 0),
        ("empty CONTINUATION", block(), frame(CONTINUATION, 0, WHOLE, &[]), 0),
        ("a head before the last one", nothing(), informational, 0),
    ] {
        let Figures { frames, code, wrote, kept } = attack(name, &before, &frame);
        assert_eq!((frames, code), (USELESS, ENHANCE_YOUR_CALM), "{name}");
        // The last PING is answered too, and the last SETTINGS is not.
        let most = written_for_each * USELESS + 17;
        assert!(wrote <= most && most - wrote <= written_for_each, "{name} {wrote}");
        assert!(kept <= most && most < 256 * 1024, "{name} {kept}");
    }
}

#[test]
fn a_late_answer_to_a_cancelled_stream_brings_no_more_than_one_head() {
    let Figures { frames, code, wrote, .. } = attack("heads of a cancelled stream", &[], &head(CANCELLED));
    assert_eq!((code, wrote), (ENHANCE_YOUR_CALM, 17));
    assert!(frames <= USELESS + 1, "{frames}");
}

#[test]
fn a_late_answer_to_a_cancelled_stream_counts_against_its_window() {
    let figures = attack("DATA of a cancelled stream", &head(CANCELLED), &data(CANCELLED, false, &[0; 1000]));
    assert_eq!(figures, Figures { frames: 66, code: FLOW_CONTROL_ERROR, wrote: 17, kept: 17 });
}

#[test]
fn windows_that_open_and_let_nothing_through_end_the_connection() {
    // The body is blocked by the window of its stream, so that of the connection changes nothing, and the other way
    // round.
    for (name, first, blocked, frame) in [
        ("the connection's window", 0, 1, window_update(0, 1)),
        ("a stream's window", 65_535, 3, window_update(3, 1)),
    ] {
        let mut alone = Alone::new(&[(WINDOW, first)]);
        assert_eq!(alone.begin(usize::try_from(first.max(300)).unwrap()), 1);
        if blocked == 3 {
            // The first body took the whole window of the connection, and the next has none of it left.
            alone.wrote();
            alone.hear(&window_update(0, 1)).unwrap();
            assert_eq!(alone.begin(300), 3);
        }
        let ended = (0..100_000).find_map(|frames| alone.hear(&frame).err().map(|code| (frames, code)));
        let (frames, code) = ended.unwrap_or_else(|| panic!("{name} opens for ever"));
        assert_eq!(code, ENHANCE_YOUR_CALM, "{name}");
        assert!(frames <= USELESS, "{name} {frames}");
    }
}

#[test]
fn one_frame_that_may_not_be_ends_the_connection() {
    let in_block = frame(HEADERS, 0, WHOLE, &[0x88]);
    let nothing = Vec::new;
    let debug = [0; 16_385];
    for (name, before, frame, code) in [
        ("a window above the largest", nothing(), window_update(0, LARGEST), FLOW_CONTROL_ERROR),
        (
            "SETTINGS that make a window larger than the largest",
            window_update(WHOLE, LARGEST - 65_535),
            settings(&[(WINDOW, 65_535 + 300 + 1)]),
            FLOW_CONTROL_ERROR,
        ),
        (
            "SETTINGS of a window that is none",
            nothing(),
            settings(&[(WINDOW, LARGEST + 1)]),
            FLOW_CONTROL_ERROR,
        ),
        ("SETTINGS of push that are none", nothing(), settings(&[(2, 2)]), PROTOCOL_ERROR),
        ("SETTINGS of too short frames", nothing(), settings(&[(5, 16_383)]), PROTOCOL_ERROR),
        ("WINDOW_UPDATE by 0", nothing(), window_update(0, 0), PROTOCOL_ERROR),
        (
            "PUSH_PROMISE",
            nothing(),
            frame(PUSH_PROMISE, END_HEADERS, WHOLE, &[0, 0, 0, 2, 0x88]),
            PROTOCOL_ERROR,
        ),
        ("DATA of an idle stream", nothing(), data(99, true, b""), PROTOCOL_ERROR),
        ("HEADERS of an idle stream", nothing(), ok(99), PROTOCOL_ERROR),
        ("RST_STREAM of an idle stream", nothing(), rst(99, 7), PROTOCOL_ERROR),
        ("WINDOW_UPDATE of an idle stream", nothing(), window_update(99, 1), PROTOCOL_ERROR),
        ("DATA of an even id", nothing(), data(2, true, b""), PROTOCOL_ERROR),
        ("HEADERS of an even id", nothing(), ok(2), PROTOCOL_ERROR),
        ("RST_STREAM of an even id", nothing(), rst(2, 7), PROTOCOL_ERROR),
        ("DATA of no stream", nothing(), data(0, true, b""), PROTOCOL_ERROR),
        ("HEADERS of no stream", nothing(), ok(0), PROTOCOL_ERROR),
        ("RST_STREAM of no stream", nothing(), rst(0, 7), PROTOCOL_ERROR),
        ("SETTINGS of a stream", nothing(), frame(SETTINGS, 0, WHOLE, &[]), PROTOCOL_ERROR),
        ("PING of a stream", nothing(), frame(PING, 0, WHOLE, &[0; 8]), PROTOCOL_ERROR),
        ("GOAWAY of a stream", nothing(), frame(GOAWAY, 0, WHOLE, &[0; 8]), PROTOCOL_ERROR),
        ("PING inside a header block", in_block.clone(), ping(1), PROTOCOL_ERROR),
        ("an unknown frame inside a header block", in_block.clone(), frame(0x7f, 0, 0, &[]), PROTOCOL_ERROR),
        ("HEADERS inside a header block", in_block.clone(), ok(WHOLE), PROTOCOL_ERROR),
        (
            "CONTINUATION of another stream",
            in_block,
            frame(CONTINUATION, END_HEADERS, BEGUN_ANSWER, &[]),
            PROTOCOL_ERROR,
        ),
        (
            "CONTINUATION without HEADERS",
            nothing(),
            frame(CONTINUATION, END_HEADERS, WHOLE, &[]),
            PROTOCOL_ERROR,
        ),
        ("DATA with too much padding", nothing(), frame(DATA, PADDED, BEGUN_ANSWER, &[9; 9]), PROTOCOL_ERROR),
        ("DATA without its padding", nothing(), frame(DATA, PADDED, BEGUN_ANSWER, &[]), PROTOCOL_ERROR),
        (
            "HEADERS with too much padding",
            nothing(),
            frame(HEADERS, PADDED | 4, WHOLE, &[9; 9]),
            PROTOCOL_ERROR,
        ),
        (
            "HEADERS that cannot be decoded",
            nothing(),
            frame(HEADERS, 4, WHOLE, &[0xff; 9]),
            COMPRESSION_ERROR,
        ),
        ("HEADERS that refer to nothing", nothing(), frame(HEADERS, 4, WHOLE, &[0xbe]), COMPRESSION_ERROR),
        ("HEADERS without their priority", nothing(), frame(HEADERS, 0x24, WHOLE, &[0; 4]), FRAME_SIZE_ERROR),
        ("PING of 7 bytes", nothing(), frame(PING, 0, 0, &[0; 7]), FRAME_SIZE_ERROR),
        ("RST_STREAM of 3 bytes", nothing(), frame(RST_STREAM, 0, WHOLE, &[0; 3]), FRAME_SIZE_ERROR),
        ("WINDOW_UPDATE of 5 bytes", nothing(), frame(WINDOW_UPDATE, 0, 0, &[0; 5]), FRAME_SIZE_ERROR),
        ("SETTINGS of 7 bytes", nothing(), frame(SETTINGS, 0, 0, &[0; 7]), FRAME_SIZE_ERROR),
        ("an ACK that says something", nothing(), frame(SETTINGS, ACK, 0, &[0; 6]), FRAME_SIZE_ERROR),
        ("GOAWAY of 7 bytes", nothing(), frame(GOAWAY, 0, 0, &[0; 7]), FRAME_SIZE_ERROR),
        ("PRIORITY of 4 bytes", nothing(), frame(PRIORITY, 0, WHOLE, &[0; 4]), FRAME_SIZE_ERROR),
        ("a frame that is too long", nothing(), frame(0x7f, 0, 0, &debug), FRAME_SIZE_ERROR),
        // Its payload is not waited for.
        (
            "the header of the longest frame",
            nothing(),
            vec![255, 255, 255, 0, 0, 0, 0, 0, 5],
            FRAME_SIZE_ERROR,
        ),
    ] {
        let figures = attack(name, &before, &frame);
        assert_eq!((figures.frames, figures.code, figures.wrote), (1, code, 17), "{name}");
        assert!(figures.kept < 32, "{name}");
    }
}

#[test]
fn a_header_block_is_kept_up_to_its_bound() {
    let begins = frame(HEADERS, 0, WHOLE, &[0; 16_384]);
    let figures = attack("a long header block", &begins, &frame(CONTINUATION, 0, WHOLE, &[0; 1024]));
    assert_eq!((figures.frames, figures.code, figures.wrote), (17, ENHANCE_YOUR_CALM, 17));
    assert!(figures.kept <= 32 * 1024 + 17, "{figures:?}");
}
