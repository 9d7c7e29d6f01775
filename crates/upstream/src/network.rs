//! What the pool asks of the network: the addresses of a name, and a byte stream to one of them.
//!
//! [`SystemResolver`] and [`TcpDialer`] are the network of the operating system. A test may put its own in their place.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::net::TcpStream;

use crate::transport::{Io, keep_alive};

/// A future that a trait object returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Finds the addresses of a name.
///
/// It is asked anew for each connection, so that connections follow a name that moves. Source: Apple asks for this in
/// "Sending notification requests to APNs".
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`, with `port`. Their order does not matter, since the pool tries them in an order of its
    /// own. `host` may also be an IP address.
    ///
    /// # Errors
    /// An error, like an empty list, fails the connect.
    ///
    /// # Cancel safety
    /// The future is dropped when the time for the connect has passed. That of a stranger
    /// ([`PeerKind::Stranger`](crate::PeerKind::Stranger)) goes on until it ends or the pools shut down, so it has to end.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

/// Opens a byte stream to an address.
pub trait Dial: Send + Sync + 'static {
    /// Opens a stream to `address`. TLS and HTTP are the pool's affair.
    ///
    /// # Errors
    /// After an error the next address is tried.
    ///
    /// # Cancel safety
    /// The future is dropped when another address was faster, or when the time for the connect has passed.
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>>;
}

/// Asks the operating system for the addresses of a name.
#[derive(Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// Opens TCP connections.
#[derive(Debug)]
pub struct TcpDialer;

impl Dial for TcpDialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move { Ok(Box::new(connect(address).await?) as Box<dyn Io>) })
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Writes are gathered before they reach the socket, so waiting for more would only delay them.
    stream.set_nodelay(true)?;
    keep_alive(&stream)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_kernel_probes_what_was_dialled() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(SockRef::from(&stream).keepalive().unwrap());
    }
}
