//! The heads of requests, as another implementation of HPACK reads them. Source: RFC 7541.

use super::alone::Alone;
use super::frames::*;
use crate::fields::Indexing;
use crate::request::Request;

fn decoder(table: usize) -> loona_hpack::Decoder<'static> {
    let mut decoder = loona_hpack::Decoder::new();
    decoder.set_max_allowed_table_size(table);
    decoder
}

/// A request with a header of this length.
fn request(number: usize, length: usize) -> Request {
    let path = format!("/{number}");
    let mut request = Request::new(&http::Method::POST, &[&path], bytes::Bytes::new()).unwrap();
    request.push("authorization", "bearer abc", Indexing::Secret).unwrap();
    request.push("apns-topic", "com.example", Indexing::Repeats).unwrap();
    request.push("x-long", "y".repeat(length), Indexing::Varies).unwrap();
    request
}

/// The head that was written, and its frames.
fn head(alone: &mut Alone) -> (Vec<u8>, Vec<Frame>) {
    let frames: Vec<_> =
        alone.wrote().into_iter().filter(|frame| matches!(frame.kind, HEADERS | CONTINUATION)).collect();
    (frames.iter().flat_map(|frame| frame.payload.clone()).collect(), frames)
}

fn expected(number: usize, length: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let all = [
        (":method", "POST".to_owned()),
        (":scheme", "http".to_owned()),
        (":authority", "peer.test".to_owned()),
        (":path", format!("/{number}")),
        ("authorization", "bearer abc".to_owned()),
        ("apns-topic", "com.example".to_owned()),
        ("x-long", "y".repeat(length)),
        ("content-length", "0".to_owned()),
    ];
    let mut all: Vec<_> =
        all.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value.into_bytes())).collect();
    all.sort();
    all
}

#[test]
fn a_peer_may_make_its_table_smaller_and_larger_again() {
    for sizes in [&[4096, 0, 4096][..], &[4096, 100, 4096], &[0, 0, 4096], &[4096, 65_536, 200]] {
        let mut alone = Alone::new(&[]);
        let mut decoder = decoder(4096);
        let mut number = 0;
        for size in sizes {
            alone.hear(&settings(&[(TABLE_SIZE, *size)])).unwrap();
            decoder.set_max_allowed_table_size(usize::try_from(*size).unwrap().min(4096));
            for first in [true, false] {
                alone.begin_with(request(number, 10));
                let (block, _) = head(&mut alone);
                let mut fields = decoder.decode(&block).unwrap();
                fields.sort();
                assert_eq!(fields, expected(number, 10));
                if *size == 0 && !first {
                    let fresh = loona_hpack::Decoder::new().decode(&block);
                    assert!(fresh.is_ok(), "nothing refers to an empty table");
                }
                number += 1;
            }
        }
    }
}

#[test]
fn a_table_that_became_small_and_large_between_two_requests_is_empty() {
    let mut alone = Alone::new(&[]);
    let mut decoder = decoder(4096);
    for number in 0..3 {
        alone.begin_with(request(number, 10));
        let (block, _) = head(&mut alone);
        let mut fields = decoder.decode(&block).unwrap();
        fields.sort();
        assert_eq!(fields, expected(number, 10));
        alone.hear(&settings(&[(TABLE_SIZE, 0), (TABLE_SIZE, 4096)])).unwrap();
    }
}

#[test]
fn a_head_that_is_longer_than_a_frame_goes_on_in_others() {
    for (length, others) in [(10, 0), (20_000, 1), (50_000, 3)] {
        let mut alone = Alone::new(&[]);
        alone.begin_with(request(1, length));
        let (block, frames) = head(&mut alone);
        let kinds: Vec<_> = frames.iter().map(|frame| frame.kind).collect();
        assert_eq!(kinds[0], HEADERS);
        assert!(kinds[1..].iter().all(|kind| *kind == CONTINUATION));
        assert!(frames.iter().all(|frame| frame.payload.len() <= 16_384 && frame.stream == 1));
        let ends: Vec<_> = frames.iter().map(|frame| frame.flags & END_HEADERS != 0).collect();
        assert!(ends[kinds.len() - 1] && ends[..kinds.len() - 1].iter().all(|ends| !ends));
        assert!(kinds.len() <= others + 1 && (others == 0) == (kinds.len() == 1), "{length} {kinds:?}");
        let mut fields = decoder(4096).decode(&block).unwrap();
        fields.sort();
        assert_eq!(fields, expected(1, length));
    }
}
