//! What becomes of a stream whose work is done while its caller does not take the rest of it.

use std::time::Duration;

use tokio::time::timeout;

use crate::listener::{AnswerGone, AnswerWatch};

/// Waits until the caller has taken the end of a stream, which counts until then. Where it takes nothing for `patience`, its
/// call is reset.
pub(super) async fn see_off<C>(mut answer: AnswerWatch, patience: Duration, counted: C) {
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
