//! What the peer may not send.

use super::super::frames::*;
use super::effect::Effect;
use super::{Known, Peer};

impl Peer {
    /// Breaks a rule. `id` is a stream that was opened.
    pub(in super::super) fn send_fault(&mut self, which: u8, id: u32) {
        let fields = malformed();
        if let Some(block) = fields.get(usize::from(which / 2)) {
            let ends = which % 2 == 1;
            let effect = Effect::Malformed { stream: id, ends };
            return self.send_block(id, which % 2, 0, block, effect);
        }
        let all = fatal(id);
        self.send(&all[usize::from(which) % all.len()], Effect::Fatal);
    }

    /// Sends bytes that mean nothing to anybody.
    pub(in super::super) fn send_garbage(&mut self, bytes: [u8; 4]) {
        // A peer that sends it has only just begun to be strange: the bytes look like a frame.
        let [kind, flags, length, payload] = bytes;
        let stream = self.pick(payload).unwrap_or(0);
        let payload: Vec<u8> = (0..length % 64).map(|at| payload.wrapping_mul(at)).collect();
        self.send(&[], Effect::Unknown);
        self.send(&frame(kind % 12, flags, stream, &payload), Effect::Nothing);
    }

    /// Frames that bring nothing, and are allowed.
    pub(in super::super) fn send_idle(&mut self, kind: u8, length: u8) {
        let bytes = match kind % 3 {
            0 => frame(PRIORITY, 0, 1, &[0; 5]),
            1 if self.settings_seen => frame(SETTINGS, ACK, 0, &[]),
            _ => frame(0xbe, kind, u32::from(kind), &vec![0; length.into()]),
        };
        self.send(&bytes, Effect::Nothing);
    }

    /// Whether the model says exactly what happens next.
    pub(in super::super) fn knows_all(&self) -> bool {
        self.known == Known::All
    }
}

/// Header blocks that end their stream as long as it is open, each written without any table. Source: RFC 9113,
/// sections 8.2 and 8.3.
fn malformed() -> Vec<Vec<u8>> {
    let block = |fields: &[(&str, &str)]| {
        let literal = |(name, value): &(&str, &str)| {
            let length = |text: &str| u8::try_from(text.len()).unwrap();
            [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
        };
        fields.iter().flat_map(literal).collect()
    };
    vec![
        block(&[("a", "b"), (":status", "200")]),
        block(&[(":status", "200"), (":status", "200")]),
        block(&[(":status", "2x0")]),
        block(&[(":status", "20")]),
        block(&[(":status", "200"), (":path", "/")]),
        block(&[(":status", "200"), ("Upper", "b")]),
        block(&[(":status", "200"), ("a", "b\r\nc: d")]),
        block(&[(":status", "200"), ("connection", "close")]),
        block(&[(":status", "200"), ("transfer-encoding", "chunked")]),
        block(&[(":status", "200"), ("content-length", "1"), ("content-length", "2")]),
        block(&[(":status", "200"), ("content-length", "-1")]),
    ]
}

/// What ends the connection, whatever became of the stream. Source: RFC 9113, section 6.
fn fatal(id: u32) -> Vec<Vec<u8>> {
    let [oversized, mut endless] =
        [[0, 0x40, 1, DATA, 0, 0, 0, 0, 1].to_vec(), frame(HEADERS, 0, id, &[0; MAX_PAYLOAD])];
    (0..2).for_each(|_| endless.extend(frame(CONTINUATION, 0, id, &[0; MAX_PAYLOAD])));
    let setting = |id: u8, value: u32| [&[0, id][..], &value.to_be_bytes()].concat();
    let never = 0x7fff_ffff;
    vec![
        oversized,
        endless,
        frame(DATA, 0, 2, b"x"),
        frame(DATA, 0, 0, b"x"),
        frame(HEADERS, END_HEADERS, never, &[0x88]),
        frame(HEADERS, END_HEADERS, 0, &[0x88]),
        frame(RST_STREAM, 0, never, &[0; 4]),
        frame(RST_STREAM, 0, id, &[0; 3]),
        frame(WINDOW_UPDATE, 0, never, &[0, 0, 0, 1]),
        frame(WINDOW_UPDATE, 0, id, &[0; 5]),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        frame(PRIORITY, 0, id, &[0; 4]),
        frame(SETTINGS, 0, 0, &[0; 5]),
        frame(SETTINGS, 0, id, &[]),
        frame(SETTINGS, ACK, 0, &[0; 6]),
        frame(SETTINGS, 0, 0, &setting(2, 2)),
        frame(SETTINGS, 0, 0, &setting(4, 1 << 31)),
        frame(SETTINGS, 0, 0, &setting(5, 16_383)),
        frame(PING, 0, 0, &[0; 7]),
        frame(PING, 0, id, &[0; 8]),
        frame(GOAWAY, 0, 0, &[0; 7]),
        frame(GOAWAY, 0, id, &[0; 8]),
        frame(PUSH_PROMISE, END_HEADERS, id, &[0, 0, 0, 2, 0x88]),
        frame(CONTINUATION, END_HEADERS, id, &[0x88]),
        [frame(HEADERS, 0, id, &[0x88]), frame(PING, 0, 0, &[0; 8])].concat(),
        [frame(HEADERS, 0, id, &[0x88]), frame(CONTINUATION, END_HEADERS, never, &[0x88])].concat(),
        frame(DATA, PADDED, id, &[5, 0, 0]),
        frame(HEADERS, END_HEADERS | PADDED, id, &[5, 0, 0]),
        frame(HEADERS, END_HEADERS | WITH_PRIORITY, id, &[0; 4]),
        // A header block with an index that has no entry, with one that ends inside of a field, and with a table that is
        // too large. Source: RFC 7541, sections 2.3.3 and 4.2.
        frame(HEADERS, END_HEADERS, id, &[0x80]),
        frame(HEADERS, END_HEADERS, id, &[0x48, 3, b'2']),
        frame(HEADERS, END_HEADERS, id, &[0x3f, 0xe2, 0x1f, 0x88]),
    ]
}
