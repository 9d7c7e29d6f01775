//! Raw part: the same requests to the same stand-in through the h2 crate, with a transport wrapper that gathers
//! writes, with the gateway's TLS and settings, and nothing else: no pool, no deadline, no verdict.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use fanfare_upstream::transport::Io;
use fanfare_upstream::{Http, tls};
use h2::client::{Connection, SendRequest};
use http::{HeaderValue, Request};
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::transport::{Transport, Wire};
use crate::sockets::Writes;
use crate::spec::{Spec, Upstream};
use crate::standin::HOST;
use crate::tally::Shared;

/// As long as a provider token is.
const AUTHORIZATION_BYTES: usize = 230;

/// Opens the connections, and begins so many loops of one request after another.
pub(crate) async fn start(
    spec: &Spec,
    upstream: &Upstream,
    writes: &Writes,
    tally: &Shared,
) -> anyhow::Result<()> {
    let mut senders = Vec::new();
    for _ in 0..spec.upstream_connections {
        senders.push(connect(upstream, writes).await?);
    }
    let message = Arc::new(Message::new(spec, upstream)?);
    for at in 0..spec.in_flight {
        let (sender, message, tally) =
            (senders[at % senders.len()].clone(), Arc::clone(&message), tally.clone());
        tokio::spawn(async move {
            while !tally.stopping() {
                tally.lock().sent(1);
                let begun = Instant::now();
                match post(sender.clone(), &message).await {
                    Ok(()) => tally.lock().accepted(begun.elapsed()),
                    Err(error) => {
                        // The connection is gone, and nothing here opens another.
                        tally.lock().failed(1, || format!("{error:#}"));
                        return;
                    }
                }
            }
        });
    }
    Ok(())
}

/// What a push is made of.
pub(crate) struct Message {
    scheme: &'static str,
    authority: String,
    authorization: HeaderValue,
    body: Bytes,
    next: AtomicU32,
}

impl Message {
    pub(crate) fn new(spec: &Spec, upstream: &Upstream) -> anyhow::Result<Self> {
        let mut authorization = HeaderValue::try_from(format!("bearer {}", "x".repeat(AUTHORIZATION_BYTES)))?;
        authorization.set_sensitive(true);
        Ok(Self {
            scheme: if upstream.ca.is_some() { "https" } else { "http" },
            authority: format!("{HOST}:{}", upstream.port),
            authorization,
            body: Bytes::from("x".repeat(spec.body)),
            next: AtomicU32::new(0),
        })
    }

    pub(crate) fn body(&self) -> Bytes {
        self.body.clone()
    }

    /// The head of the next push.
    pub(crate) fn head(&self) -> anyhow::Result<Request<()>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = format!("{}://{}/3/device/900d{number:060x}", self.scheme, self.authority);
        let id = format!("00000000-0000-4000-8000-0000{number:08x}");
        let request = Request::post(path)
            .header("apns-push-type", "alert")
            .header("apns-priority", "10")
            .header("content-type", "application/json")
            .header("apns-topic", "com.example.bench")
            .header("apns-id", id)
            .header("content-length", self.body.len())
            .header("authorization", self.authorization.clone());
        Ok(request.body(())?)
    }
}

/// A connection as the gateway's pool opens it.
pub(crate) async fn connect(upstream: &Upstream, writes: &Writes) -> anyhow::Result<SendRequest<Bytes>> {
    let socket = writes.connect(upstream.port).await?;
    let io: Box<dyn Io> = match &upstream.ca {
        None => Box::new(socket),
        Some(ca) => {
            let roots = tls::roots(&[ca.clone().into_bytes()])?;
            let connector =
                TlsConnector::from(Arc::clone(tls::client_config(roots, None, Http::Two)?.config()));
            Box::new(connector.connect(ServerName::try_from(HOST)?, socket).await?)
        }
    };
    let (transport, wire) = Transport::new(io);
    let (sender, connection) = h2::client::Builder::new()
        .enable_push(false)
        .max_header_list_size(16 * 1024)
        .max_concurrent_reset_streams(4096)
        .reset_stream_duration(Duration::from_secs(60))
        .max_local_error_reset_streams(None)
        .data_frame_budget(4 * 1024 * 1024)
        .initial_connection_window_size(16 * 1024 * 1024)
        .handshake(transport)
        .await?;
    tokio::spawn(Driver { connection, wire, waited: false });
    Ok(sender)
}

/// One request, to the end of its answer.
pub(crate) async fn post(sender: SendRequest<Bytes>, message: &Message) -> anyhow::Result<()> {
    let mut sender = sender.ready().await?;
    let (response, mut upload) = sender.send_request(message.head()?, false)?;
    upload.send_data(message.body(), true)?;
    let response = response.await?;
    ensure!(response.status() == 200, "the push service answered {}", response.status());
    let mut body = response.into_body();
    while let Some(piece) = body.data().await {
        body.flow_control().release_capacity(piece?.len())?;
    }
    Ok(())
}

/// Drives a connection; what was gathered is written one turn after h2 had nothing more to say.
struct Driver {
    connection: Connection<Transport, Bytes>,
    wire: Arc<Wire>,
    waited: bool,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Pin::new(&mut self.connection).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !self.wire.has_output() {
            self.waited = false;
        } else if self.waited {
            self.waited = self.wire.write_out(cx).is_pending();
        } else {
            self.waited = true;
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
