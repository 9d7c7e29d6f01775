//! The body of a request, which passes whole messages.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::PollSemaphore;
use tonic::Status;
use tonic::codegen::StdError;

use super::super::encode;
use super::arriving::{Arriving, MessageLimit, Whole};
use super::compressed::Compressed;
use super::connection::ConnectionBytes;
use super::encoding::Encoding;
use crate::desk::NoRoom;
use crate::held_bytes::HeldBytes;
use crate::ingress::contract::CallFault;

/// A message of at most so many bytes never waits for its turn.
const SMALL: usize = 64 * 1024;

/// How many messages the caller of a call writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    /// One, which is awaited from the beginning of the call.
    One,
    /// Any number, and each is awaited from its first byte.
    Many,
}

/// The body of a request, which passes whole messages.
///
/// The decoder asks for more only when it has no whole message left, and whoever it decodes for asks it only when the
/// message before is used up. So what was passed is counted until the body is polled again.
#[derive(Debug)]
pub(crate) struct WholeMessages<B> {
    inner: B,
    pub(super) limit: MessageLimit,
    /// How messages are compressed that say they are.
    encoding: Option<Encoding>,
    arity: Arity,
    timeout: Duration,
    /// What has arrived and is not used up yet.
    held: HeldBytes,
    turns: PollSemaphore,
    most: u32,
    /// The turn of a large message, until it is used up.
    turn: Option<OwnedSemaphorePermit>,
    places: Arc<Semaphore>,
    /// The place of a unary call that waits for its turn.
    place: Option<OwnedSemaphorePermit>,
    /// What has arrived of the next message.
    arriving: Arriving,
    /// What follows it in the same chunk.
    behind: Bytes,
    /// A message that has come, and has to be decompressed.
    compressed: Option<Compressed>,
    /// A message whose header was passed.
    next: Option<Bytes>,
    /// Whether something was passed since the last poll.
    passed: bool,
    /// The largest message that was passed. The decoder keeps a buffer of its size until the call ends, so it counts.
    largest: usize,
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the timer runs for the message that is awaited.
    timed: bool,
}

impl<B> WholeMessages<B> {
    pub(super) fn new(
        inner: B,
        limit: MessageLimit,
        encoding: Option<Encoding>,
        arity: Arity,
        timeout: Duration,
        connection: &ConnectionBytes,
    ) -> Self {
        Self {
            inner,
            limit,
            encoding,
            arity,
            timeout,
            held: connection.share.nothing(),
            turns: PollSemaphore::new(connection.turns.clone()),
            most: connection.most,
            turn: None,
            places: Arc::clone(&connection.places),
            place: None,
            arriving: Arriving::default(),
            behind: Bytes::new(),
            compressed: None,
            next: None,
            passed: false,
            largest: 0,
            timer: None,
            timed: false,
        }
    }

    /// Whatever was passed is used up.
    fn used_up(&mut self) {
        self.held.keep(self.behind.len() + self.largest);
        self.turn = None;
        self.timed = self.arity == Arity::One && self.timed;
    }

    /// Nothing more is passed, so nothing is kept but what the decoder has.
    fn ended(&mut self, status: Status) -> Status {
        (self.arriving, self.behind, self.compressed) = (Arriving::default(), Bytes::new(), None);
        self.held.keep(self.largest);
        (self.turn, self.place, self.timer) = (None, None, None);
        // The wait for a turn is over as well.
        self.turns = PollSemaphore::new(self.turns.clone_inner());
        status
    }

    /// A chunk arrived. A message that is decoded at once, as the only one of its call, is not worth counting.
    fn arrived(&mut self, chunk: Bytes) -> Result<Option<Bytes>, Status> {
        let at_once = self.arity == Arity::One && self.arriving.is_empty();
        if at_once && self.limit.whole(&chunk) == chunk.len() {
            return Ok(Some(chunk));
        }
        self.held.add(chunk.len()).map_err(|_| CallFault::NoRoom(NoRoom::OverBudget))?;
        self.behind = chunk;
        Ok(None)
    }

