//! One connection of the load, with all that calls and streams have in common.

use std::ops::Range;

use anyhow::{Context, bail};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::frames::{self, Pipe, Received};
use crate::hpack::{self, Decoder, GrpcStatus};
use crate::standin::HOST;

/// The server, and how the load speaks to it.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) port: u16,
    /// TLS, if there is any.
    pub(super) tls: Option<TlsConnector>,
    /// The value of `authorization` in each call.
    pub(super) authorization: Option<String>,
}

/// Something that came for a stream.
pub(super) enum Event {
    Headers {
        stream: u32,
        status: GrpcStatus,
        last: bool,
    },
    Data {
        stream: u32,
        payload: Range<usize>,
    },
    /// So many more bytes may be sent on the stream.
    Window {
        by: i64,
    },
    Reset {
        stream: u32,
    },
}

pub(super) struct Session {
    pipe: Pipe<Either<TcpStream, TlsStream<TcpStream>>>,
    decoder: Decoder,
    first: Option<Vec<u8>>,
    later: Vec<u8>,
    next_stream: u32,
    received: Received,
    /// How many bytes of DATA the server still takes on this connection.
    pub(super) window: i64,
    /// How many bytes of DATA the server takes on a new stream.
    pub(super) stream_window: i64,
}

impl Session {
    /// Connects, and waits for the server's settings.
    pub(super) async fn connect(server: &Server, method: &str) -> anyhow::Result<Self> {
        let Server { port, tls, authorization } = server;
        let socket = TcpStream::connect(("127.0.0.1", *port)).await?;
        socket.set_nodelay(true)?;
        let path = format!("/fanfare.push.v1.PushService/{method}");
        let authority = format!("127.0.0.1:{port}");
        let (first, later) = hpack::call(&path, &authority, tls.is_some(), authorization.as_deref());
        let socket = match tls {
            None => Either::Left(socket),
            Some(tls) => Either::Right(tls.connect(ServerName::try_from(HOST)?, socket).await?),
        };
        let mut pipe = Pipe::new(socket);
        pipe.out.extend_from_slice(frames::PREFACE);
        frames::put_greeting(&mut pipe.out, &[(frames::INITIAL_WINDOW_SIZE, frames::LARGEST_WINDOW)]);
        let mut session = Self {
            pipe,
            decoder: Decoder::default(),
            first: Some(first),
            later,
            next_stream: 1,
            received: Received::default(),
            window: frames::FIRST_WINDOW.into(),
            stream_window: 0,
        };
        while session.stream_window == 0 {
            session.turn().await?;
            while session.event()?.is_some() {}
        }
        Ok(session)
    }

    /// Writes what is to be written, and waits for more.
    pub(super) async fn turn(&mut self) -> anyhow::Result<()> {
        if self.pipe.turn().await.context("the connection broke")? {
            Ok(())
        } else {
            bail!("the server closed the connection")
        }
    }

    pub(super) fn event(&mut self) -> anyhow::Result<Option<Event>> {
        while let Some((head, range)) = self.pipe.frame() {
            let stream = head.stream;
            match head.kind {
                frames::HEADERS => {
                    let status = self.decoder.status(self.pipe.payload(&range));
                    let status = status.context("a header block cannot be decoded")?;
                    return Ok(Some(Event::Headers { stream, status, last: head.has(frames::END_STREAM) }));
                }
                frames::DATA => {
                    self.received.take(&mut self.pipe.out, 0, head.length);
                    return Ok(Some(Event::Data { stream, payload: range }));
                }
                frames::WINDOW_UPDATE => {
                    let by = i64::from(frames::number(self.pipe.payload(&range)));
                    if stream > 0 {
                        return Ok(Some(Event::Window { by }));
                    }
                    self.window += by;
                }
                frames::RST_STREAM => return Ok(Some(Event::Reset { stream })),
                frames::GOAWAY => bail!("the server sent GOAWAY"),
                frames::SETTINGS if !head.has(frames::ACK) => {
                    self.settings(&range);
                    self.pipe.acknowledge(head, &range);
                }
                _ => self.pipe.acknowledge(head, &range),
            }
        }
        Ok(None)
    }

    /// Source: RFC 9113, 6.5.1.
    fn settings(&mut self, range: &Range<usize>) {
        if self.stream_window == 0 {
            self.stream_window = frames::FIRST_WINDOW.into();
        }
        let (settings, _) = self.pipe.payload(range).as_chunks::<6>();
        for [a, b, value @ ..] in settings {
            if u16::from_be_bytes([*a, *b]) == frames::INITIAL_WINDOW_SIZE {
                self.stream_window = u32::from_be_bytes(*value).into();
            }
        }
    }

    pub(super) fn payload(&self, range: &Range<usize>) -> &[u8] {
        self.pipe.payload(range)
    }

    /// Opens a stream.
    pub(super) fn call(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        let first = self.first.take();
        let block = first.as_deref().unwrap_or(&self.later);
        frames::put(&mut self.pipe.out, frames::HEADERS, frames::END_HEADERS, stream, block);
        stream
    }

    /// Sends DATA; the caller keeps it within the stream's window.
    pub(super) fn data(&mut self, stream: u32, flags: u8, bytes: &[u8]) {
        self.window -= i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let mut pieces = bytes.chunks(frames::MAX_PAYLOAD).peekable();
        loop {
            let piece = pieces.next().unwrap_or_default();
            let last = pieces.peek().is_none();
            frames::put(&mut self.pipe.out, frames::DATA, if last { flags } else { 0 }, stream, piece);
            if last {
                return;
            }
        }
    }

    /// Opens the window of a stream that lives long.
    pub(super) fn reopen(&mut self, received: &mut Received, stream: u32, bytes: usize) {
        received.take(&mut self.pipe.out, stream, bytes);
    }
}
