//! A bare HTTP/2 client over TLS, which shows what a pooling client would hide.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::{HeaderMap, Request, StatusCode};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{ClientCertificate, Environment, Simulator};

/// A bound far beyond what anything takes: it ends a test that hangs, and decides nothing else.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const GOOD: &str = "600d00000000000000000000000000000000000000000000000000000000600d";

pub(crate) struct Client {
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) driver: JoinHandle<Result<(), h2::Error>>,
    pub(crate) token: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn tls(
    simulator: &Simulator,
    certificate: Option<&ClientCertificate>,
) -> std::io::Result<TlsStream<TcpStream>> {
    tls_to(simulator, Environment::Production, certificate).await
}

pub(crate) async fn tls_to(
    simulator: &Simulator,
    environment: Environment,
    certificate: Option<&ClientCertificate>,
) -> std::io::Result<TlsStream<TcpStream>> {
    tls_at(simulator, simulator.address(environment), b"h2", certificate).await
}

pub(crate) async fn tls_at(
    simulator: &Simulator,
    address: SocketAddr,
    protocol: &[u8],
    certificate: Option<&ClientCertificate>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(simulator.ca_pem().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match certificate {
        None => config.with_no_client_auth(),
        Some(certificate) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.certificate_pem.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(certificate.private_key_pem.as_bytes()).unwrap(),
            )
            .unwrap(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

impl Client {
    pub(crate) async fn connect(simulator: &Simulator) -> Self {
        let token = simulator.provider_key().sign(simulator.clock().now_s()).unwrap();
        Self::over(tls(simulator, None).await.unwrap(), Some(token)).await
    }

    pub(crate) async fn over(tls: TlsStream<TcpStream>, token: Option<String>) -> Self {
        let (send, connection) = h2::client::Builder::new()
            .initial_max_send_streams(1)
            .enable_push(false)
            .handshake(tls)
            .await
            .unwrap();
        Self { send, driver: tokio::spawn(connection), token }
    }

    /// Connects and pushes once, so that the limit of the connection is high.
    pub(crate) async fn trusted(simulator: &Simulator) -> Self {
        Self::trusted_as(simulator, 2).await
    }

    /// Does the same on a later connection, when all connections together have acknowledged this many SETTINGS.
    pub(crate) async fn trusted_as(simulator: &Simulator, acknowledged: u64) -> Self {
        let mut client = Self::connect(simulator).await;
        assert_eq!(client.push(GOOD).await.unwrap().status, 200);
        let done = |s: &Simulator| s.counters().settings_acknowledged >= acknowledged;
        simulator.wait_until(PATIENCE, done).await.unwrap();
        client
    }

    pub(crate) fn request(&self, token: &str) -> Request<()> {
        let request = Request::post(format!("https://localhost/3/device/{token}"))
            .header("apns-topic", "com.example.app")
            .header("apns-push-type", "alert");
        match &self.token {
            None => request,
            Some(token) => request.header("authorization", format!("bearer {token}")),
        }
        .body(())
        .unwrap()
    }

    pub(crate) async fn start(&mut self, token: &str) -> ResponseFuture {
        let request = self.request(token);
        self.start_request(request, r#"{"aps":{"alert":"hi"}}"#).await
    }

    pub(crate) async fn start_request(
        &mut self,
        request: Request<()>,
        body: impl AsRef<[u8]>,
    ) -> ResponseFuture {
        self.send = self.send.clone().ready().await.unwrap();
        let (response, mut stream) = self.send.send_request(request, false).unwrap();
        stream.send_data(Bytes::copy_from_slice(body.as_ref()), true).unwrap();
        response
    }

    /// Starts a push as [`Client::start`] does. The result is `None` once the connection takes no more streams.
    pub(crate) async fn try_start(&mut self, token: &str) -> Option<ResponseFuture> {
        self.send = self.send.clone().ready().await.ok()?;
        let (response, mut stream) = self.send.send_request(self.request(token), false).ok()?;
        // An error means that the stream has ended, which the response tells.
        let _ = stream.send_data(Bytes::from_static(b"{}"), true);
        Some(response)
    }

    pub(crate) async fn push(&mut self, token: &str) -> Result<Reply, h2::Error> {
        let response = self.start(token).await;
        finish(response).await
    }

    pub(crate) async fn push_request(
        &mut self,
        request: Request<()>,
        body: impl AsRef<[u8]>,
    ) -> Result<Reply, h2::Error> {
        let response = self.start_request(request, body).await;
        finish(response).await
    }
}

pub(crate) async fn finish(response: ResponseFuture) -> Result<Reply, h2::Error> {
    let whole = async {
        let (parts, mut stream) = response.await?.into_parts();
        let mut body = Vec::new();
        while let Some(piece) = stream.data().await {
            let piece = piece?;
            stream.flow_control().release_capacity(piece.len())?;
            body.extend_from_slice(&piece);
        }
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.into() })
    };
    tokio::time::timeout(PATIENCE, whole).await.expect("an answer")
}
