//! The lines of a body that comes piece by piece.
//!
//! Nothing is read ahead of the line that is asked for but the piece in which it ends, so a caller is slowed by its socket.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures_util::FutureExt;
use http::StatusCode;
use http_body::Body;
use tokio::time::{Instant, timeout_at};

use super::problem::Problem;
use crate::desk::{NO_ROOM_WAIT, NoRoom};
use crate::held_bytes::HeldBytes;
use crate::ingress::contract::CallFault;
use crate::push::Reason;

/// A line, without its end, and its number from 1.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) bytes: Bytes,
}

/// The lines of a body.
pub(super) struct Lines<B> {
    body: B,
    /// The longest line, in bytes.
    most: usize,
    /// How long a line may take to arrive whole.
    patience: Duration,
    /// What has arrived, and is counted until all of it is used up.
    held: HeldBytes,
    arrived: Bytes,
    /// The beginning of the next line, and until when its end is awaited.
    begun: BytesMut,
    late: Option<Instant>,
    number: usize,
}

impl<B: Body<Data = Bytes> + Unpin> Lines<B> {
    pub(super) fn new(body: B, most: usize, patience: Duration, held: HeldBytes) -> Self {
        let (arrived, begun) = Default::default();
        Self { body, most, patience, held, arrived, begun, late: None, number: 0 }
    }

    /// Asks for the body before the answer begins, for a caller that sends none before it was told to (100 Continue). hyper tells
    /// it so when the connection is looked at while the body is asked for, and not any more once the answer has begun.
    pub(super) async fn ask(&mut self) -> Result<(), Problem> {
        match self.piece().now_or_never() {
            Some(Ok(Some(arrived))) => self.arrive(arrived),
            Some(Ok(None)) => Ok(()),
            Some(Err(problem)) => Err(problem),
            None => {
                tokio::task::yield_now().await;
                Ok(())
            }
        }
    }

    /// The next line that is not blank. None: the body has ended.
    ///
    /// # Errors
    /// Fails if a line is too long or too slow, or the body is broken off.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, Problem> {
        loop {
            if let Some(end) = self.arrived.iter().position(|byte| *byte == b'\n') {
                let rest = self.arrived.split_to(end);
                self.arrived.advance(1);
                if let Some(line) = self.end_line(rest)? {
                    return Ok(Some(line));
                }
                continue;
            }
            let rest = std::mem::take(&mut self.arrived);
            self.begin_line(&rest)?;
            let Some(arrived) = self.more().await? else {
                return self.end_line(Bytes::new());
            };
            self.arrive(arrived)?;
        }
    }

    fn arrive(&mut self, arrived: Bytes) -> Result<(), Problem> {
        self.held.add(arrived.len()).map_err(|_| CallFault::NoRoom(NoRoom::OverBudget))?;
        self.arrived = arrived;
        Ok(())
    }

    /// The end of a line has come. None: the line is blank.
    fn end_line(&mut self, rest: Bytes) -> Result<Option<Line>, Problem> {
        let bytes = if self.begun.is_empty() {
            self.bounded(rest.len())?;
            rest
        } else {
            self.begin_line(&rest)?;
            self.begun.split().freeze()
        };
        (self.number, self.late) = (self.number + 1, None);
        let blank = bytes.iter().all(u8::is_ascii_whitespace);
        Ok((!blank).then_some(Line { number: self.number, bytes }))
    }

    /// Keeps the beginning of a line. A piece is a part of what its connection has read, so it is not kept itself.
    fn begin_line(&mut self, rest: &[u8]) -> Result<(), Problem> {
        self.bounded(self.begun.len() + rest.len())?;
        self.begun.extend_from_slice(rest);
        self.held.keep(self.begun.len());
        if !self.begun.is_empty() && self.late.is_none() {
            self.late = Some(Instant::now() + self.patience);
        }
        Ok(())
    }

    fn bounded(&self, length: usize) -> Result<(), Problem> {
        if length <= self.most {
            return Ok(());
        }
        let (line, most) = (self.number + 1, self.most);
        let detail = format!(
            "expected a push of at most {most} bytes (http.json.max_push_bytes), found more in line {line}"
        );
        Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Some(Reason::FieldTooLarge), detail))
    }

    /// The next piece of the body.
    async fn more(&mut self) -> Result<Option<Bytes>, Problem> {
        let Some(late) = self.late else { return self.piece().await };
        match timeout_at(late, self.piece()).await {
            Ok(piece) => piece,
            Err(_) => {
                let (line, patience) = (self.number + 1, self.patience);
                let detail =
                    format!("line {line} did not arrive whole in {patience:?}; nothing of it was sent");
                let problem =
                    Problem::new(StatusCode::REQUEST_TIMEOUT, Some(Reason::DeadlineExceeded), detail);
                Err(problem.again_after(Some(NO_ROOM_WAIT)))
            }
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            match std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await {
                None => return Ok(None),
                // Trailers say nothing here.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(_)) => {
                    let detail = "the body was broken off; items without a result are in doubt";
                    return Err(Problem::new(StatusCode::BAD_REQUEST, Some(Reason::FieldInvalid), detail));
                }
            }
        }
    }
}
