//! TLS: with certificates of clients, without, and with foreign ones; and no session is resumed where they may be shown.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fanfare::app::{Gateway, Network};
use fanfare::caller::{CallerSettings, CertificateIdentity, CertificateRule, Permissions};
use fanfare::proto::push_service_client::PushServiceClient;
use fanfare::proto::{Outcome, SendPushRequest};
use fanfare_simulator::Simulator;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, HandshakeKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tonic::Code;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint, Uri};

use super::authority::{Authority, handshake};
use super::{Listening, ask};
use crate::harness::{TOPIC, config, good, metric, push};

/// Connects tonic over TLS.
struct Connector(SocketAddr, Arc<ClientConfig>);

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (address, config) = (self.0, Arc::clone(&self.1));
        Box::pin(async move {
            let socket = TcpStream::connect(address).await?;
            handshake(&config, socket).await.map(TokioIo::new)
        })
    }
}

async fn channel(gateway: &Gateway, config: ClientConfig) -> Result<Channel, tonic::transport::Error> {
    let connector = Connector(gateway.grpc_address(), Arc::new(config));
    // The scheme is what tonic connects by itself; the connector brings TLS.
    Endpoint::from_static("http://localhost").connect_with_connector(connector).await
}

/// A caller who may do everything, and is known by a certificate of this authority.
fn caller(name: &str, authority: &Authority) -> CallerSettings {
    let identity = CertificateIdentity::Dns("caller.example".to_owned());
    CallerSettings {
        name: name.to_owned(),
        permissions: Permissions::everything(),
        keys: Vec::new(),
        certificate: Some(CertificateRule::new(authority.roots(), identity).unwrap()),
        token: None,
        anonymous: false,
    }
}

async fn send(channel: Channel) -> Result<Outcome, tonic::Status> {
    let request = SendPushRequest { push: Some(Box::new(push(&good(1)))) };
    let sent = PushServiceClient::new(channel).send_push(request).await?;
    Ok(sent.into_inner().result.unwrap().outcome())
}

#[tokio::test]
async fn a_certificate_is_optional_and_one_that_is_shown_is_of_a_known_authority() {
    let [own, callers, others, foreign] = [(); 4].map(|()| Authority::new());
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let known = |callers| {
        let mut config = config(&simulator);
        config.grpc.listener.tls = Some(own.server(&[]));
        config.callers = callers;
        config
    };
    let first = known(vec![caller("first", &callers), caller("second", &others)]);
    let gateway = Gateway::start(first, Network::default()).await.unwrap();
    for shows in [&callers, &others] {
        let channel = channel(&gateway, own.client(Some(shows), b"h2")).await.unwrap();
        assert_eq!(send(channel).await.unwrap(), Outcome::Accepted);
    }
    let nothing = channel(&gateway, own.client(None, b"h2")).await.unwrap();
    assert_eq!(send(nothing).await.unwrap_err().code(), Code::Unauthenticated);
    let refused = r#"fanfare_listener_refused_total{listener="grpc",reason="tls"} "#;
    assert_eq!(metric(&gateway, refused), 0.0);
    let is_refused = async |shows| {
        // A client of TLS 1.3 may take the handshake for done before it is told.
        if let Ok(channel) = channel(&gateway, own.client(Some(shows), b"h2")).await {
            send(channel).await.unwrap_err();
        }
    };
    is_refused(&foreign).await;
    assert!(metric(&gateway, refused) >= 1.0);
    // The authorities change with the callers, for the connections that come from now on.
    let before = metric(&gateway, refused);
    gateway.reload(known(vec![caller("third", &foreign)])).unwrap();
    let channel = channel(&gateway, own.client(Some(&foreign), b"h2")).await.unwrap();
    assert_eq!(send(channel).await.unwrap(), Outcome::Accepted);
    assert_eq!(metric(&gateway, refused), before);
    is_refused(&callers).await;
    assert!(metric(&gateway, refused) > before);
    gateway.shut_down().await;
}

#[tokio::test]
async fn another_certificate_is_shown_from_the_next_handshake_on() {
    let [own, renewed] = [(); 2].map(|()| Authority::new());
    let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
    let read = |by: &Authority| {
        let mut config = config(&simulator);
        config.grpc.listener.tls = Some(by.server(&[]));
        config
    };
    let gateway = Gateway::start(read(&own), Network::default()).await.unwrap();
    let open = channel(&gateway, own.client(None, b"h2")).await.unwrap();
    assert_eq!(send(open.clone()).await.unwrap(), Outcome::Accepted);
    let reloaded = gateway.reload(read(&renewed)).unwrap();
    assert_eq!((reloaded.changed, reloaded.needs_restart), (vec!["grpc.tls"], vec![]));
    assert_eq!(send(open).await.unwrap(), Outcome::Accepted, "a connection that is open stays so");
    let newer = channel(&gateway, renewed.client(None, b"h2")).await.unwrap();
    assert_eq!(send(newer).await.unwrap(), Outcome::Accepted);
    channel(&gateway, own.client(None, b"h2")).await.unwrap_err();
    // A listener does not begin to speak plaintext before a restart.
    let reloaded = gateway.reload(config(&simulator)).unwrap();
    assert_eq!((reloaded.changed, reloaded.needs_restart), (vec![], vec!["grpc.tls"]));
    let newer = channel(&gateway, renewed.client(None, b"h2")).await.unwrap();
    assert_eq!(send(newer).await.unwrap(), Outcome::Accepted);
    gateway.shut_down().await;
}

#[tokio::test]
async fn a_client_that_speaks_another_protocol_is_refused_by_an_alert() {
    let own = Authority::new();
    let listening = Listening::http2(|settings| settings.tls = Some(own.server(&[]))).await;
    let other = Arc::new(own.client(None, b"http/1.1"));
    let error = handshake(&other, listening.connect().await).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[tokio::test]
async fn a_service_sees_the_certificates_of_its_connection() {
    let (own, callers) = (Authority::new(), Authority::new());
    let listening = Listening::http1(|settings| settings.tls = Some(own.server(&[&callers]))).await;
    for (shows, expected) in [(None, " 0"), (Some(&callers), " 1")] {
        let config = Arc::new(own.client(shows, b"http/1.1"));
        let stream = handshake(&config, listening.connect().await).await.unwrap();
        let answer = ask(stream, b"").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(expected), "{answer}");
    }
}

/// How the second of two handshakes of one client was done. Between them it reads an answer, which comes after any ticket.
async fn second_handshake(listening: &Listening, config: ClientConfig) -> HandshakeKind {
    let config = Arc::new(config);
    let mut kind = None;
    for _ in 0..2 {
        let mut stream = handshake(&config, listening.connect().await).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        stream.read_u8().await.unwrap();
        kind = stream.get_ref().1.handshake_kind();
    }
    kind.unwrap()
}

#[tokio::test]
async fn no_session_is_resumed_where_clients_may_show_certificates() {
    let (own, callers) = (Authority::new(), Authority::new());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for shows in [None, Some(&callers)] {
            let config = || own.client_of(&[version], shows, b"http/1.1");
            let asks = Listening::http1(|settings| settings.tls = Some(own.server(&[&callers]))).await;
            assert_eq!(second_handshake(&asks, config()).await, HandshakeKind::Full);
            // The client does try: it resumes where it is not asked for a certificate.
            let asks_not = Listening::http1(|settings| settings.tls = Some(own.server(&[]))).await;
            assert_eq!(second_handshake(&asks_not, config()).await, HandshakeKind::Resumed);
        }
    }
}
