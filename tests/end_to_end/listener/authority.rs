//! A certificate authority, and TLS of both sides by its certificates.

use std::sync::Arc;

use fanfare::listener::ServerTls;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    pub(crate) fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        Arc::new(roots)
    }

    fn sign(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// TLS of a listener, with these authorities of clients.
    pub(crate) fn server(&self, clients: &[&Self]) -> ServerTls {
        let (certificate, key) = self.sign("localhost");
        let roots: Vec<_> = clients.iter().map(|it| it.roots()).collect();
        let (pem, key) = (certificate.pem(), key.serialize_pem());
        let tls = ServerTls::from_pem(pem.as_bytes(), key.as_bytes()).unwrap();
        tls.know_clients(&roots).unwrap();
        tls
    }

    /// TLS of a client that trusts this authority, and shows a certificate of another, if any.
    pub(crate) fn client(&self, shows: Option<&Self>, alpn: &[u8]) -> ClientConfig {
        self.client_of(rustls::DEFAULT_VERSIONS, shows, alpn)
    }

    pub(crate) fn client_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        shows: Option<&Self>,
        alpn: &[u8],
    ) -> ClientConfig {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots());
        let mut config = match shows {
            None => builder.with_no_client_auth(),
            Some(other) => {
                let (certificate, key) = other.sign("caller.example");
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
            }
        };
        config.resumption = Resumption::in_memory_sessions(8);
        config.alpn_protocols = vec![alpn.to_vec()];
        config
    }
}

pub(crate) async fn handshake(
    config: &Arc<ClientConfig>,
    socket: TcpStream,
) -> std::io::Result<TlsStream<TcpStream>> {
    TlsConnector::from(Arc::clone(config)).connect("localhost".try_into().unwrap(), socket).await
}
