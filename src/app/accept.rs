//! Accepting connections while the process lacks something that it needs for them, most often file descriptors.

use std::io;
use std::time::Duration;

use tokio_stream::{Stream, StreamExt};

/// How long accepting rests after an error of the process. Without a rest, tonic asks for the next connection at once and
/// accept(2) fails at once, in a loop that takes a whole core. axum's listener rests as long.
const PAUSE: Duration = Duration::from_secs(1);

/// Pauses after an error that concerns the process and not one connection.
pub(super) fn pausing<T>(incoming: impl Stream<Item = io::Result<T>>) -> impl Stream<Item = io::Result<T>> {
    incoming.then(|accepted| async {
        if let Err(error) = &accepted
            && !concerns_one_connection(error)
        {
            tracing::warn!(%error, "a connection cannot be accepted; trying again in a second");
            tokio::time::sleep(PAUSE).await;
        }
        accepted
    })
}

/// Whether the error only says that a new connection has failed already. Source: accept(2), "Error handling".
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}
