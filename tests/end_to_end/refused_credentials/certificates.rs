//! A client certificate that a push service refuses in TLS: in the handshake over TLS 1.2, and over TLS 1.3 at the first
//! read behind it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::{ApnsCredential, Trust};
use fanfare::proto::{Outcome, Reason};
use fanfare_simulator::Simulator;
use fanfare_upstream::tls::ClientIdentity;
use fanfare_upstream::{BreakerSettings, Http};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{not_sent, readiness};
use crate::harness::{APP, World, app, config, connect, good, metric_sum, push};

struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate that this CA issued, and its key.
    fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// A push service that takes client certificates of one CA, and never gets as far as HTTP/2.
struct Server {
    address: SocketAddr,
    /// How many connections began.
    connects: Arc<AtomicUsize>,
}

impl Server {
    async fn start(ca: &Ca, clients: &Ca, version: &'static SupportedProtocolVersion) -> Self {
        let (certificate, key) = ca.issue("localhost", |_| {});
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(clients.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, connects) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
        let count = Arc::clone(&connects);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let accepting = acceptor.accept(socket).into_fallible();
                tokio::spawn(async move {
                    if let Err((_, mut socket)) = accepting.await {
                        // The socket is read to its end, so that no reset overtakes the alert.
                        while socket.read(&mut [0; 1024]).await.is_ok_and(|count| count > 0) {}
                    }
                });
            }
        });
        Self { address, connects }
    }
}

/// A gateway whose app shows this certificate to the server. The simulator is there for what a world has.
async fn serve(
    server: &Server,
    ca: &Ca,
    shown: &(rcgen::Certificate, KeyPair),
    breaker: BreakerSettings,
) -> World {
    let simulator = Simulator::builder().start().await.unwrap();
    let trust = Trust::of_system_and(&ca.0.pem()).unwrap();
    let (certificate, key) = (shown.0.pem(), shown.1.serialize_pem());
    let identity = ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let credential = ApnsCredential::Certificate(trust.with_identity(identity, Http::Two).unwrap());
    let mut config = config(&simulator);
    config.apps = vec![app(APP, credential)];
    config.apns_production = format!("https://localhost:{}", server.address.port()).parse().unwrap();
    config.upstream.breaker = breaker;
    config.upstream.backoff_min = Duration::from_millis(1);
    config.upstream.backoff_max = Duration::from_millis(2);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

#[tokio::test]
async fn a_certificate_that_the_peer_refuses_in_tls_is_the_credentials_fault_in_the_alerts_name() {
    let (ca, clients) = (Ca::new("servers"), Ca::new("clients"));
    let later = |params: &mut CertificateParams| params.not_before = date_time_ymd(2090, 1, 1);
    let shown = [
        ("unknown_ca", ca.issue("client.example", |_| {})),
        // rustls says so of a certificate that is not valid yet, too.
        ("certificate_expired", clients.issue("client.example", later)),
    ];
    for (alert, certificate) in &shown {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let server = Server::start(&ca, &clients, version).await;
            let world = serve(&server, &ca, certificate, BreakerSettings::default()).await;
            let told = world.send_all((0..500).map(good)).await;
            for result in &told {
                let seen =
                    (result.outcome(), result.reason(), result.upstream_reason.as_str(), result.retryable);
                let expected = (Outcome::Credential, Reason::UpstreamUnreachable, *alert, false);
                assert_eq!(seen, expected, "{version:?} {result:?}");
            }
            let connects = server.connects.load(Ordering::SeqCst);
            assert!(connects <= super::A_HANDFUL, "{connects} connects");
            let named = ["the certificate with the fingerprint", "apns production"];
            not_sent(&world.send(push(&good(500))).await, &named);
            let refused = metric_sum(&world, "fanfare_credential_refused{", "apns production");
            assert_eq!(refused, 1.0, "{version:?}");
            assert!(readiness(&world).await.contains(&format!("app {APP}")));
        }
    }
}

#[tokio::test]
async fn a_peer_that_is_left_alone_for_the_certificate_is_the_credentials_fault_too() {
    let (ca, clients) = (Ca::new("servers"), Ca::new("clients"));
    let server = Server::start(&ca, &clients, &rustls::version::TLS12).await;
    let shown = ca.issue("client.example", |_| {});
    let breaker = BreakerSettings { failures: 1, ..BreakerSettings::default() };
    let world = serve(&server, &ca, &shown, breaker).await;
    for result in &world.send_all((0..20).map(good)).await {
        let seen = (result.outcome(), result.reason(), result.upstream_reason.as_str());
        assert_eq!(seen, (Outcome::Credential, Reason::UpstreamUnreachable, "unknown_ca"), "{result:?}");
    }
    not_sent(&world.send(push(&good(20))).await, &["apns production"]);
}
