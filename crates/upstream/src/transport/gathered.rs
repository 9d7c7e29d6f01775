//! A socket wrapper below the HTTP/2 of a server: answers that become ready together leave in one write.
//!
//! On a runtime of several threads each answer wakes the task of its connection, which runs before the next answer is
//! made and flushes it: that is a write call for each answer. Here the first flush after new output lets everything
//! else that is ready run once, and the next flush writes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How many bytes are gathered before a write is forced.
const BUFFER_BYTES: usize = 64 * 1024;

/// A socket of a server whose flushes come one turn of its task later, so that answers which become ready together
/// leave in one write.
#[derive(Debug)]
pub struct Gathered<S> {
    socket: S,
    buffer: BytesMut,
    /// The output has already waited for a turn.
    waited: bool,
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Wraps a socket.
    #[must_use]
    pub fn new(socket: S) -> Self {
        Self { socket, buffer: BytesMut::new(), waited: false }
    }

    fn write_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.buffer.is_empty() {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, &self.buffer))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.buffer.advance(count),
            }
        }
        self.waited = false;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.buffer.len() >= BUFFER_BYTES {
            ready!(self.write_out(cx))?;
        }
        let count = bytes.len().min(BUFFER_BYTES - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    /// A write of many pieces would pass the buffer by. Without it, h2 copies the pieces into one.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.buffer.is_empty() && !self.waited {
            self.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.write_out(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_out(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::*;

    /// A socket that takes a number of bytes, and keeps the writes.
    #[derive(Default)]
    struct Script {
        takes: usize,
        writes: Vec<Vec<u8>>,
        flushes: usize,
        shut: bool,
    }

    impl AsyncWrite for Script {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let count = bytes.len().min(self.takes);
            if count == 0 {
                return Poll::Pending;
            }
            self.takes -= count;
            self.writes.push(bytes[..count].to_vec());
            Poll::Ready(Ok(count))
        }

        fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.flushes += 1;
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.shut = true;
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The task of a connection.
    struct Task {
        io: Gathered<Script>,
        wakes: Arc<Wakes>,
    }

    impl Task {
        fn with_room(takes: usize) -> Self {
            Self { io: Gathered::new(Script { takes, ..Script::default() }), wakes: Arc::default() }
        }

        fn poll<T>(&mut self, poll: impl FnOnce(Pin<&mut Gathered<Script>>, &mut Context<'_>) -> T) -> T {
            let waker = Waker::from(Arc::clone(&self.wakes));
            poll(Pin::new(&mut self.io), &mut Context::from_waker(&waker))
        }

        fn write(&mut self, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll(|io, cx| io.poll_write(cx, bytes))
        }

        fn flush(&mut self) -> Poll<io::Result<()>> {
            self.poll(|io, cx| io.poll_flush(cx))
        }

        fn wakes(&self) -> usize {
            self.wakes.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_lone_answer_waits_for_one_turn_which_is_asked_for() {
        let mut task = Task::with_room(100);
        assert!(matches!(task.write(b"one"), Poll::Ready(Ok(3))));
        assert!(task.flush().is_pending());
        assert_eq!((task.wakes(), task.io.socket.writes.len()), (1, 0));
        assert!(matches!(task.flush(), Poll::Ready(Ok(()))));
        assert_eq!(task.io.socket.writes, [b"one"]);
        assert_eq!((task.wakes(), task.io.socket.flushes), (1, 1));
    }

    #[test]
    fn answers_of_one_turn_leave_in_one_write_and_the_next_one_waits_again() {
        let mut task = Task::with_room(100);
        assert!(task.write(b"one").is_ready());
        assert!(task.flush().is_pending());
        assert!(task.write(b"two").is_ready());
        assert!(task.flush().is_ready());
        assert_eq!(task.io.socket.writes, [b"onetwo"]);
        assert!(task.write(b"three").is_ready());
        assert!(task.flush().is_pending());
        assert_eq!(task.wakes(), 2);
    }

    #[test]
    fn a_flush_of_nothing_is_done_at_once() {
        let mut task = Task::with_room(0);
        assert!(matches!(task.flush(), Poll::Ready(Ok(()))));
        assert_eq!((task.wakes(), task.io.socket.flushes), (0, 1));
    }

    #[test]
    fn a_full_socket_is_waited_for_and_nothing_is_lost_or_sent_twice() {
        let mut task = Task::with_room(2);
        assert!(task.write(b"hello").is_ready());
        assert!(task.flush().is_pending());
        assert!(task.flush().is_pending());
        // The socket wakes its task, and nothing else does.
        assert_eq!((task.wakes(), task.io.socket.flushes), (1, 0));
        task.io.socket.takes = 100;
        assert!(task.flush().is_ready());
        assert_eq!(task.io.socket.writes.concat(), b"hello");
    }

    #[test]
    fn a_full_buffer_is_written_without_a_flush_and_then_takes_no_more() {
        let mut task = Task::with_room(0);
        let bytes = vec![7; BUFFER_BYTES + 1];
        assert!(matches!(task.write(&bytes), Poll::Ready(Ok(BUFFER_BYTES))));
        assert!(task.write(&bytes[BUFFER_BYTES..]).is_pending());
        task.io.socket.takes = BUFFER_BYTES;
        assert!(matches!(task.write(&bytes[BUFFER_BYTES..]), Poll::Ready(Ok(1))));
        assert_eq!(task.io.socket.writes.concat(), bytes[..BUFFER_BYTES]);
    }

    #[test]
    fn a_shutdown_writes_first() {
        let mut task = Task::with_room(1);
        assert!(task.write(b"bye").is_ready());
        assert!(task.poll(|io, cx| io.poll_shutdown(cx)).is_pending());
        assert!(!task.io.socket.shut);
        task.io.socket.takes = 100;
        assert!(task.poll(|io, cx| io.poll_shutdown(cx)).is_ready());
        assert!(task.io.socket.shut);
        assert_eq!(task.io.socket.writes.concat(), b"bye");
    }
}
