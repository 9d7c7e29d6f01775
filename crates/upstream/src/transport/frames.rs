//! Reads HTTP/2 frames as they pass, in pieces of any size: which requests were sent, and what the peer said of itself.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

use super::goaway::GoAway;

/// How much of the debug data of a GOAWAY is kept, in bytes.
const GOAWAY_DEBUG_BYTES: usize = 1024;

// These are the types and flags of frames. Source: RFC 9113, section 6.
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// The length of the client preface. Source: RFC 9113, section 3.4.
const PREFACE_BYTES: usize = 24;

/// The header of a frame, without its length.
#[derive(Debug, Clone, Copy)]
struct FrameHead {
    kind: u8,
    flags: u8,
    stream: u32,
}

/// Walks over the frames of a byte stream that comes in pieces of any size.
#[derive(Debug, Default)]
struct FrameWalk {
    partial: [u8; 9],
    have: usize,
    head: Option<FrameHead>,
    left: usize,
}

/// What a walk meets.
enum FrameStep<'a> {
    /// A frame header is complete.
    Begins(FrameHead),
    /// Some payload of the frame.
    Payload(FrameHead, &'a [u8]),
    /// The frame is complete.
    Ends(FrameHead),
}

impl FrameWalk {
    fn walk<'a>(&mut self, mut bytes: &'a [u8], mut on: impl FnMut(FrameStep<'a>)) {
        while !bytes.is_empty() || self.head.is_some_and(|_| self.left == 0) {
            let Some(head) = self.head else {
                let take = bytes.len().min(9 - self.have);
                self.partial[self.have..self.have + take].copy_from_slice(&bytes[..take]);
                self.have += take;
                bytes = &bytes[take..];
                if self.have == 9 {
                    let [a, b, c, kind, flags, id @ ..] = self.partial;
                    let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                    let stream = u32::from_be_bytes(id) & 0x7fff_ffff;
                    let head = FrameHead { kind, flags, stream };
                    self.head = Some(head);
                    self.left = length;
                    self.have = 0;
                    on(FrameStep::Begins(head));
                }
                continue;
            };
            let take = bytes.len().min(self.left);
            if take > 0 {
                on(FrameStep::Payload(head, &bytes[..take]));
                bytes = &bytes[take..];
                self.left -= take;
            }
            if self.left == 0 {
                self.head = None;
                on(FrameStep::Ends(head));
            }
        }
    }
}

/// The frames that the socket took. HEADERS leave in the order of their ids, so one number tells which requests were
/// begun.
#[derive(Debug, Default)]
pub(super) struct SentFrames {
    preface: usize,
    frames: FrameWalk,
    begun: u32,
    /// The requests that are begun and not ended, with the oldest first. It is mostly empty, since the frames of a
    /// request leave together.
    unended: VecDeque<u32>,
    /// The stream of HEADERS with END_STREAM whose last CONTINUATION is still to come.
    ends_with_headers: Option<u32>,
}

impl SentFrames {
    /// The id of the highest stream of which the socket took anything.
    pub(super) fn begun(&self) -> u32 {
        self.begun
    }

    /// The streams that are begun and not ended.
    pub(super) fn unended(&self) -> &VecDeque<u32> {
        &self.unended
    }

    /// Forgets a stream whose end does not matter any more.
    pub(super) fn settle(&mut self, stream: u32) {
        end(&mut self.unended, stream);
    }

    /// Walks over bytes that the socket took.
    pub(super) fn walk(&mut self, mut bytes: &[u8]) {
        let preface = bytes.len().min(PREFACE_BYTES - self.preface);
        self.preface += preface;
        bytes = &bytes[preface..];
        let Self { frames, begun, unended, ends_with_headers, .. } = self;
        frames.walk(bytes, |step| match step {
            FrameStep::Begins(head) if head.kind == HEADERS && head.stream > *begun => {
                *begun = head.stream;
                unended.push_back(head.stream);
            }
            FrameStep::Ends(head) => {
                let ends_stream = head.flags & END_STREAM != 0;
                let ends_headers = head.flags & END_HEADERS != 0;
                match head.kind {
                    DATA if ends_stream => end(unended, head.stream),
                    HEADERS if ends_stream && ends_headers => end(unended, head.stream),
                    HEADERS if ends_stream => *ends_with_headers = Some(head.stream),
                    CONTINUATION if ends_headers && *ends_with_headers == Some(head.stream) => {
                        *ends_with_headers = None;
                        end(unended, head.stream);
                    }
                    RST_STREAM => end(unended, head.stream),
                    _ => {}
                }
            }
            FrameStep::Begins(_) | FrameStep::Payload(..) => {}
        });
    }
}

/// Removes a stream that has ended. The first is looked at first, since bodies mostly end in the order of their
/// streams.
fn end(unended: &mut VecDeque<u32>, id: u32) {
    if unended.front() == Some(&id) {
        unended.pop_front();
    } else if let Some(at) = unended.iter().position(|open| *open == id) {
        unended.remove(at);
    }
}

