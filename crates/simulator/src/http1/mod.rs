//! HTTP/1.1: hyper serves it, and what goes wrong goes wrong around hyper.

mod exchange;
mod line;
mod misbehave;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

use self::line::End;
pub(super) use self::line::{Line, strike};
use self::socket::{Io, Socket};
use super::fault::HangUp;
use super::listener::swallow;
use super::service::Service;
use super::world::World;

/// How long a connection that is closed politely waits for the client to close it too: with
/// unread bytes in the socket the kernel would reset it.
const LINGER: Duration = Duration::from_secs(1);

/// Serves a connection until it ends.
pub(super) async fn serve<T: Io>(world: Arc<World>, service: Service, io: T, number: u64) {
    let line = Arc::new(Line::new(number, service, Arc::clone(&world.journal)));
    let present = Present { world: &world, line: &line };
    world.join(&line);
    let answering = service_fn(|request| exchange::serve(Arc::clone(&world), Arc::clone(&line), request));
    let mut connection = http1::Builder::new()
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(Socket::new(io, Arc::clone(&line))), answering);
    let end = tokio::select! {
        // An error is the client's, and tells nothing that the journal does not.
        _ = &mut connection => None,
        end = line.ended() => Some(end),
    };
    let how = match end {
        None => None,
        // Kept, and not touched, until it is hung up: that is what a dead machine looks like.
        Some(End::Stalled) => Some(line.hung_up().await),
        Some(End::HangUp(how)) => Some(how),
    };
    if let Some(how) = how {
        let mut io = connection.into_parts().io.into_inner().into_inner();
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
    drop(present);
}

/// Keeps the connection in the list of live ones, also when its task is cancelled.
struct Present<'a> {
    world: &'a World,
    line: &'a Line,
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.world.part(self.line);
    }
}
