mod drafts;
mod forward;
mod paths;
mod payloads;
mod recorded;

use futures_util::FutureExt;
use http_body_util::BodyExt;

use super::{Asked, answers};
use crate::ingress::http::{Answer, Refused};

/// The body of an answer, which is there.
fn body(answer: Answer) -> String {
    let body = answer.into_body().collect().now_or_never().unwrap().unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn refused(asked: Option<Asked>, refused: &Refused) -> Answer {
    answers::refused(asked, refused)
}
