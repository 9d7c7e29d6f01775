//! What the peer sends. It keeps to the rules, but for what is in `faults.rs`.

use super::super::frames::*;
use super::super::request::List;
use super::effect::Effect;
use super::{HEADER_LIST_LIMIT, Peer};

impl Peer {
    /// Takes so many bytes off the wire.
    pub(in super::super) fn take_sent(&mut self, bytes: usize) -> Vec<u8> {
        self.wire.drain(..bytes.min(self.wire.len())).collect()
    }

    pub(in super::super) fn has_sent(&self) -> usize {
        self.wire.len()
    }

    /// Sends bytes, whose effect comes once all of them are delivered.
    pub(super) fn send(&mut self, bytes: &[u8], effect: Effect) {
        self.wire.extend(bytes);
        self.effects.push_back((self.delivered + self.wire.len() as u64, effect));
    }

    /// Sends a header block in a HEADERS frame and so many other frames.
    pub(super) fn send_block(&mut self, stream: u32, shape: u8, frames: u8, block: &[u8], effect: Effect) {
        let pieces = block.len().div_ceil(MAX_PAYLOAD - 300).max(1 + usize::from(frames % 4));
        let size = block.len().div_ceil(pieces).max(1);
        let (first, rest) = block.split_at(size.min(block.len()));
        let ends_stream = if shape & 1 == 1 { END_STREAM } else { 0 };
        let (mut flags, mut payload) = (ends_stream, first.to_vec());
        if shape & 2 == 2 {
            flags |= WITH_PRIORITY;
            payload.splice(..0, [0, 0, 0, 0, 7]);
        }
        if shape & 4 == 4 {
            flags |= PADDED;
            payload.insert(0, shape);
            payload.extend(vec![0; shape.into()]);
        }
        let last = if rest.is_empty() { END_HEADERS } else { 0 };
        let mut bytes = frame(HEADERS, flags | last, stream, &payload);
        for (index, piece) in rest.chunks(size).enumerate() {
            let last = if (index + 1) * size >= rest.len() { END_HEADERS } else { 0 };
            bytes.extend(frame(CONTINUATION, last, stream, piece));
        }
        self.sent_on(stream, shape & 1 == 1);
        self.send(&bytes, effect);
    }

    fn encode(&mut self, list: &List) -> Vec<u8> {
        self.encoder.encode(list.iter().map(|(name, value)| (&name[..], &value[..])))
    }

