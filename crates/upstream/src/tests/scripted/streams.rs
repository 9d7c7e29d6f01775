//! Attacks that end only the stream that they are about: others on the connection are still answered.

use super::alone::{Alone, HEADER_LIST, Told};
use super::frames::*;

/// The streams are attacked one after the other, and another is open all the time. Returns what an attacked one is told,
/// and the codes that it is reset with.
fn attack(name: &str, frames: &dyn Fn(u32) -> Vec<u8>) -> (Told, Vec<u32>) {
    let mut alone = Alone::new(&[]);
    let other = alone.begin(300);
    let mut outcome = None;
    for _ in 0..20 {
        let id = alone.begin(300);
        alone.wrote();
        alone.hear(&frames(id)).unwrap_or_else(|code| panic!("{name}: {code}"));
        let [(told_id, told)] = &alone.told()[..] else { panic!("{name}: it ends once") };
        assert_eq!(*told_id, id, "{name}");
        let wrote = alone.wrote();
        let resets = wrote.iter().filter_map(Frame::reset).map(|(stream, code)| {
            assert_eq!(stream, id, "{name}");
            code
        });
        let this = (told.clone(), resets.collect::<Vec<_>>());
        assert!(outcome.is_none_or(|before| before == this), "{name}: it is the same each time");
        outcome = Some(this);
        assert_eq!(alone.engine.kept(), 0, "{name}");
    }
    alone.hear(&ok(other)).unwrap();
    assert_eq!(alone.told(), [(other, Told::Answered(200))], "{name}");
    outcome.unwrap()
}

#[test]
fn a_stream_that_breaks_a_rule_ends_alone() {
    const PROTOCOL_ERROR: u32 = 1;
    const FLOW_CONTROL_ERROR: u32 = 3;
    const CANCEL: u32 = 8;
    type Script = Box<dyn Fn(u32) -> Vec<u8>>;
    let only = |fields: &'static [(&str, &str)]| -> Script { Box::new(move |id| headers(id, true, fields)) };
    let after_head =
        |frame: fn(u32) -> Vec<u8>| -> Script { Box::new(move |id| [head(id), frame(id)].concat()) };
    // One field more than fits: name, value and 32 bytes each. Source: RFC 9113, section 6.5.2.
    let list = |bytes: u32| -> Script {
        let value = "y".repeat(usize::try_from(bytes - 42 - 32 - 1).unwrap());
        Box::new(move |id| {
            let block = block(&[(":status", "200"), ("x", &value)]);
            let (first, rest) = block.split_at(block.len().min(16_384));
            [frame(HEADERS, END_STREAM, id, first), frame(CONTINUATION, END_HEADERS, id, rest)].concat()
        })
    };
    let none = Told::Unreadable(None);
    let some = Told::Unreadable(Some(200));
    for (name, script, told, resets) in [
        ("no :status", only(&[("a", "b")]), none.clone(), &[PROTOCOL_ERROR][..]),
        ("a name with a capital", only(&[(":status", "200"), ("A", "b")]), none.clone(), &[PROTOCOL_ERROR]),
        (
            "a value with a line",
            only(&[(":status", "200"), ("a", "b\r\nc")]),
            none.clone(),
            &[PROTOCOL_ERROR],
        ),
        (
            "a field of HTTP/1.1",
            only(&[(":status", "200"), ("connection", "close")]),
            none.clone(),
            &[PROTOCOL_ERROR],
        ),
        ("status 101", only(&[(":status", "101")]), none.clone(), &[PROTOCOL_ERROR]),
        ("a list at the limit", list(HEADER_LIST), Told::Answered(200), &[]),
        ("a list over the limit", list(HEADER_LIST + 1), none.clone(), &[PROTOCOL_ERROR]),
        ("a body without a head", Box::new(|id| data(id, true, b"x")), none.clone(), &[PROTOCOL_ERROR]),
        ("WINDOW_UPDATE by 0", Box::new(|id| window_update(id, 0)), none.clone(), &[PROTOCOL_ERROR]),
        (
            "a window above the largest",
            Box::new(|id| window_update(id, LARGEST)),
            none,
            &[FLOW_CONTROL_ERROR],
        ),
        (
            "trailers that do not end",
            after_head(|id| headers(id, false, &[("a", "b")])),
            some.clone(),
            &[PROTOCOL_ERROR],
        ),
        ("trailers with :status", after_head(ok), some.clone(), &[PROTOCOL_ERROR]),
        (
            "trailers with a capital",
            after_head(|id| headers(id, true, &[("A", "b")])),
            some.clone(),
            &[PROTOCOL_ERROR],
        ),
        ("trailers", after_head(|id| headers(id, true, &[("a", "b")])), Told::Answered(200), &[]),
        (
            "1xx after the head",
            after_head(|id| headers(id, true, &[(":status", "103")])),
            some.clone(),
            &[PROTOCOL_ERROR],
        ),
        (
            "a head with padding and a priority",
            Box::new(|id| frame(HEADERS, 0x2d, id, &[2, 0, 0, 0, 0, 9, 0x88, 0, 0])),
            Told::Answered(200),
            &[],
        ),
        (
            "a head in pieces",
            Box::new(|id| {
                [
                    frame(HEADERS, END_STREAM, id, &[]),
                    frame(CONTINUATION, 0, id, &[]),
                    frame(CONTINUATION, END_HEADERS, id, &[0x88]),
                ]
                .concat()
            }),
            Told::Answered(200),
            &[],
        ),
        (
            "a body with padding",
            after_head(|id| frame(DATA, PADDED | END_STREAM, id, &[2, b'x', 0, 0])),
            Told::Answered(200),
            &[],
        ),
        (
            "a head after 103",
            Box::new(|id| [headers(id, false, &[(":status", "103")]), ok(id)].concat()),
            Told::Answered(200),
            &[],
        ),
        // The window opens again while an answer is read, so what is too much for it is too much for the body first.
        (
            "a body over the limit and the window",
            after_head(|id| data(id, false, &[0; 16_384]).repeat(5)),
            some,
            &[CANCEL],
        ),
    ] {
        assert_eq!(attack(name, &*script), (told, resets.to_vec()), "{name}");
    }
}

/// One entry of 4 KB, referred to again and again, decodes to 120 MB.
#[test]
fn a_small_block_that_decodes_to_much_is_not_kept() {
    let entry = [&[0x40, 1, b'x', 127, 0x81, 0x1e][..], &[b'y'; 4000]].concat();
    let length = entry.len();
    let (told, resets) = attack("an HPACK bomb", &move |id| {
        let bomb = [&[0x88][..], &entry, &vec![0xbe; 30_000 - length]].concat();
        let (first, rest) = bomb.split_at(16_384);
        [frame(HEADERS, END_STREAM, id, first), frame(CONTINUATION, END_HEADERS, id, rest)].concat()
    });
    assert_eq!((told, resets), (Told::Unreadable(None), vec![1]));
}
