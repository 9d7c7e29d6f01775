//! What becomes of a stream whose work is done while its caller does not take the rest of it.

use std::time::Duration;

use tokio::time::timeout;

use crate::caller::OpenCall;
use crate::held_bytes::HeldBytes;
use crate::listener::{AnswerGone, AnswerWatch};

/// The stream as its connection counts it, as its caller does, and what HTTP/2 may hold of it.
pub(super) type Counted = (OpenCall, OpenCall, HeldBytes);

/// Waits until the caller has taken the end of a stream, which counts until then. Where it takes nothing for `patience`, its
/// call is reset.
pub(super) async fn see_off(mut answer: AnswerWatch, patience: Duration, counted: Counted) {
    let _counted = counted;
    loop {
        match timeout(patience, answer.taken()).await {
            Ok(Ok(())) => {}
            Ok(Err(AnswerGone)) => return,
            Err(_) => {
                tracing::info!(?patience, "a batch's caller does not take its end, and its call is reset");
                return answer.give_up();
            }
        }
    }
}
