//! A connection between the engine and the model of a peer, on which operations happen one after the other.

use std::collections::BTreeSet;

use super::operation::{OnStream, Operation, RECORD};
use super::peer::{BODY_LIMIT, HEADER_LIST_LIMIT, Known, Peer};
use super::request::{AUTHORITY, DrawnRequest};
use crate::error_code::ErrorCode;
use crate::http2::engine::{AnswerLimits, End, Ended, Engine, OUTPUT_FULL, OUTPUT_STOPS_INPUT};

/// How many operations happen at most. So many send fewer frames than may bring nothing.
const MOST: usize = 600;

/// How much is delivered at once at most.
const READ_BYTES: usize = 16 * 1024;

pub(super) const LIMITS: AnswerLimits =
    AnswerLimits { body: BODY_LIMIT, header_list: HEADER_LIST_LIMIT as u32 };

pub(super) fn run(bytes: &[u8]) {
    let mut session = Session::new();
    let (records, _) = bytes.as_chunks::<RECORD>();
    for record in records.iter().take(MOST) {
        session.step(Operation::read(*record));
    }
    session.finish();
}

struct Session {
    engine: Engine<u32>,
    peer: Peer,
    /// How many bytes the socket took.
    taken: u64,
    /// The requests that began and have not ended, and how many began.
    open: BTreeSet<u32>,
    begun: u32,
    left: bool,
    closed: bool,
    /// The engine has ended the connection.
    over: bool,
}

impl Session {
    fn new() -> Self {
        let mut peer = Peer::new();
        peer.send_settings(0, 0);
        let engine = Engine::new("https", AUTHORITY.to_owned(), LIMITS);
        let open = BTreeSet::new();
        let mut session =
            Self { engine, peer, taken: 0, open, begun: 0, left: false, closed: false, over: false };
        session.look();
        session
    }

    fn step(&mut self, operation: Operation) {
        match operation {
            Operation::Begin { shape, body } => self.begin(shape, body),
            Operation::Accept(bytes) => self.accept(bytes),
            Operation::Cancel { pick } => self.cancel(pick),
            Operation::Ping => {
                self.engine.ping();
                (self.peer.awaits_pong, self.peer.last_ping) = (true, None);
            }
            Operation::Tick => self.engine.tick(),
            Operation::Leave => self.leave(),
            Operation::CloseOutput => {
                self.engine.close_output();
                self.closed = true;
            }
            Operation::LoseAll => self.lose_all(),
            Operation::Deliver { bytes, piece } => self.deliver(bytes, piece.min(READ_BYTES)),
            Operation::Settings { which, value } => self.peer.send_settings(which, value),
            Operation::PeerPings(number) => self.peer.send_ping(number),
            Operation::PeerPongs { is_wrong } => {
                let ping = if is_wrong { Some([0xff; 8]) } else { self.peer.last_ping };
                ping.into_iter().for_each(|ping| self.peer.send_pong(ping));
            }
            Operation::Idle { kind, length } => self.peer.send_idle(kind, length),
            Operation::Window { pick, by } => {
                let id = if pick < 64 { Some(0) } else { self.peer.pick(pick) };
                id.into_iter().for_each(|id| self.peer.send_window(id, by));
            }
            Operation::GoAway { pick, code } => {
                let last = if pick < 64 { Some(0x7fff_ffff) } else { self.peer.pick(pick) };
                last.into_iter().for_each(|last| self.peer.send_goaway(last, code.into()));
            }
            Operation::Garbage(bytes) => self.peer.send_garbage(bytes),
            Operation::PeerSends { pick, what } => {
                self.peer.pick(pick).into_iter().for_each(|id| self.peer_sends(id, &what));
            }
        }
        self.look();
    }

    fn peer_sends(&mut self, id: u32, what: &OnStream) {
        match *what {
            OnStream::Head { shape, frames, field } => self.peer.send_head(id, shape, frames, field),
            OnStream::Body { shape, bytes, frames } => {
                (0..frames).for_each(|_| self.peer.send_body(id, shape & 0xfe, bytes));
                self.peer.send_body(id, shape, bytes);
            }
            OnStream::Trailers { shape } => self.peer.send_trailers(id, shape),
            OnStream::Answer { shape, bytes } => {
                self.peer.send_head(id, shape & 0xfe, 0, bytes);
                self.peer.send_body(id, shape | 1, bytes);
            }
            OnStream::Reset { code } => self.peer.send_reset(id, (code % 16).into()),
            OnStream::Fault { which } => self.peer.send_fault(which, id),
        }
    }

    fn leave(&mut self) {
        if !self.left && !self.over {
            self.engine.leave(ErrorCode::NO_ERROR);
            self.peer.leaves = Some(0);
            self.left = true;
        }
    }

    fn begin(&mut self, shape: u8, body: usize) {
        if self.left || self.over {
            return;
        }
        if self.engine.may_begin(body) {
            let request = DrawnRequest::new(self.begun, shape, body);
            let id = self.engine.begin(&request.head, request.body.clone(), self.begun);
            self.open.insert(self.begun);
            self.peer.awaits(id, self.begun, request);
            self.begun += 1;
        }
    }

    fn accept(&mut self, bytes: usize) {
        let waiting = self.engine.output().len();
        self.taken += bytes.min(waiting) as u64;
        self.engine.accepted(bytes);
    }

