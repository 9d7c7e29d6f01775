//! Sockets whose writes stall or break in the middle, as the kernel's do: each was a fault of the pool once.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use fanfare::app::{Gateway, Network};
use fanfare::proto::{self, Outcome, Reason};
use fanfare_simulator::{HangUp, Simulator};
use fanfare_upstream::transport::Io;
use fanfare_upstream::{BoxFuture, Dial, SystemResolver};
use futures_util::future::join_all;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::harness::{SOON, TOPIC, World, alert, config, connect, good, metric_sum, push, until, within};

/// What the sockets of a gateway do with writes.
#[derive(Default)]
struct SocketFaults {
    /// While this is set a write is Pending, as on a socket whose buffer is full.
    stalled: AtomicBool,
    /// How many writes found their socket full.
    refused: AtomicUsize,
    /// The next write of more bytes than this is accepted up to its first record, and the write after it fails. With 0
    /// none breaks.
    breaks_at: AtomicUsize,
    /// How many sockets broke.
    broke: AtomicUsize,
    wakers: Mutex<Vec<Waker>>,
}

impl SocketFaults {
    fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    /// Waits until a write found its socket full, so its bytes are kept above it.
    async fn until_full(&self) {
        until(|| self.refused.load(Ordering::SeqCst) > 0).await;
    }

    fn release(&self) {
        self.stalled.store(false, Ordering::SeqCst);
        self.wakers.lock().unwrap().drain(..).for_each(Waker::wake);
    }
}

struct FaultySocket {
    tcp: TcpStream,
    faults: Arc<SocketFaults>,
    broken: bool,
}

impl AsyncRead for FaultySocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultySocket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.broken {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.faults.stalled.load(Ordering::SeqCst) {
            self.faults.wakers.lock().unwrap().push(cx.waker().clone());
            self.faults.refused.fetch_add(1, Ordering::SeqCst);
            return Poll::Pending;
        }
        let all: usize = bufs.iter().map(|buf| buf.len()).sum();
        let breaks_at = self.faults.breaks_at.load(Ordering::SeqCst);
        if breaks_at > 0 && all > breaks_at {
            // The kernel takes a part, and the peer's RST arrives before the rest.
            let written = Pin::new(&mut self.tcp).poll_write(cx, &bufs[0]);
            if let Poll::Ready(Ok(count)) = &written {
                assert_eq!(*count, bufs[0].len());
                self.broken = true;
                self.faults.breaks_at.store(0, Ordering::SeqCst);
                self.faults.broke.fetch_add(1, Ordering::SeqCst);
            }
            return written;
        }
        Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

struct FaultyDialer(Arc<SocketFaults>);

impl Dial for FaultyDialer {
    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Io>>> {
        Box::pin(async move {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(Box::new(FaultySocket { tcp, faults: Arc::clone(&self.0), broken: false }) as Box<dyn Io>)
        })
    }
}

/// A gateway on such sockets, with one connection to APNs that is proven.
async fn world() -> (World, Arc<SocketFaults>) {
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let faults = Arc::new(SocketFaults::default());
    let network =
        Network { resolver: Arc::new(SystemResolver), dialer: Arc::new(FaultyDialer(Arc::clone(&faults))) };
    let gateway = Gateway::start(config(&simulator), network).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { simulator, gateway, client };
    assert_eq!(world.send(push(&good(0))).await.outcome(), Outcome::Accepted);
    (world, faults)
}

/// A push of 2000 bytes, so that a few fill more than one TLS record.
fn large(number: usize) -> proto::Push {
    proto::Push { content: Some(alert("Hello", &"x".repeat(2000))), ..push(&good(number)) }
}

#[tokio::test]
async fn a_write_error_within_a_tls_write_does_not_make_written_pushes_unsent() {
    let (world, faults) = world().await;
    // All pushes wait above the full socket, so one write takes them, and breaks.
    faults.stall();
    faults.breaks_at.store(20_000, Ordering::SeqCst);
    let (results, ()) = tokio::join!(join_all((1..=30).map(|number| world.send(large(number)))), async {
        until(|| metric_sum(&world, "fanfare_upstream_streams_used{", "") == 30.0).await;
        faults.until_full().await;
        faults.release();
    });
    assert_eq!(faults.broke.load(Ordering::SeqCst), 1, "the fault never struck");
    let accepted = results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
    let twice = world.simulator.journal().duplicates();
    assert!(twice.is_empty(), "{} of 30 arrived twice; {accepted} said ACCEPTED", twice.len());
}

#[tokio::test]
async fn bytes_that_tls_kept_above_a_full_socket_leave_when_the_socket_has_room() {
    let (world, faults) = world().await;
    faults.stall();
    // A push that stayed in TLS would be in doubt at its deadline.
    let (result, ()) = tokio::join!(world.send(within(push(&good(1)), SOON / 2)), async {
        faults.until_full().await;
        faults.release();
    });
    assert_eq!(result.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn a_fin_while_the_socket_is_full_ends_the_wait() {
    let (world, faults) = world().await;
    faults.stall();
    let id = world.simulator.connections()[0].id;
    let (result, ()) = tokio::join!(world.call(push(&good(1))), async {
        faults.until_full().await;
        world.simulator.disconnect(id, HangUp::Fin).unwrap();
    });
    let result = result.expect("a verdict");
    assert_eq!((result.outcome(), result.reason()), (Outcome::Unconfirmed, Reason::ConnectionLost));
    let closed = "fanfare_upstream_connections_closed_total{";
    assert_eq!(metric_sum(&world, closed, "cause=\"closed\""), 1.0);
}
