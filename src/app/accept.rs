//! Accepting connections while the process has no more of something: file descriptors, most often.

use std::io;
use std::time::Duration;

use tokio_stream::{Stream, StreamExt};

/// tonic asks for the next connection at once, and accept(2) fails again at once: a loop that takes a whole core. axum's
/// listener makes the same pause.
const PAUSE: Duration = Duration::from_secs(1);

/// Pauses after an error that is of the process and not of one connection.
pub(super) fn pausing<T>(incoming: impl Stream<Item = io::Result<T>>) -> impl Stream<Item = io::Result<T>> {
    incoming.then(|accepted| async {
        if let Err(error) = &accepted
            && !is_of_one_connection(error)
        {
            tracing::warn!(%error, "a connection cannot be accepted; trying again in a second");
            tokio::time::sleep(PAUSE).await;
        }
        accepted
    })
}

/// Source: accept(2), "Error handling": what is wrong with a connection already is told by accept as well.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}