    /// Notes whether the peer will send anything more on a stream.
    fn sent_on(&mut self, id: u32, ends: bool) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.said_all |= ends;
        }
    }

    /// Whether the peer has more to say on a stream. A peer that keeps to the rules says nothing behind an end or a reset.
    fn may_speak(&self, id: u32) -> bool {
        self.streams.get(&id).is_some_and(|stream| !stream.said_all)
    }

    /// The head of an answer, final or not; `field` is the length of a field of it.
    pub(in super::super) fn send_head(&mut self, id: u32, shape: u8, frames: u8, field: usize) {
        if !self.may_speak(id) {
            return;
        }
        let ends = shape & 1 == 1;
        let status = [200, 200, 204, 304, 410, 503, 103, 101][usize::from(shape / 8 % 8)];
        let mut list = vec![(b":status".to_vec(), status.to_string().into_bytes())];
        list.push((b"apns-id".to_vec(), format!("{id:032x}").into_bytes()));
        list.push((format!("x-{}", field % 7).into_bytes(), vec![b'v'; field]));
        if shape >= 192 {
            list.push((b"content-length".to_vec(), (field % 40).to_string().into_bytes()));
        }
        let size: usize = list.iter().map(|(name, value)| name.len() + value.len() + 32).sum();
        let block = self.encode(&list);
        let effect = match status {
            _ if size > HEADER_LIST_LIMIT => Effect::Malformed { stream: id, ends },
            101 => Effect::Malformed { stream: id, ends },
            103 if ends => Effect::Malformed { stream: id, ends },
            103 => Effect::Informational { stream: id },
            _ => Effect::Head { stream: id, status, list, ends },
        };
        self.send_block(id, shape, frames, &block, effect);
    }

    /// A piece of the body of an answer, as far as the windows have room for it and its padding.
    pub(in super::super) fn send_body(&mut self, id: u32, shape: u8, bytes: usize) {
        if !self.may_speak(id) {
            return;
        }
        let ends = shape & 1 == 1;
        let padding = if shape & 4 == 4 { 1 + usize::from(shape) } else { 0 };
        let Some(stream) = self.streams.get_mut(&id) else { return };
        let room = self.credit.min(stream.credit) - padding as i64;
        let Ok(room) = usize::try_from(room) else { return };
        let piece = vec![shape; bytes.min(room)];
        let counted = (piece.len() + padding) as i64;
        self.credit -= counted;
        stream.credit -= counted;
        let mut flags = if ends { END_STREAM } else { 0 };
        let mut payload = piece.clone();
        if padding > 0 {
            flags |= PADDED;
            payload.insert(0, shape);
            payload.extend(vec![0; shape.into()]);
        }
        self.sent_on(id, ends);
        self.send(&frame(DATA, flags, id, &payload), Effect::Body { stream: id, piece, ends });
    }

    pub(in super::super) fn send_trailers(&mut self, id: u32, shape: u8) {
        if self.may_speak(id) {
            let block = self.encode(&vec![(b"grpc-status".to_vec(), vec![b'0' + shape % 10])]);
            let ends = shape & 1 == 1;
            let malformed = Effect::Malformed { stream: id, ends };
            let effect = if ends { Effect::Trailers { stream: id } } else { malformed };
            self.send_block(id, shape, shape / 8, &block, effect);
        }
    }

    pub(in super::super) fn send_reset(&mut self, id: u32, code: u32) {
        if self.streams.get(&id).is_some_and(|stream| !stream.aborted) {
            self.sent_on(id, true);
            self.send(&frame(RST_STREAM, 0, id, &code.to_be_bytes()), Effect::Reset { stream: id, code });
        }
    }

    pub(in super::super) fn send_settings(&mut self, which: u8, value: u32) {
        let mut payload = Vec::new();
        let mut set = |bit: u8, id: u16, value: u32| {
            (which & bit != 0).then(|| {
                payload.extend([&id.to_be_bytes()[..], &value.to_be_bytes()].concat());
                value
            })
        };
        let table = set(1, 1, value % 5000);
        let max_streams = set(2, 3, value % 16);
        let window = set(4, 4, value & 0x7fff_ffff);
        // Settings that nobody knows, and one that changes nothing here.
        set(8, 0x99, value);
        set(16, 5, 16_384 + (value & 0xffff));
        let effect = Effect::Settings { max_streams, window, table };
        self.send(&frame(SETTINGS, 0, 0, &payload), effect);
    }

    pub(in super::super) fn send_window(&mut self, id: u32, by: u32) {
        let by = by & 0x7fff_ffff;
        self.send(&frame(WINDOW_UPDATE, 0, id, &by.to_be_bytes()), Effect::Window { stream: id, by });
    }

    /// What the windows lack to take all that is still to come.
    pub(in super::super) fn open_windows(&mut self) {
        let lacking = |window: i64, unsent: usize| u32::try_from(unsent as i64 - window).unwrap_or(0);
        let open = self.streams.iter().filter(|(_, stream)| stream.open);
        let streams: Vec<_> =
            open.clone().map(|(id, stream)| (*id, lacking(stream.window, stream.unsent()))).collect();
        let all = open.map(|(_, stream)| stream.unsent()).sum();
        for (id, by) in streams.into_iter().chain([(0, lacking(self.window, all))]).filter(|(_, by)| *by > 0)
        {
            self.send_window(id, by);
        }
    }

    pub(in super::super) fn send_goaway(&mut self, last: u32, code: u32) {
        let payload = [&last.to_be_bytes()[..], &code.to_be_bytes(), b"bye"].concat();
        self.send(&frame(GOAWAY, 0, 0, &payload), Effect::GoAway(last));
    }

    pub(in super::super) fn send_ping(&mut self, number: u8) {
        self.send(&frame(PING, 0, 0, &[number; 8]), Effect::Ping([number; 8]));
    }

    pub(in super::super) fn send_pong(&mut self, payload: [u8; 8]) {
        self.send(&frame(PING, ACK, 0, &payload), Effect::Pong(payload));
    }
}
