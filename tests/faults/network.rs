//! The network as the gateway sees it: a name whose addresses do not belong to this machine, and a dialer that leads each of
//! them to a place on loopback.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use fanfare_upstream::transport::Io;
use fanfare_upstream::{BoxFuture, Dial, Resolve};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// The push service's name; `.test` never resolves. Source: RFC 6761, 6.2.
pub(crate) const NAME: &str = "push.test";

/// The place that an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The simulator's first listener.
    First,
    /// The simulator's second listener.
    Second,
    /// A listener whose backlog is full and which never accepts, so a connect to it takes for ever.
    Deaf,
}

impl Place {
    const ALL: [Self; 3] = [Self::First, Self::Second, Self::Deaf];

    /// An address for documentation, which belongs to nobody. Source: RFC 5737, 3.
    fn address(self) -> Ipv4Addr {
        match self {
            Self::First => Ipv4Addr::new(192, 0, 2, 1),
            Self::Second => Ipv4Addr::new(192, 0, 2, 2),
            Self::Deaf => Ipv4Addr::new(192, 0, 2, 3),
        }
    }
}

/// The answer of the resolver.
#[derive(Clone, Debug)]
pub(crate) enum Names {
    Lead(Vec<Place>),
    Fail,
}

/// How many bytes a socket of the gateway took and gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved {
    pub(crate) written: u64,
    pub(crate) read: u64,
}

#[derive(Default)]
struct Count {
    written: AtomicU64,
    read: AtomicU64,
}

/// The resolver and the dialer of the gateway.
pub(crate) struct Net {
    /// The addresses of the only name.
    name: &'static str,
    names: Mutex<Names>,
    first: SocketAddr,
    second: SocketAddr,
    deaf: (TcpListener, TcpStream),
    open: Arc<AtomicUsize>,
    /// How many bytes moved over each socket, by its port.
    lines: Mutex<HashMap<u16, Arc<Count>>>,
}

impl Net {
    pub(crate) async fn new(
        name: &'static str,
        first: SocketAddr,
        second: SocketAddr,
        names: Names,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        // A backlog of 0 still holds one connection.
        let listener = socket.listen(0)?;
        let fills = TcpStream::connect(listener.local_addr()?).await?;
        Ok(Self {
            name,
            names: Mutex::new(names),
            first,
            second,
            deaf: (listener, fills),
            open: Arc::default(),
            lines: Mutex::default(),
        })
    }

    pub(crate) fn say(&self, names: Names) {
        *self.names.lock().unwrap() = names;
    }

    /// How many sockets the gateway holds.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// How many bytes moved over each socket, by its port. Closed sockets are forgotten after that.
    pub(crate) fn moved(&self) -> HashMap<u16, Moved> {
        let mut lines = self.lines.lock().unwrap();
        let of = |count: &Count| Moved {
            written: count.written.load(Ordering::SeqCst),
            read: count.read.load(Ordering::SeqCst),
        };
        let moved = lines.iter().map(|(port, count)| (*port, of(count))).collect();
        lines.retain(|_, count| Arc::strong_count(count) > 1);
        moved
    }

    fn leads_to(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        if address.ip().is_loopback() {
            return Ok(address);
        }
        let place = Place::ALL.into_iter().find(|place| address.ip() == place.address());
        match place {
            Some(Place::First) => Ok(self.first),
            Some(Place::Second) => Ok(self.second),
            Some(Place::Deaf) => self.deaf.0.local_addr(),
            None => Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }
}

impl Resolve for Net {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        // The token endpoint of Google, which has no faults.
        if host == "localhost" {
            return Box::pin(async move { Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]) });
        }
        assert_eq!(host, self.name);
        let names = self.names.lock().unwrap().clone();
        Box::pin(async move {
            match names {
                Names::Lead(places) => {
                    Ok(places.into_iter().map(|it| SocketAddr::from((it.address(), port))).collect())
                }
                Names::Fail => Err(io::Error::other("no name server answers")),
            }
        })
    }
}

impl Dial for Net {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let tcp = TcpStream::connect(self.leads_to(address)?).await?;
            tcp.set_nodelay(true)?;
            let count = Arc::<Count>::default();
            self.lines.lock().unwrap().insert(tcp.local_addr()?.port(), Arc::clone(&count));
            self.open.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Socket { tcp, count, open: Arc::clone(&self.open) }) as Box<dyn Io>)
        })
    }
}

/// A socket of the gateway. It writes as TCP does, and counts what the kernel took and gave.
struct Socket {
    tcp: TcpStream,
    count: Arc<Count>,
    open: Arc<AtomicUsize>,
}

impl Socket {
    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.count.written.fetch_add(*bytes as u64, Ordering::SeqCst);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.tcp).poll_read(cx, buf);
        self.count.read.fetch_add((buf.filled().len() - before) as u64, Ordering::SeqCst);
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.count(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.count(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
