//! What the end of a request on its stream means for its caller.

use crate::error::{Head, NoAnswerCause, NoReply, Unanswered, UnsentCause};
use crate::http2::engine::{End, Progress};
use crate::request::Reply;

/// What the end of a request means for its caller. A request that the socket did not take whole was not processed, as
/// long as nothing came of an answer.
pub(super) fn outcome(end: End) -> Result<Reply, NoReply> {
    match end {
        End::Answered(reply) => Ok(reply),
        End::GoneAway => Err(NoReply::Unsent(UnsentCause::GoAway)),
        End::Refused => Err(NoReply::Unsent(UnsentCause::RefusedStream)),
        End::Reset { code, head } => Err(unanswered(head, NoAnswerCause::Reset(code))),
        End::Unreadable { head } => Err(unanswered(head, NoAnswerCause::Unreadable)),
        End::Lost { progress: Progress::NotBegun | Progress::Incomplete, head: None } => {
            Err(NoReply::Unsent(UnsentCause::NotWritten))
        }
        End::Lost { head, .. } => Err(unanswered(head, NoAnswerCause::ConnectionLost)),
    }
}

/// A request was sent, and this is what ended the wait for its answer.
pub(super) fn unanswered(head: Option<Head>, cause: NoAnswerCause) -> NoReply {
    NoReply::Unanswered(Unanswered { head: head.map(Box::new), cause })
}