/// The frames that came: whether the first SETTINGS did, and GOAWAY with its debug data, which h2 shows nowhere.
#[derive(Debug, Default)]
pub(super) struct ReceivedFrames {
    frames: FrameWalk,
    settings_seen: bool,
    partial: BytesMut,
    goaway: Option<GoAway>,
}

impl ReceivedFrames {
    pub(super) fn settings_seen(&self) -> bool {
        self.settings_seen
    }

    /// The last GOAWAY that came.
    pub(super) fn goaway(&self) -> Option<&GoAway> {
        self.goaway.as_ref()
    }

    /// Walks over bytes that came.
    pub(super) fn walk(&mut self, bytes: &[u8]) {
        let Self { frames, settings_seen, partial, goaway } = self;
        frames.walk(bytes, |step| match step {
            FrameStep::Begins(head) if head.kind == GOAWAY => partial.clear(),
            FrameStep::Payload(head, piece) if head.kind == GOAWAY => {
                let room = (8 + GOAWAY_DEBUG_BYTES).saturating_sub(partial.len());
                partial.extend_from_slice(&piece[..piece.len().min(room)]);
            }
            FrameStep::Ends(head) if head.kind == GOAWAY && partial.len() >= 8 => {
                let last_stream_id = partial.get_u32() & 0x7fff_ffff;
                let code = partial.get_u32();
                *goaway = Some(GoAway { last_stream_id, code, debug: partial.split().freeze() });
            }
            FrameStep::Ends(head) if head.kind == SETTINGS => *settings_seen = true,
            FrameStep::Begins(_) | FrameStep::Payload(..) | FrameStep::Ends(_) => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        frame
    }

    fn preface() -> Vec<u8> {
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()
    }

    #[test]
    fn requests_are_begun_and_ended_whatever_the_pieces() {
        let bytes = [
            preface(),
            frame(SETTINGS, 0, 0, &[0; 12]),
            frame(HEADERS, END_HEADERS, 1, b"headers"),
            frame(HEADERS, END_HEADERS, 3, b"headers"),
            frame(DATA, END_STREAM, 3, b"body"),
            frame(HEADERS, END_STREAM, 5, b"first part"),
            frame(CONTINUATION, END_HEADERS, 5, b"rest"),
            frame(HEADERS, END_HEADERS, 7, b"headers"),
            frame(DATA, 0, 7, b"half"),
            frame(HEADERS, END_HEADERS, 9, b"headers"),
            frame(RST_STREAM, 0, 9, &8_u32.to_be_bytes()),
        ]
        .concat();
        for size in 1..bytes.len() {
            let mut sent = SentFrames::default();
            bytes.chunks(size).for_each(|piece| sent.walk(piece));
            assert_eq!((sent.begun, Vec::from(sent.unended)), (9, vec![1, 7]), "pieces of {size}");
        }
    }

    #[test]
    fn a_body_cut_in_its_last_byte_is_incomplete() {
        let whole =
            [preface(), frame(HEADERS, END_HEADERS, 1, b"h"), frame(DATA, END_STREAM, 1, b"body")].concat();
        let mut sent = SentFrames::default();
        sent.walk(&whole[..whole.len() - 1]);
        assert_eq!(sent.unended, [1]);
        sent.walk(&whole[whole.len() - 1..]);
        assert!(sent.unended.is_empty());
    }

    #[test]
    fn an_empty_last_data_frame_ends_the_request() {
        let mut sent = SentFrames::default();
        sent.walk(
            &[preface(), frame(HEADERS, END_HEADERS, 1, b"h"), frame(DATA, END_STREAM, 1, b"")].concat(),
        );
        assert!(sent.unended.is_empty());
    }

    #[test]
    fn goaway_is_read_as_it_passes() {
        let debug = br#"{"reason":"Shutdown"}"#;
        let payload = [&7_u32.to_be_bytes()[..], &0_u32.to_be_bytes(), debug].concat();
        let bytes =
            [frame(SETTINGS, 0, 0, &[]), frame(GOAWAY, 0, 0, &payload), frame(DATA, 0, 1, b"x")].concat();
        for size in 1..bytes.len() {
            let mut received = ReceivedFrames::default();
            bytes.chunks(size).for_each(|piece| received.walk(piece));
            assert!(received.settings_seen);
            let goaway = GoAway { last_stream_id: 7, code: 0, debug: Bytes::from_static(debug) };
            assert_eq!(received.goaway, Some(goaway), "pieces of {size}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_a_walk_panic(bytes: Vec<u8>, size in 1_usize..64) {
            let (mut sent, mut received) = (SentFrames::default(), ReceivedFrames::default());
            for piece in bytes.chunks(size) {
                sent.walk(piece);
                received.walk(piece);
            }
        }
    }
}