    fn cancel(&mut self, pick: u8) {
        let Some(id) = self.peer.pick(pick) else { return };
        let stream = self.peer.streams.get_mut(&id).unwrap();
        let cancelled = self.engine.cancel(id);
        if let Some((token, head)) = &cancelled {
            assert!(self.open.remove(token), "request {token} ended twice");
            assert_eq!(*token, stream.token);
            assert!(self.peer.known == Known::Nothing || *head == stream.head());
        }
        if self.peer.known != Known::Nothing {
            assert_eq!(cancelled.is_some(), stream.open);
        }
        stream.open = false;
    }

    fn deliver(&mut self, mut bytes: usize, size: usize) {
        // The owner reads nothing while too much waits, and nothing behind the end.
        while bytes > 0 && self.peer.has_sent() > 0 && self.engine.may_read() && !self.over {
            let piece = self.peer.take_sent(size.min(bytes));
            bytes -= piece.len();
            let (mut ends, mut expected) = (Vec::new(), Vec::new());
            let received = self.engine.receive(&piece, &mut ends);
            self.peer.deliver(piece.len(), self.taken, &mut expected);
            self.ended(&ends);
            if self.peer.known != Known::Nothing {
                assert_same(&ends, &expected);
                assert_eq!(received.is_err(), self.peer.known == Known::Fatal, "{received:?}");
            }
            if let Err(error) = received {
                self.over = true;
                self.peer.leaves = Some(error.code.0);
            }
            self.look();
        }
    }

    fn lose_all(&mut self) {
        let mut ends = Vec::new();
        let open = self.peer.open();
        self.engine.lose_all(&mut ends);
        (self.over, self.closed) = (true, true);
        self.ended(&ends);
        assert!(self.open.is_empty(), "requests {:?} never ended", self.open);
        assert!(ends.iter().all(|ended| matches!(ended.end, End::Lost { .. })));
        if self.peer.known != Known::Nothing {
            let expected: Vec<_> = open.iter().map(|id| self.peer.streams[id].lost(self.taken)).collect();
            assert_same(&ends, &expected);
        }
        self.peer.streams.values_mut().for_each(|stream| stream.open = false);
    }

    fn ended(&mut self, ends: &[Ended<u32>]) {
        for Ended { token, .. } in ends {
            assert!(self.open.remove(token), "request {token} ended twice");
        }
    }

    /// Reads what was written, and looks at what has to hold all the time.
    fn look(&mut self) {
        let waiting = self.engine.output();
        if self.closed {
            assert!(waiting.is_empty(), "something is written behind the end");
        } else {
            self.peer.read(waiting, self.taken);
        }
        assert_eq!(self.engine.open_streams(), self.open.len());
        let block = self.engine.input.block.as_ref().map_or(0, |block| block.bytes.len());
        assert!(block <= 2 * READ_BYTES, "a header block of {block} bytes is kept");
        if !self.peer.knows_all() || self.over {
            return;
        }
        assert_eq!(self.engine.settings_seen(), self.peer.settings_seen);
        assert_eq!(self.engine.awaits_pong(), self.peer.awaits_pong);
        assert_eq!(self.engine.max_streams(), self.peer.max_streams);
        assert_eq!(self.engine.goaway().map(|goaway| goaway.last_stream_id), self.peer.goaway);
        for body in [0, 1, 300, 40_000, usize::from(u16::MAX)] {
            let expected = !self.closed && waiting.len() < OUTPUT_FULL && self.peer.has_room(body);
            assert_eq!(self.engine.may_begin(body), expected, "whether a request of {body} bytes may begin");
        }
        if !self.closed {
            // One read makes the engine say at most twice as much, beside what it says of its own.
            assert!(waiting.len() <= OUTPUT_STOPS_INPUT + 4 * READ_BYTES + OUTPUT_FULL);
            assert!(waiting.len() >= OUTPUT_FULL || !self.peer.takes_data(), "a body waits for nothing");
            self.peer.assert_nothing_leaks();
            self.peer.assert_credit();
        }
    }

    /// If the connection is still there, everything that is open is answered. Then it ends.
    fn finish(&mut self) {
        self.deliver_all();
        if !self.over && !self.closed && self.peer.knows_all() {
            self.peer.open_windows();
            self.deliver_all();
            self.accept_all();
            for id in self.peer.open() {
                assert!(self.peer.streams[&id].is_complete(), "the body of stream {id} never left");
                self.peer.send_trailers(id, 1);
            }
            self.deliver_all();
            assert!(self.over || self.open.is_empty(), "requests {:?} have no answer", self.open);
        }
        self.lose_all();
        self.look();
    }

    fn deliver_all(&mut self) {
        while self.peer.has_sent() > 0 && !self.over {
            self.deliver(READ_BYTES, READ_BYTES);
            if !self.closed {
                self.accept_all();
            }
        }
    }

    fn accept_all(&mut self) {
        while !self.engine.output().is_empty() {
            self.accept(usize::from(u16::MAX));
            self.look();
        }
    }
}

fn assert_same(ends: &[Ended<u32>], expected: &[Ended<u32>]) {
    let same = |(left, right): (&Ended<u32>, &Ended<u32>)| match (&left.end, &right.end) {
        (End::Answered(one), End::Answered(other)) => left.token == right.token && one == other,
        _ => format!("{left:?}") == format!("{right:?}"),
    };
    let same = ends.len() == expected.len() && ends.iter().zip(expected).all(same);
    assert!(same, "{ends:?} instead of {expected:?}");
}
