//! `POST /v1/batch`: what goes. Each line is a message of the answer, as its stream over gRPC has it. The last one has the
//! member `end` too, so that an answer that is cut off never looks whole, and a `problem` where the stream ended early.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio_stream::Stream;

use super::problem::Problem;
use super::schema::{self, Schema};
use crate::ingress::contract::batch::Results;
use crate::proto::SendBatchResponse;

/// The body of the answer.
pub(super) struct Told {
    schema: &'static Schema,
    results: Results<Problem>,
}

impl Told {
    pub(super) fn new(schema: &'static Schema, results: Results<Problem>) -> Self {
        Self { schema, results }
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Self { schema, results } = self.get_mut();
        let line = match ready!(Pin::new(&mut *results).poll_next(cx)) {
            None => return Poll::Ready(None),
            Some(Ok(message)) => line(schema, &message, results.end()),
            Some(Err(problem)) => line(schema, &SendBatchResponse::default(), Some(Some(problem))),
        };
        Poll::Ready(Some(Ok(Frame::data(line))))
    }
}

/// A message as a line. `end` is there for the last one.
fn line(schema: &Schema, message: &SendBatchResponse, end: Option<Option<Problem>>) -> Bytes {
    let mut line = schema::write(&schema.batch_results, message);
    if let Some(problem) = end {
        line.pop();
        line.extend_from_slice(if line.len() > 1 { br#","end":true"# } else { br#""end":true"# });
        if let Some(problem) = problem {
            line.extend_from_slice(br#","problem":"#);
            line.extend(problem.json());
        }
        line.push(b'}');
    }
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingress::contract::CallFault;
    use crate::proto::BatchProgress;

    #[test]
    fn the_last_line_says_that_it_is_the_last_and_why_it_came_early() {
        let schema = Schema::get().unwrap();
        let progress = BatchProgress { items_read: 3, ..BatchProgress::default() };
        let message = SendBatchResponse { progress: Some(progress), ..SendBatchResponse::default() };
        let told = |message, end| String::from_utf8(line(schema, message, end).to_vec()).unwrap();
        assert_eq!(told(&message, None), "{\"progress\":{\"itemsRead\":\"3\"}}\n");
        assert_eq!(told(&message, Some(None)), "{\"progress\":{\"itemsRead\":\"3\"},\"end\":true}\n");
        let broke = told(&SendBatchResponse::default(), Some(Some(CallFault::BatchBroke.into())));
        let broke: serde_json::Value = serde_json::from_str(&broke).unwrap();
        assert_eq!(broke["end"], true);
        assert_eq!(broke["problem"]["reason"], "GATEWAY_BUG");
    }
}
