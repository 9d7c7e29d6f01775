//! What drawn operations and fuzzing have found once, told plainly.

use super::frames::{PUSH_PROMISE, SETTINGS, WINDOW_UPDATE, frame};
use super::request::{AUTHORITY, DrawnRequest};
use super::session::LIMITS;
use crate::http2::engine::{End, Engine, Progress};

/// An engine whose peer is there, with a request whose body does not fit into the window.
fn with_blocked_body() -> Engine<u32> {
    let mut engine = Engine::new("https", AUTHORITY.to_owned(), LIMITS);
    engine.receive(&frame(SETTINGS, 0, 0, &[]), &mut Vec::new()).unwrap();
    let request = DrawnRequest::new(0, 0, 70_000);
    engine.begin(&request.head, request.body, 0);
    engine
}

/// A window that grows behind a failed write must not make a body complete of which the socket took a part.
#[test]
fn a_body_that_could_not_be_written_any_more_stays_incomplete() {
    let mut engine = with_blocked_body();
    engine.accepted(30_000);
    engine.close_output();
    let windows = [0, 1].map(|id| frame(WINDOW_UPDATE, 0, id, &[0, 1, 0, 0])).concat();
    let mut ends = Vec::new();
    engine.receive(&windows, &mut ends).unwrap();
    engine.lose_all(&mut ends);
    assert!(matches!(ends[0].end, End::Lost { progress: Progress::Incomplete, .. }), "{ends:?}");
}

/// A socket that failed may have taken anything, so its owner says that it took all there was.
#[test]
fn no_count_of_accepted_bytes_is_too_large() {
    let mut engine = with_blocked_body();
    engine.accepted(1);
    engine.accepted(usize::MAX);
    let mut ends = Vec::new();
    engine.lose_all(&mut ends);
    assert!(matches!(ends[0].end, End::Lost { progress: Progress::Incomplete, .. }), "{ends:?}");
}

/// A peer that broke HTTP/2 must not be sent the rest of a body behind the GOAWAY, which would make the request complete.
#[test]
fn no_body_goes_on_behind_our_goaway() {
    let mut engine = with_blocked_body();
    let mut ends = Vec::new();
    // The windows have room for the rest of the body, and the output has not.
    let windows = [0, 1].map(|id| frame(WINDOW_UPDATE, 0, id, &[0, 1, 0, 0])).concat();
    engine.receive(&windows, &mut ends).unwrap();
    engine.receive(&frame(PUSH_PROMISE, 0, 1, &[0; 4]), &mut ends).unwrap_err();
    let waiting = engine.output().len();
    engine.accepted(waiting);
    assert!(engine.output().is_empty());
    engine.lose_all(&mut ends);
    assert!(matches!(ends[0].end, End::Lost { progress: Progress::Incomplete, .. }), "{ends:?}");
}
