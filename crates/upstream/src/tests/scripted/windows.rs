//! Windows of the peer: what of a body leaves, and when. Source: RFC 9113, section 6.9.

use super::alone::{Alone, Told};
use super::frames::*;
use crate::http2::engine::Progress;

/// The lengths of the DATA that was written, by the ids of their streams.
fn lengths(alone: &mut Alone) -> Vec<(u32, usize, bool)> {
    let frames = alone.wrote().into_iter().filter(|frame| frame.kind == DATA);
    frames.map(|frame| (frame.stream, frame.payload.len(), frame.ends_stream())).collect()
}

#[test]
fn a_body_leaves_as_far_as_its_window_goes() {
    for (window, first) in [(0, vec![]), (1, vec![(1, 1, false)]), (100, vec![(1, 100, false)])] {
        let mut alone = Alone::new(&[(WINDOW, window)]);
        alone.begin(300);
        assert_eq!(lengths(&mut alone), first);
        alone.hear(&window_update(1, 1)).unwrap();
        assert_eq!(lengths(&mut alone), [(1, 1, false)]);
        // The windows of all streams grow by 100, and then that of this one by more than the rest.
        alone.hear(&settings(&[(WINDOW, window + 100)])).unwrap();
        assert_eq!(lengths(&mut alone), [(1, 100, false)]);
        let rest = 300 - 101 - usize::try_from(window).unwrap();
        alone.hear(&window_update(1, 5000)).unwrap();
        assert_eq!(lengths(&mut alone), [(1, rest, true)]);
        alone.hear(&ok(1)).unwrap();
        assert_eq!(alone.told(), [(1, Told::Answered(200))]);
    }
}

#[test]
fn a_window_may_become_negative() {
    let mut alone = Alone::new(&[(WINDOW, 200)]);
    alone.begin(300);
    assert_eq!(lengths(&mut alone), [(1, 200, false)]);
    alone.hear(&settings(&[(WINDOW, 50)])).unwrap();
    alone.hear(&window_update(1, 150)).unwrap();
    assert_eq!(lengths(&mut alone), [], "the window is 0");
    alone.hear(&window_update(1, 99)).unwrap();
    assert_eq!(lengths(&mut alone), [(1, 99, false)]);
    alone.hear(&settings(&[(WINDOW, 51)])).unwrap();
    assert_eq!(lengths(&mut alone), [(1, 1, true)]);
}

#[test]
fn a_body_leaves_through_windows_of_one_byte() {
    let mut alone = Alone::new(&[(WINDOW, 1)]);
    let ids: Vec<_> = (0..5).map(|_| alone.begin(4096)).collect();
    let mut left = 0;
    loop {
        let written = lengths(&mut alone);
        if written.is_empty() {
            break;
        }
        for (id, length, ends) in written {
            assert_eq!(length, 1);
            left += 1;
            // A peer may open both windows for each byte, and also when nothing more comes.
            alone.hear(&[window_update(0, 1), window_update(id, 1)].concat()).unwrap();
            if ends {
                alone.hear(&ok(id)).unwrap();
            }
        }
    }
    assert_eq!(left, 5 * 4096);
    assert_eq!(alone.told().len(), ids.len());
}

/// The window of the connection holds 15 bodies of 4 KiB, and a part of the next.
#[test]
fn what_has_no_room_in_the_window_of_the_connection_waits_unsent() {
    let mut alone = Alone::new(&[]);
    for _ in 0..15 {
        assert!(alone.engine.may_begin(4096));
        alone.begin(4096);
        alone.wrote();
    }
    // One more may begin, since a peer may have a window that is smaller than every body. The others wait.
    let part = alone.begin(4096);
    assert_eq!(lengths(&mut alone), [(part, 4095, false)]);
    assert!(!alone.engine.may_begin(4096) && !alone.engine.may_begin(1) && alone.engine.may_begin(0));
    // An answer makes no room; only the peer's window does, and what was begun goes first.
    alone.hear(&[ok(1), window_update(0, 4096)].concat()).unwrap();
    assert_eq!(lengths(&mut alone), [(part, 1, true)]);
    assert!(alone.engine.may_begin(4095));
    assert_eq!(alone.told().len(), 1);
    let last = alone.begin(4096);
    alone.wrote();
    let lost = alone.lost();
    assert_eq!(lost.last(), Some(&(last, Told::Lost(Progress::Incomplete, None))));
    let whole = &lost[..lost.len() - 1];
    assert!(whole.iter().all(|(_, told)| *told == Told::Lost(Progress::Complete, None)));
}

#[test]
fn a_blocked_body_gives_its_share_to_others_when_it_ends() {
    // A body that is larger than the window goes alone.
    let large = 70_000;
    type Ending = fn(&mut Alone);
    let endings: [(&str, Ending); 4] = [
        ("is cancelled", |alone| _ = alone.engine.cancel(1).unwrap()),
        ("is reset", |alone| alone.hear(&rst(1, 8)).unwrap()),
        ("is refused", |alone| alone.hear(&rst(1, 7)).unwrap()),
        ("is answered early", |alone| alone.hear(&ok(1)).unwrap()),
    ];
    for (name, ending) in endings {
        let mut alone = Alone::new(&[(WINDOW, 100_000), (MAX_STREAMS, 1)]);
        alone.begin(large);
        let sent: usize = lengths(&mut alone).iter().map(|(_, length, _)| length).sum();
        assert_eq!(sent, 65_535);
        ending(&mut alone);
        let resets: Vec<_> = alone.wrote().iter().filter_map(Frame::reset).collect();
        let ours = matches!(name, "is cancelled" | "is answered early");
        assert_eq!(resets, if ours { vec![(1, 8)] } else { vec![] }, "{name}");
        // The place and the window are the next one's.
        alone.hear(&window_update(0, 300)).unwrap();
        let next = alone.begin(300);
        assert_eq!(lengths(&mut alone), [(next, 300, true)], "{name}");
    }
}

#[test]
fn what_was_blocked_when_the_connection_ended_is_incomplete() {
    let mut alone = Alone::new(&[(WINDOW, 100)]);
    let (part, whole) = (alone.begin(101), alone.begin(100));
    alone.wrote();
    let told = [(part, Progress::Incomplete), (whole, Progress::Complete)];
    assert_eq!(alone.lost(), told.map(|(id, progress)| (id, Told::Lost(progress, None))));
}