    /// What can be passed of the chunk that arrived last.
    fn pass(&mut self) -> Result<Option<Bytes>, Status> {
        if self.arriving.is_empty() {
            let whole = self.limit.whole(&self.behind);
            if whole > 0 {
                return Ok(Some(self.behind.split_to(whole)));
            }
        }
        let Some(whole) = self.arriving.take(&mut self.behind, self.limit)? else {
            return Ok(None);
        };
        if let Some(encoding) = self.encoding.filter(|_| whole.is_compressed()) {
            self.compressed = Some(Compressed::new(encoding, whole.message, self.limit)?);
            // It waits for another turn with what it becomes. With the one that it had, it could wait for itself.
            self.turn = None;
            return Ok(None);
        }
        Ok(Some(self.header(whole)))
    }

    /// Decompresses a message, which has its turn. Until that is done, it is held twice.
    fn decompress(&mut self, compressed: Compressed) -> Result<Option<Bytes>, Status> {
        self.held.add(compressed.room()).map_err(|_| CallFault::NoRoom(NoRoom::OverBudget))?;
        let whole = compressed.decompress()?;
        self.held.keep(self.behind.len() + self.largest + whole.message.len());
        if whole.message.len() <= SMALL {
            self.turn = None;
        }
        Ok(Some(self.header(whole)))
    }

    /// The header of a message, which is passed first.
    fn header(&mut self, Whole { header, message }: Whole) -> Bytes {
        if self.arity == Arity::Many {
            self.largest = self.largest.max(message.len());
        }
        self.next = Some(message);
        header
    }

    /// Waits until a large message may be gathered. The time that it waits for its turn is not its caller's fault. A stream
    /// waits as long as it takes, and how many wait is bounded by how many a connection has. A unary call is told to come
    /// again while its caller still listens, since batches may take long to use their messages up.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        let length = self.compressed.as_ref().map(Compressed::room).or(self.arriving.length());
        let Some(length) = length.filter(|length| *length > SMALL) else {
            return Poll::Ready(Ok(()));
        };
        if self.turn.is_none() {
            if self.arity == Arity::One && self.place.is_none() {
                let place = Arc::clone(&self.places).try_acquire_owned();
                self.place = Some(place.map_err(|_| encode::no_turn())?);
            }
            let permits = u32::try_from(length).unwrap_or(u32::MAX).min(self.most);
            let Poll::Ready(turn) = self.turns.poll_acquire_many(cx, permits) else {
                if self.arity == Arity::One {
                    let _late = ready!(self.poll_late(cx));
                    return Poll::Ready(Err(encode::no_turn()));
                }
                return Poll::Pending;
            };
            (self.turn, self.place, self.timed) = (turn, None, false);
        }
        Poll::Ready(Ok(()))
    }

    /// Waits until the message that is awaited is late. The timer is made where a message is not there at once.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        if self.arity == Arity::Many && self.arriving.is_empty() {
            return Poll::Pending;
        }
        let late = || Instant::now() + self.timeout;
        let timer = match &mut self.timer {
            Some(timer) => {
                if !self.timed {
                    timer.as_mut().reset(late());
                }
                timer
            }
            none => none.insert(Box::pin(sleep_until(late()))),
        };
        self.timed = true;
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(encode::message_too_slow(self.timeout))
    }
}

impl<B> Body for WholeMessages<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<StdError>,
{
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if let Some(message) = this.next.take().filter(|message| !message.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(message))));
        }
        if std::mem::take(&mut this.passed) {
            this.used_up();
        }
        loop {
            if let Err(status) = ready!(this.poll_turn(cx)) {
                return Poll::Ready(Some(Err(this.ended(status))));
            }
            let passed = if let Some(compressed) = this.compressed.take() {
                this.decompress(compressed)
            } else if this.behind.is_empty() {
                let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
                    let status = ready!(this.poll_late(cx));
                    return Poll::Ready(Some(Err(this.ended(status))));
                };
                match frame.map(|frame| frame.map(Frame::into_data)) {
                    Some(Ok(Ok(chunk))) => this.arrived(chunk),
                    Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                    Some(Err(error)) => Err(Status::from_error(error.into())),
                    None if this.arriving.is_empty() => return Poll::Ready(None),
                    None => Err(encode::message_cut_short()),
                }
            } else {
                this.pass()
            };
            match passed {
                Ok(Some(bytes)) => {
                    this.passed = true;
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Ok(None) => {}
                Err(status) => return Poll::Ready(Some(Err(this.ended(status)))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.next.is_none()
            && self.behind.is_empty()
            && self.compressed.is_none()
            && self.arriving.is_empty()
            && self.inner.is_end_stream()
    }
}
