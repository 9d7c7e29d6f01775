//! One request on its stream, and all streams that are open.

use std::collections::VecDeque;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::answer::Answer;
use super::end::Progress;
use super::window::{DEFAULT_WINDOW, Overflow, ReceiveWindow, SendWindow};

/// One request on its stream.
#[derive(Debug)]
pub(super) struct Stream<T> {
    /// What its owner knows it by.
    pub(super) token: T,
    /// The offset of its HEADERS in all that is written.
    pub(super) begins: u64,
    /// The offset behind its END_STREAM, or `None` while there is more of the body to write.
    pub(super) ends: Option<u64>,
    /// What of the body is still to be written.
    pub(super) rest: Bytes,
    /// How much of the body the peer takes.
    pub(super) send: SendWindow,
    /// How much of an answer's body may come.
    pub(super) receive: ReceiveWindow,
    /// Whether the answer has no body because of the method. Source: RFC 9110, section 9.3.2.
    pub(super) to_head: bool,
    /// The answer, once its head is there.
    pub(super) answer: Option<Answer>,
}

impl<T> Stream<T> {
    /// How much of the request the socket took, where it took everything up to the offset `taken`.
    pub(super) fn progress(&self, taken: u64) -> Progress {
        match self.ends {
            _ if taken <= self.begins => Progress::NotBegun,
            Some(ends) if taken >= ends => Progress::Complete,
            Some(_) | None => Progress::Incomplete,
        }
    }
}

/// How many streams that were reset here are remembered, so that an answer which crosses the reset is known.
const REMEMBERED: usize = 16_384;

/// The streams that are open, and those that were reset not long ago.
#[derive(Debug)]
pub(super) struct Streams<T> {
    pub(super) open: FxHashMap<u32, Stream<T>>,
    /// What may still come of the answer to a stream that was reset.
    reset: FxHashMap<u32, ReceiveWindow>,
    /// The same streams, with the oldest first.
    reset_order: VecDeque<u32>,
}

/// What is known of a stream that a frame names and that is not open.
pub(super) enum Closed {
    /// It was reset here, and its answer may still come.
    Reset,
    /// It ended, or was reset long ago.
    Forgotten,
}

impl<T> Streams<T> {
    pub(super) fn new() -> Self {
        Self { open: FxHashMap::default(), reset: FxHashMap::default(), reset_order: VecDeque::new() }
    }

    /// Remembers a stream that was reset here, with the window that its answer had left.
    pub(super) fn was_reset(&mut self, id: u32, receive: ReceiveWindow) {
        if self.reset_order.len() == REMEMBERED
            && let Some(oldest) = self.reset_order.pop_front()
        {
            self.reset.remove(&oldest);
        }
        self.reset.insert(id, receive);
        self.reset_order.push_back(id);
    }

    /// What is known of a stream that is not open.
    pub(super) fn closed(&self, id: u32) -> Closed {
        if self.reset.contains_key(&id) { Closed::Reset } else { Closed::Forgotten }
    }

    /// So many bytes came on a stream that is not open.
    pub(super) fn receive_closed(&mut self, id: u32, bytes: usize) -> Result<(), Overflow> {
        self.reset.get_mut(&id).map_or(Ok(()), |window| window.receive(bytes))
    }

    /// The peer sends nothing more on a stream that is not open. Its place among the remembered is taken by others.
    pub(super) fn closed_ends(&mut self, id: u32) {
        self.reset.remove(&id);
    }
}

/// The window of an answer's body.
pub(super) fn receive_window() -> ReceiveWindow {
    ReceiveWindow::new(DEFAULT_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_a_comparison_of_offsets() {
        let stream = |ends| Stream {
            token: (),
            begins: 100,
            ends,
            rest: Bytes::new(),
            send: SendWindow::new(0),
            receive: receive_window(),
            to_head: false,
            answer: None,
        };
        for (ends, taken, progress) in [
            (Some(200), 100, Progress::NotBegun),
            (Some(200), 101, Progress::Incomplete),
            (Some(200), 199, Progress::Incomplete),
            (Some(200), 200, Progress::Complete),
            (None, 100, Progress::NotBegun),
            (None, 5000, Progress::Incomplete),
        ] {
            assert_eq!(stream(ends).progress(taken), progress, "{ends:?} {taken}");
        }
    }

    #[test]
    fn a_bounded_number_of_reset_streams_is_remembered() {
        let mut streams = Streams::<()>::new();
        for id in 0..3 * u32::try_from(REMEMBERED).unwrap() {
            streams.was_reset(id, receive_window());
            if id % 2 == 0 {
                streams.closed_ends(id);
            }
        }
        assert!(streams.reset.len() <= REMEMBERED && streams.reset_order.len() <= REMEMBERED);
        assert!(matches!(streams.closed(1), Closed::Forgotten));
        assert!(matches!(streams.closed(3 * u32::try_from(REMEMBERED).unwrap() - 1), Closed::Reset));
    }
}
