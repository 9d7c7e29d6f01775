//! Makes the CAs and every certificate at the start: nothing here is secret, and nothing is kept on disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

use super::error::SimulatorError;
use super::sync::lock;

/// The protocol names of HTTP/2 and HTTP/1.1 over TLS. Source: RFC 9113, 3.2; RFC 7301, 6.
pub(super) const ALPN_HTTP1: &[u8] = b"http/1.1";
pub(super) const ALPN_H2: &[u8] = b"h2";

/// The names that every good server certificate carries.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The name in the certificate that is for another name; `.invalid` never resolves. Source: RFC 2606, 2.
const WRONG_NAME: &str = "somewhere-else.invalid";

/// A client certificate that the simulator accepts, and its private key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate as PEM.
    pub certificate_pem: String,
    /// Its private key as PKCS#8 PEM.
    pub private_key_pem: String,
}

/// The TLS configurations of a listener: one that is good, and those that faults ask for.
pub(super) struct ServerConfigs {
    /// It presents a certificate for the loopback names and the names that the test added.
    pub(super) good: Arc<ServerConfig>,
    /// It presents a certificate of the same CA for another name.
    pub(super) wrong_name: Arc<ServerConfig>,
    /// It presents a certificate of the same CA and for the right names that expired in 2020.
    pub(super) expired: Arc<ServerConfig>,
    /// It has no certificate at all, so every handshake ends with an alert.
    pub(super) refusing: Arc<ServerConfig>,
}

impl ServerConfigs {
    /// Returns the same configurations for a server that speaks these protocols.
    pub(super) fn speaking(&self, protocols: &[&[u8]]) -> Self {
        let speaking = |config: &Arc<ServerConfig>| {
            let mut config = ServerConfig::clone(config);
            config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        };
        let Self { good, wrong_name, expired, refusing } = self;
        Self {
            good: speaking(good),
            wrong_name: speaking(wrong_name),
            expired: speaking(expired),
            refusing: speaking(refusing),
        }
    }
}

/// The CA of the servers, the CA of the clients, and the topics of each client certificate.
pub(super) struct Authority {
    server_ca: CertifiedIssuer<'static, KeyPair>,
    client_ca: CertifiedIssuer<'static, KeyPair>,
    ca_pem: String,
    /// The topics of each client certificate, by the SHA-256 of its DER form. Apple writes them into extensions of the
    /// certificate; remembering them here saves an ASN.1 reader.
    topics: Mutex<HashMap<[u8; 32], Arc<[String]>>>,
}

impl Authority {
    pub(super) fn new() -> Result<Self, SimulatorError> {
        let server_ca = issuer("Simulator server CA")?;
        let client_ca = issuer("Simulator client CA")?;
        let ca_pem = server_ca.pem();
        Ok(Self { server_ca, client_ca, ca_pem, topics: Mutex::default() })
    }

    pub(super) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Signs a client certificate that may push to `topics`.
    pub(super) fn client_certificate(&self, topics: &[&str]) -> Result<ClientCertificate, SimulatorError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, topics.first().copied().unwrap_or("no topic"));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.client_ca)?;
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        lock(&self.topics).insert(fingerprint(certificate.der()), topics);
        Ok(ClientCertificate { certificate_pem: certificate.pem(), private_key_pem: key.serialize_pem() })
    }

    /// Returns the topics of a certificate that [`Authority::client_certificate`] made.
    pub(super) fn topics(&self, certificate: &CertificateDer<'_>) -> Option<Arc<[String]>> {
        lock(&self.topics).get(&fingerprint(certificate)).cloned()
    }

    pub(super) fn server_configs(&self, extra_names: &[String]) -> Result<ServerConfigs, SimulatorError> {
        let names = LOOPBACK_NAMES.iter().map(|name| (*name).to_owned());
        let names: Vec<String> = names.chain(extra_names.iter().cloned()).collect();

        let good = CertificateParams::new(names)?;
        let mut expired = good.clone();
        expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let wrong_name = CertificateParams::new([WRONG_NAME.to_owned()])?;

        Ok(ServerConfigs {
            good: self.presenting(good)?,
            wrong_name: self.presenting(wrong_name)?,
            expired: self.presenting(expired)?,
            refusing: self.config(Arc::new(FixedCertificate(None)))?,
        })
    }

    fn presenting(&self, mut params: CertificateParams) -> Result<Arc<ServerConfig>, SimulatorError> {
        let key = KeyPair::generate()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.server_ca)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = aws_lc_rs::sign::any_supported_type(&private)?;
        let certified = CertifiedKey::new(vec![certificate.der().clone()], signer);
        self.config(Arc::new(FixedCertificate(Some(Arc::new(certified)))))
    }

    /// Speaks TLS 1.2 and 1.3, as Apple asks for. A client certificate is optional, and so is ALPN, since APNs also
    /// serves clients that start HTTP/2 without it.
    fn config(&self, certificate: Arc<FixedCertificate>) -> Result<Arc<ServerConfig>, SimulatorError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut clients = RootCertStore::empty();
        clients.add(self.client_ca.der().clone())?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), provider.clone())
            .allow_unauthenticated()
            .build()?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(certificate);
        config.alpn_protocols = vec![ALPN_H2.to_vec()];
        Ok(Arc::new(config))
    }
}

/// Presents one certificate whatever name is asked for, or none, which refuses the handshake.
#[derive(Debug)]
struct FixedCertificate(Option<Arc<CertifiedKey>>);

impl ResolvesServerCert for FixedCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.clone()
    }
}

fn issuer(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, SimulatorError> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn fingerprint(certificate: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(certificate).into()
}
