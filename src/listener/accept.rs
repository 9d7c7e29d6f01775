//! Accepts connections, and rests while the process lacks something that it needs for them, most often file descriptors.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use super::accepting::Accepting;
use super::bout::Bout;
use super::spares::Spares;
use crate::metrics::{ConnectionRefusal, ListenerMetrics};

/// How long accepting rests after an error of the process. Without a rest accept(2) fails again at once, in a loop that takes
/// a whole core.
const PAUSE: Duration = Duration::from_secs(1);

/// How many connections wait to be accepted at most. Source: tokio, `TcpListener::bind`, which listens with this backlog.
const BACKLOG: usize = 1024;

/// Accepts the connections of one listener.
pub(super) struct Acceptor {
    socket: TcpListener,
    name: Arc<str>,
    spares: Spares,
    failing: Bout,
    accepting: Accepting,
    metrics: ListenerMetrics,
}

impl Acceptor {
    pub(super) fn new(
        socket: TcpListener,
        name: Arc<str>,
        spares: Spares,
        accepting: Accepting,
        metrics: ListenerMetrics,
    ) -> Self {
        Self { socket, name, spares, failing: Bout::default(), accepting, metrics }
    }

    /// Waits for the next connection. The future may be dropped while it rests, and the next one begins without a rest. The
    /// listener drops it where a connection has ended, which has freed a descriptor.
    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let listener = &*self.name;
        self.spares.take_back();
        loop {
            match self.next().await {
                Ok(accepted) => {
                    self.accepting.set_possible(true);
                    if self.spares.are_whole()
                        && let Some(lasted) = self.failing.stayed_away(Instant::now())
                    {
                        tracing::info!(listener, ?lasted, "connections are accepted again");
                    }
                    return accepted;
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if self.failing.came(Instant::now()) {
                        tracing::warn!(listener, %error, "a connection cannot be accepted; trying again each second");
                    }
                    if !self.spares.give_one_up() {
                        self.accepting.set_possible(false);
                        self.metrics.refused(ConnectionRefusal::Descriptors);
                        tokio::time::sleep(PAUSE).await;
                        self.spares.take_back();
                    }
                }
            }
        }
    }

    /// Closes the socket, and returns the connections that waited there.
    pub(super) fn backlog(self) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
        // The runtime may not have heard of them yet, so the socket itself is asked. It does not block.
        let socket = self.socket.into_std().ok();
        let accept = move || loop {
            match socket.as_ref()?.accept() {
                Ok((accepted, from)) => {
                    accepted.set_nonblocking(true).ok()?;
                    return Some((TcpStream::from_std(accepted).ok()?, from));
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(_) => return None,
            }
        };
        std::iter::from_fn(accept).take(BACKLOG)
    }

    /// Accepts a connection, or fails. While nobody asks for one it waits, which says that it is possible: accept(2) looks for
    /// a descriptor before it looks for a connection, so it fails without one whether or not somebody asks.
    async fn next(&self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| {
            let polled = self.socket.poll_accept(cx);
            if polled.is_pending() {
                self.accepting.set_possible(true);
            }
            polled
        })
        .await
    }
}

/// Whether the error only says that a new connection has failed already. Source: accept(2), "Error handling".
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, InvalidInput, NotConnected};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | InvalidInput | NotConnected)
}
