//! What the ends of requests say about their peer.

use crate::cause::EndCause;
use crate::connection::Connection;
use crate::error::{NoAnswerCause, NoReply, Unanswered};
use crate::failure::Symptom;
use crate::request::Reply;

/// What requests that ended together say about their peer, so that the pool is told once.
#[derive(Default)]
pub(super) struct HeardOfPeer {
    /// How many answers say that it is well, and have to be counted.
    well: u32,
    /// The code with which it reset requests. As many as it resets at once are one failure.
    reset: Option<u32>,
    /// The connection took requests with it.
    lost: bool,
}

impl HeardOfPeer {
    /// One more request has ended. If the head of an answer came, the peer was well enough to say it.
    pub(super) fn note(&mut self, connection: &Connection, end: &Result<Reply, NoReply>) {
        match end {
            Ok(reply) => self.well += u32::from(connection.answered(reply.status)),
            Err(NoReply::Unanswered(Unanswered { head: None, cause })) => match cause {
                NoAnswerCause::Reset(code) => self.reset = Some(*code),
                NoAnswerCause::ConnectionLost => self.lost = true,
                // An answer that is too long says nothing against the peer, and the others are told where they are seen.
                NoAnswerCause::Unreadable | NoAnswerCause::Deadline | NoAnswerCause::AnswerTimeout => {}
            },
            Err(NoReply::Unanswered(_) | NoReply::Unsent(_)) => {}
        }
    }

    /// Tells the pool. The connection ends for `cause`, if it took requests with it.
    pub(super) fn tell(self, connection: &Connection, cause: EndCause) {
        if let Some(code) = self.reset {
            connection.failed(Symptom::Reset(code));
        }
        if self.lost && !cause.is_ours() {
            connection.failed(Symptom::Ended(cause));
        }
        connection.well(self.well);
    }
}
