//! What frames of the peer do once they are delivered.

use super::super::request::List;
use super::answer::Answering;
use super::{Known, MAX_WINDOW, Peer};
use crate::http2::engine::{End, Ended};

/// The effect of a frame, or of a whole header block.
pub(super) enum Effect {
    Nothing,
    Head {
        stream: u32,
        status: u16,
        list: List,
        ends: bool,
    },
    Informational {
        stream: u32,
    },
    Body {
        stream: u32,
        piece: Vec<u8>,
        ends: bool,
    },
    Trailers {
        stream: u32,
    },
    /// A header block that nobody may send.
    Malformed {
        stream: u32,
        ends: bool,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    Settings {
        max_streams: Option<u32>,
        window: Option<u32>,
        table: Option<u32>,
    },
    Window {
        stream: u32,
        by: u32,
    },
    GoAway(u32),
    Ping([u8; 8]),
    Pong([u8; 8]),
    Fatal,
    Unknown,
}

impl Peer {
    /// So many bytes more were delivered. Adds the requests that have to end by them to `ends`.
    pub(in super::super) fn deliver(&mut self, bytes: usize, taken: u64, ends: &mut Vec<Ended<u32>>) {
        self.delivered += bytes as u64;
        while self.known == Known::All
            && let Some((_, effect)) = self.effects.pop_front_if(|(end, _)| *end <= self.delivered)
        {
            self.take_effect(effect, taken, ends);
        }
    }

    fn take_effect(&mut self, effect: Effect, taken: u64, ends: &mut Vec<Ended<u32>>) {
        match effect {
            Effect::Nothing => {}
            Effect::Head { stream, status, list, ends: last } => {
                self.on_stream(stream, last, ends, |stream| {
                    if stream.answer.is_some() {
                        return Some(stream.unreadable());
                    }
                    stream.answer = Some(Answering::new(status, &list));
                    last.then(|| stream.answered())
                });
            }
            Effect::Informational { stream } => {
                self.on_stream(stream, false, ends, |stream| {
                    stream.answer.is_some().then(|| stream.unreadable())
                });
            }
            Effect::Body { stream, piece, ends: last } => {
                self.on_stream(stream, last, ends, |stream| stream.piece(&piece, last));
            }
            Effect::Trailers { stream } => {
                self.on_stream(stream, true, ends, |stream| Some(stream.answered()))
            }
            Effect::Malformed { stream, ends: last } => {
                self.on_stream(stream, last, ends, |stream| Some(stream.unreadable()));
            }
            Effect::Reset { stream, code } => {
                let refused = |head: &Option<_>| code == 7 && head.is_none();
                self.on_stream(stream, true, ends, |stream| {
                    stream.aborted = true;
                    let head = stream.head();
                    Some(if refused(&head) { End::Refused } else { End::Reset { code, head } })
                });
            }
            Effect::Settings { max_streams, window, table } => self.settings(max_streams, window, table),
            Effect::Window { stream, by } => self.enlarge(stream, by.into(), ends),
            Effect::GoAway(last) if self.goaway.is_some_and(|before| before < last) => {
                self.known = Known::Fatal
            }
            Effect::GoAway(last) => {
                self.goaway = Some(last);
                for (_, stream) in self.streams.iter_mut().filter(|(id, stream)| stream.open && **id > last) {
                    (stream.open, stream.aborted) = (false, true);
                    let lost = |head| End::Lost { progress: stream.progress(taken), head: Some(head) };
                    ends.push(Ended { token: stream.token, end: stream.head().map_or(End::GoneAway, lost) });
                }
            }
            Effect::Ping(payload) => self.pongs_due.push_back(payload),
            Effect::Pong(payload) => self.awaits_pong &= self.last_ping != Some(payload),
            Effect::Fatal => self.known = Known::Fatal,
            Effect::Unknown => {
                self.known = Known::Nothing;
                self.decoder.set_max_allowed_table_size(4096);
            }
        }
    }

    /// Does something to a stream whose request has not ended. `last` is whether the peer sends nothing more on it.
    fn on_stream(
        &mut self,
        id: u32,
        last: bool,
        ends: &mut Vec<Ended<u32>>,
        act: impl FnOnce(&mut super::Stream) -> Option<End>,
    ) {
        let stream = self.streams.get_mut(&id).unwrap();
        stream.peer_done |= last;
        if stream.open
            && let Some(end) = act(stream)
        {
            stream.open = false;
            ends.push(Ended { token: stream.token, end });
        }
    }

    fn settings(&mut self, max_streams: Option<u32>, window: Option<u32>, table: Option<u32>) {
        self.settings_seen = true;
        if let Some(max) = max_streams {
            self.max_streams = max.try_into().unwrap();
        }
        if let Some(window) = window.map(i64::from) {
            let by = window - self.initial_window;
            self.initial_window = window;
            for stream in self.streams.values_mut().filter(|stream| stream.open) {
                stream.window += by;
                if stream.window > MAX_WINDOW {
                    self.known = Known::Fatal;
                }
            }
        }
        if let Some(size) = table.and_then(|size| usize::try_from(size).ok()) {
            self.decoder.set_max_allowed_table_size(size);
            self.table = Some(self.table.map_or(size, |before| before.min(size)));
        }
        // What ends the connection is not acknowledged.
        self.acks_due += usize::from(self.known == Known::All);
    }

    fn enlarge(&mut self, id: u32, by: i64, ends: &mut Vec<Ended<u32>>) {
        if id == 0 {
            self.window += by;
            if by == 0 || self.window > MAX_WINDOW {
                self.known = Known::Fatal;
            }
            return;
        }
        self.on_stream(id, false, ends, |stream| {
            stream.window += by;
            (by == 0 || stream.window > MAX_WINDOW).then(|| stream.unreadable())
        });
    }
}
