//! What the fuzz targets call: each takes any bytes, and panics where a promise of the engine is broken.

use std::collections::BTreeSet;

use loona_hpack::decoder::DecoderError;

use super::request::{AUTHORITY, DrawnRequest, List};
use super::session::LIMITS;
use super::{frames, session as model};
use crate::fields::{Field, Indexing};
use crate::http2::engine::hpack::error::CompressionError;
use crate::http2::engine::hpack::{Decoder, Encoder};
use crate::http2::engine::{Engine, Violation};

/// A connection with three requests receives the bytes, whole and in pieces, which changes nothing.
pub fn receive(bytes: &[u8]) {
    let whole = received(bytes, usize::MAX);
    let in_pieces = received(bytes, 1 + bytes.len() % 61);
    assert_eq!(whole, in_pieces, "the pieces in which bytes come make a difference");
}

/// The bytes are operations on a connection, which happen one after the other.
pub fn session(bytes: &[u8]) {
    model::run(bytes);
}

/// The bytes are header blocks to decode, and fields to encode.
pub fn hpack(bytes: &[u8]) {
    decode(bytes);
    encode(bytes);
}

/// How the requests end, and why the connection does.
fn received(bytes: &[u8], piece: usize) -> (String, Option<Violation>) {
    let mut engine = Engine::new("https", AUTHORITY.to_owned(), LIMITS);
    let mut ends = Vec::new();
    engine.receive(&frames::frame(frames::SETTINGS, 0, 0, &[]), &mut ends).unwrap();
    for (token, (shape, body)) in (0..).zip([(0, 300), (1, 0), (2, 0)]) {
        let request = DrawnRequest::new(token, shape, body);
        engine.begin(&request.head, request.body, token);
    }
    let before = engine.output().len();
    let violation = bytes.chunks(piece).find_map(|piece| engine.receive(piece, &mut ends).err());
    // The longest answer to a frame is as long as the frame, or is a reset that is the only one of its stream.
    assert!(engine.output().len() <= before + 2 * bytes.len() + 100);
    engine.lose_all(&mut ends);
    let tokens: BTreeSet<u32> = ends.iter().map(|ended| ended.token).collect();
    assert_eq!((ends.len(), tokens.len()), (3, 3), "each request ends once");
    (format!("{ends:?}"), violation)
}

/// Takes bytes off the front.
fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}

/// Another decoder makes the same of header blocks, each of which has its length in front.
fn decode(mut bytes: &[u8]) {
    let (mut ours, mut other) = (Decoder::new(), loona_hpack::Decoder::new());
    other.set_max_allowed_table_size(4096);
    while let Some(&length) = bytes.split_off_first() {
        let block = take(&mut bytes, length.into());
        let mut list = List::new();
        let decoded = ours.decode(block, |name, value| {
            // A Huffman code has at least 5 bits. Source: RFC 7541, appendix B.
            assert!(name.len().max(value.len()) <= 4096.max(block.len() * 8 / 5));
            list.push((name.to_vec(), value.to_vec()));
        });
        match (decoded, other.decode(block)) {
            (Ok(()), Ok(other)) => assert_eq!(list, other),
            // Changes of the table's size stand in front of the first field, and there are at most two (RFC 7541,
            // section 4.2). The other decoder takes them everywhere, but wants a field behind them.
            (Err(CompressionError::TableSize), Ok(_)) | (Ok(()), Err(DecoderError::SizeUpdateAtEnd)) => {
                return;
            }
            (Err(_), Err(_)) => return,
            (ours, other) => panic!("{ours:?} {other:?} {block:x?}"),
        }
    }
}

/// Fields arrive as they are encoded, at the engine's decoder and at another.
fn encode(mut bytes: &[u8]) {
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new());
    let mut other = loona_hpack::Decoder::new();
    other.set_max_allowed_table_size(4096);
    let names =
        [&b":path"[..], b":authority", b"authorization", b"apns-id", b"apns-topic", b"x", b"content-length"];
    let mut list = Vec::new();
    while let Some(&what) = bytes.split_off_first() {
        let length = take(&mut bytes, 1).first().map_or(0, |length| usize::from(*length));
        match what % 8 {
            0 => encoder.set_table_size(u32::try_from(length * 20).unwrap()),
            kind @ 1..6 => {
                let name = names.get(usize::from(what / 8)).copied().unwrap_or_else(|| take(&mut bytes, 3));
                let value = take(&mut bytes, length);
                let indexing = [Indexing::Repeats, Indexing::Varies, Indexing::Secret][usize::from(kind % 3)];
                list.push(Field { name, value, indexing });
            }
            // The other decoder refuses a block without fields.
            _ if list.is_empty() => {}
            _ => {
                let mut block = Vec::new();
                encoder.encode(list.iter().copied(), &mut block);
                let sent: List = list.drain(..).map(|it| (it.name.to_vec(), it.value.to_vec())).collect();
                let mut decoded = List::new();
                decoder.decode(&block, |name, value| decoded.push((name.to_vec(), value.to_vec()))).unwrap();
                assert_eq!(decoded, sent);
                assert_eq!(other.decode(&block).unwrap(), sent);
            }
        }
    }
}
