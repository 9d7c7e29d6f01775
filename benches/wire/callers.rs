//! What the load shows, and what the gateway knows it by. The parent makes all of it, for both parties of a run.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use fanfare::caller::jwt::{IssuerSettings, JwksSource, KeySet, SigningAlgorithm};
use fanfare::caller::{
    CallerKey, CallerSettings, CertificateIdentity, CertificateRule, Listed, Permissions, Rpc, SpiffeId,
    TokenRule,
};
use fanfare::config::Config;
use fanfare::listener::ServerTls;
use fanfare::push::AppId;
use fanfare_upstream::Http;
use fanfare_upstream::tls::{self, ClientIdentity};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::RootCertStore;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsConnector;

use super::messages::APP;
use super::spec::{KnownBy, Spec};
use super::standin::HOST;

const CALLER: &str = "load";
const SPIFFE_ID: &str = "spiffe://bench.example/ns/default/sa/load";
const ISSUER: &str = "bench";
const ISSUER_URL: &str = "https://idp.bench.example";
const AUDIENCE: &str = "fanfare";
const KEY_ID: &str = "2025-11";

/// For how many seconds the token is good, which is far longer than a run.
const TOKEN_LIFE: u64 = 60 * 60;

/// Everything that a load may show, with what verifies it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Material {
    ca: String,
    gateway: Identity,
    load: Identity,
    key: String,
    jwks: String,
    token: String,
}

/// A certificate and its private key, in PEM.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    fn new(ca: &CertifiedIssuer<'_, KeyPair>, name: SanType) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.subject_alt_names = vec![name];
        let key = KeyPair::generate()?;
        Ok(Self { certificate: params.signed_by(&key, ca)?.pem(), key: key.serialize_pem() })
    }
}

impl Material {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let (jwks, token) = token()?;
        Ok(Self {
            gateway: Identity::new(&ca, SanType::DnsName(HOST.try_into()?))?,
            load: Identity::new(&ca, SanType::URI(SPIFFE_ID.try_into()?))?,
            ca: ca.pem(),
            key: CallerKey::generate()?.expose_secret().to_owned(),
            jwks,
            token,
        })
    }

    /// Lets the gateway know the load, as the run has it.
    pub(crate) fn configure(&self, spec: &Spec, config: &mut Config) -> anyhow::Result<()> {
        if spec.caller_tls {
            let Identity { certificate, key } = &self.gateway;
            let tls = ServerTls::from_pem(certificate.as_bytes(), key.as_bytes())?;
            config.grpc.listener.tls = Some(tls);
        }
        let mut caller = CallerSettings {
            name: CALLER.to_owned(),
            permissions: permissions()?,
            keys: Vec::new(),
            certificate: None,
            token: None,
            anonymous: false,
        };
        match spec.known_by {
            KnownBy::Nothing => return Ok(()),
            KnownBy::Anonymous => caller.anonymous = true,
            KnownBy::Certificate => {
                let mut roots = RootCertStore::empty();
                for root in tls::parse_certificates(self.ca.as_bytes())? {
                    roots.add(root)?;
                }
                let identity = CertificateIdentity::Spiffe(SpiffeId::parse(SPIFFE_ID)?);
                caller.certificate = Some(CertificateRule::new(Arc::new(roots), identity)?);
            }
            KnownBy::Key => caller.keys.push(CallerKey::parse(&self.key)?.digest()),
            KnownBy::Token => {
                caller.token = Some(TokenRule { issuer: ISSUER.to_owned(), name: CALLER.to_owned() });
                let algorithms = vec!["ES256".parse::<SigningAlgorithm>()?];
                config.issuers.push(IssuerSettings {
                    name: ISSUER.into(),
                    issuer: ISSUER_URL.to_owned(),
                    audiences: vec![AUDIENCE.to_owned()],
                    jwks: JwksSource::File(Arc::new(KeySet::parse(self.jwks.as_bytes(), &algorithms)?)),
                    algorithms,
                    claim: IssuerSettings::CLAIM.to_owned(),
                });
            }
        }
        config.callers.push(caller);
        Ok(())
    }

    /// TLS of the load to the gateway, if the run has it.
    pub(crate) fn connector(&self, spec: &Spec) -> anyhow::Result<Option<TlsConnector>> {
        if !spec.caller_tls {
            return Ok(None);
        }
        let identity = (spec.known_by == KnownBy::Certificate)
            .then(|| ClientIdentity::from_pem(self.load.certificate.as_bytes(), self.load.key.as_bytes()))
            .transpose()?;
        let roots = tls::roots(&[self.ca.clone().into_bytes()])?;
        Ok(Some(TlsConnector::from(Arc::clone(tls::client_config(roots, identity, Http::Two)?.config()))))
    }

    /// The value of `authorization` in each call, if the run has one.
    pub(crate) fn authorization(&self, spec: &Spec) -> Option<String> {
        match spec.known_by {
            KnownBy::Nothing | KnownBy::Anonymous | KnownBy::Certificate => None,
            KnownBy::Key => Some(format!("Bearer {}", self.key)),
            KnownBy::Token => Some(format!("Bearer {}", self.token)),
        }
    }
}

/// What the load does is listed, as it is for the callers of a service, and not permitted by `*`.
fn permissions() -> anyhow::Result<Permissions> {
    Ok(Permissions {
        apps: Listed::These([AppId::parse(APP)?].into()),
        providers: Listed::These(["apns".to_owned()].into()),
        rpcs: Listed::These([Rpc::SendPush, Rpc::SendBatch].into()),
        ..Permissions::everything()
    })
}

/// A token, with the keys that verify it.
fn token() -> anyhow::Result<(String, String)> {
    let key = EncodingKey::from_ec_pem(KeyPair::generate()?.serialize_pem().as_bytes())?;
    let mut jwk = Jwk::from_encoding_key(&key, Algorithm::ES256)?;
    jwk.common.key_id = Some(KEY_ID.to_owned());
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("a clock before 1970")?.as_secs();
    let claims = serde_json::json!({
        "iss": ISSUER_URL, "aud": AUDIENCE, "sub": CALLER, "iat": now, "nbf": now, "exp": now + TOKEN_LIFE,
    });
    let jwks = serde_json::json!({ "keys": [jwk] }).to_string();
    Ok((jwks, jsonwebtoken::encode(&header, &claims, &key)?))
}
