//! What may happen to a connection, as it is drawn.

/// How many bytes decide one operation. All have the same length, so that a part of a sequence is a sequence too.
pub(super) const RECORD: usize = 6;

/// How many of the faults end a stream. The others end the connection.
const MALFORMED: u8 = 22;

#[derive(Debug)]
pub(super) enum Operation {
    /// The owner begins a request, if it may.
    Begin {
        shape: u8,
        body: usize,
    },
    /// The socket takes so many bytes.
    Accept(usize),
    Cancel {
        pick: u8,
    },
    Ping,
    Tick,
    Leave,
    CloseOutput,
    LoseAll,
    /// So many bytes of what the peer sent come in pieces of this size.
    Deliver {
        bytes: usize,
        piece: usize,
    },
    /// The peer sends something on a stream.
    PeerSends {
        pick: u8,
        what: OnStream,
    },
    Settings {
        which: u8,
        value: u32,
    },
    /// The peer enlarges the window of the connection, or of a stream.
    Window {
        pick: u8,
        by: u32,
    },
    GoAway {
        pick: u8,
        code: u8,
    },
    PeerPings(u8),
    PeerPongs {
        is_wrong: bool,
    },
    /// The peer sends a frame that means nothing.
    Idle {
        kind: u8,
        length: u8,
    },
    Garbage([u8; 4]),
}

/// What a peer sends on a stream that was opened.
#[derive(Debug)]
pub(super) enum OnStream {
    Head {
        shape: u8,
        frames: u8,
        field: usize,
    },
    /// So many bytes in each of so many frames and one more.
    Body {
        shape: u8,
        bytes: usize,
        frames: u8,
    },
    Trailers {
        shape: u8,
    },
    /// A whole answer.
    Answer {
        shape: u8,
        bytes: usize,
    },
    Reset {
        code: u8,
    },
    /// What breaks a rule.
    Fault {
        which: u8,
    },
}

impl Operation {
    /// What is common is drawn more often than what ends the connection, so that most connections live for long.
    pub(super) fn read(record: [u8; RECORD]) -> Self {
        let [what, pick, shape, a, b, c] = record;
        let is_rare = c >= 240;
        let on_stream = |what| Self::PeerSends { pick, what };
        let size = usize::from(u16::from_be_bytes([a, b]));
        let value = match c % 8 {
            0 => 0,
            1 => u32::from(a),
            2 | 3 => u32::from(u16::from_be_bytes([a, b])),
            4 | 5 => u32::from_be_bytes([0, a, b, 0]),
            6 => u32::MAX >> (a % 8),
            _ => u32::from_be_bytes([a, b, 0xff, 0xff]),
        };
        match what {
            0..48 => Self::Begin { shape, body: if c < 128 { size % 300 } else { size % 40_001 } },
            48..80 => Self::Accept(if c < 250 { size } else { usize::MAX }),
            80..88 => Self::Cancel { pick },
            88..92 => Self::Ping,
            92..96 => Self::Tick,
            96 => Self::Leave,
            97 => Self::CloseOutput,
            98 if is_rare => Self::LoseAll,
            98 => Self::Tick,
            99..140 if c < 200 => Self::Deliver { bytes: size, piece: usize::MAX },
            // Small pieces take long.
            99..140 => Self::Deliver { bytes: size % 600, piece: usize::from(c) - 199 },
            140..160 => {
                let field = usize::from(a) * if b < 250 { 1 } else { 80 };
                on_stream(OnStream::Head { shape, frames: c, field })
            }
            160..176 => {
                let bytes = if c % 2 == 0 { size % 16_000 } else { size % 17 * 1000 };
                on_stream(OnStream::Body { shape, bytes, frames: c % 16 })
            }
            176..184 => on_stream(OnStream::Trailers { shape }),
            184..208 => on_stream(OnStream::Answer { shape, bytes: usize::from(a) }),
            208..214 => on_stream(OnStream::Reset { code: shape }),
            214..220 => Self::Settings { which: shape, value },
            220..234 => Self::Window { pick, by: if c >= 224 { value } else { 1 + value % 60_000 } },
            234..236 if c < 192 => Self::GoAway { pick: 0, code: shape },
            234..236 => Self::GoAway { pick, code: shape },
            236..240 => Self::PeerPings(a),
            240..244 => Self::PeerPongs { is_wrong: a % 4 == 0 },
            244..248 => Self::Idle { kind: shape, length: a },
            248..255 if is_rare => on_stream(OnStream::Fault { which: shape }),
            248..255 => on_stream(OnStream::Fault { which: shape % MALFORMED }),
            255 if is_rare => Self::Garbage([shape, a, b, pick]),
            255 => Self::Accept(size),
        }
    }
}
