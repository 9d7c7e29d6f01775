//! Controls are programs without a pool of their own. Each runs as a loop, and the one with a connection per push also behind
//! tonic.

use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use fanfare::proto;
use fanfare::proto::push_service_server::{PushService, PushServiceServer};
use fanfare_upstream::{Http, tls};
use http::Uri;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codegen::{BoxFuture, Service};
use tonic::{Request, Response, Status, Streaming};

use super::raw::echo::accepted;
use super::raw::h2loop::Message;
use super::spec::{Spec, Subject, Upstream};
use super::standin::HOST;
use super::tally::Shared;

/// Sends pushes without the gateway.
pub(crate) struct Control {
    message: Message,
    connector: Connector,
    /// The pooled client. Without one, each push has a connection of its own.
    pooled: Option<Client<Connector, Full<Bytes>>>,
}

impl Control {
    pub(crate) fn new(spec: &Spec, upstream: &Upstream) -> anyhow::Result<Self> {
        let message = Message::new(spec, upstream)?;
        let connector = Connector::new(upstream)?;
        let client = || Client::builder(TokioExecutor::new()).http2_only(true).build(connector.clone());
        let pooled = (spec.subject == Subject::HyperUtil).then(client);
        Ok(Self { message, connector, pooled })
    }

    /// Starts so many loops, each of which sends one push after another.
    pub(crate) fn repeat(self: &Arc<Self>, in_flight: usize, tally: &Shared) {
        for _ in 0..in_flight {
            let (control, tally) = (Arc::clone(self), tally.clone());
            tokio::spawn(async move {
                while !tally.stopping() {
                    tally.lock().sent(1);
                    let begun = Instant::now();
                    match control.send().await {
                        Ok(()) => tally.lock().accepted(begun.elapsed()),
                        Err(error) => tally.lock().failed(1, || format!("{error:#}")),
                    }
                }
            });
        }
    }

    async fn send(&self) -> anyhow::Result<()> {
        let request = self.message.head()?.map(|()| Full::new(self.message.body()));
        if let Some(client) = &self.pooled {
            return whole(client.request(request).await?).await;
        }
        let io = TokioIo::new(self.connector.clone().open().await?);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await?;
        let driver = tokio::spawn(connection);
        whole(sender.send_request(request).await?).await?;
        drop(sender);
        driver.await?.context("the connection's end")
    }
}

async fn whole(response: http::Response<hyper::body::Incoming>) -> anyhow::Result<()> {
    ensure!(response.status() == 200, "the push service answered {}", response.status());
    response.into_body().collect().await?;
    Ok(())
}

/// Opens connections to the stand-in.
#[derive(Clone)]
pub(crate) struct Connector {
    port: u16,
    tls: Option<TlsConnector>,
}

impl Connector {
    fn new(upstream: &Upstream) -> anyhow::Result<Self> {
        let tls = match &upstream.ca {
            None => None,
            Some(ca) => {
                let tls = tls::client_config(tls::roots(&[ca.clone().into_bytes()])?, None, Http::Two)?;
                let mut config = rustls::ClientConfig::clone(tls.config());
                // A sender with a connection per push has no TLS session to resume either.
                config.resumption = rustls::client::Resumption::disabled();
                Some(TlsConnector::from(Arc::new(config)))
            }
        };
        Ok(Self { port: upstream.port, tls })
    }

    async fn open(self) -> anyhow::Result<Box<dyn Stream>> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        socket.set_nodelay(true)?;
        Ok(match self.tls {
            None => Box::new(socket),
            Some(tls) => Box::new(tls.connect(ServerName::try_from(HOST)?, socket).await?),
        })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection in the form that hyper-util takes.
pub(crate) struct Pooled(Box<dyn Stream>);

impl Connection for Pooled {
    fn connected(&self) -> Connected {
        Connected::new().negotiated_h2()
    }
}

impl AsyncRead for Pooled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Pooled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Pooled>;
    type Error = anyhow::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { Ok(TokioIo::new(Pooled(connector.open().await?))) })
    }
}

/// A gRPC server in front of a control, on a free port of loopback.
pub(crate) async fn serve(control: Arc<Control>) -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    let router = tonic::transport::Server::builder()
        .max_concurrent_streams(10_000)
        .add_service(PushServiceServer::new(Joined(control)));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok(port)
}

struct Joined(Arc<Control>);

#[tonic::async_trait]
impl PushService for Joined {
    async fn send_push(
        &self,
        request: Request<proto::SendPushRequest>,
    ) -> Result<Response<proto::SendPushResponse>, Status> {
        let push = request.into_inner().push.ok_or_else(|| Status::invalid_argument("push"))?;
        self.0.send().await.map_err(|error| Status::unavailable(format!("{error:#}")))?;
        Ok(Response::new(proto::SendPushResponse { result: Some(accepted(0, push.id)) }))
    }

    async fn send_pushes(
        &self,
        _: Request<proto::SendPushesRequest>,
    ) -> Result<Response<proto::SendPushesResponse>, Status> {
        Err(Status::unimplemented("the control answers single pushes"))
    }

    type SendBatchStream = tokio_stream::Empty<Result<proto::SendBatchResponse, Status>>;

    async fn send_batch(
        &self,
        _: Request<Streaming<proto::SendBatchRequest>>,
    ) -> Result<Response<Self::SendBatchStream>, Status> {
        Err(Status::unimplemented("the control answers single pushes"))
    }
}
