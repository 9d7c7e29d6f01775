//! Serves HTTP/1.1 with hyper; faults interfere around it.

pub(super) mod connection;
mod exchange;
mod misbehave;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

use self::connection::{End, Http1Connection};
use self::socket::{Io, Socket};
use super::fault::HangUp;
use super::service::Service;
use super::shared::Shared;
use super::socket::swallow;

/// How long the simulator waits for the client to close too after it closed in order. Closing a socket with unread
/// bytes would send RST instead.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection until it ends.
pub(super) async fn serve<T: Io>(shared: Arc<Shared>, service: Service, io: T, number: u64) {
    let connection = Arc::new(Http1Connection::new(number, service, Arc::clone(&shared.journal)));
    let registration = Registration { shared: &shared, connection: &connection };
    shared.connections.open_http1(&connection);
    let answering =
        service_fn(|request| exchange::serve(Arc::clone(&shared), Arc::clone(&connection), request));
    let mut serving = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(Socket::new(io, Arc::clone(&connection))), answering);
    let end = tokio::select! {
        // An error is the fault of the client, and the journal already shows what it led to.
        _ = &mut serving => None,
        end = connection.ended() => Some(end),
    };
    let how = match end {
        None => None,
        // The socket is kept and not touched until the connection is hung up, as if the machine were dead.
        Some(End::Stalled) => Some(connection.hung_up().await),
        Some(End::HangUp(how)) => Some(how),
    };
    if let Some(how) = how {
        let mut io = serving.into_parts().io.into_inner().into_inner();
        match how {
            HangUp::Reset => {
                let _ = io.tcp().set_zero_linger();
            }
            HangUp::Fin => {
                let closing = async {
                    let _ = io.shutdown().await;
                    swallow(&mut io).await;
                };
                let _ = tokio::time::timeout(LINGER, closing).await;
            }
        }
    }
    drop(registration);
}

/// Removes the connection from the open ones when it ends, also when its task is cancelled.
struct Registration<'a> {
    shared: &'a Shared,
    connection: &'a Http1Connection,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.shared.connections.close_http1(self.connection);
    }
}
