//! Issuers of callers' tokens, whose keys are fetched over the pool from a server with TLS.

mod config;
mod faults;
mod fetches;
mod server;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare::caller::jwt::{
    IssuerSettings, JwksFetch, JwksSource, SigningAlgorithm, TokenIssuer, TokenProblem, Tokens,
};
use fanfare::metrics::Metrics;
use fanfare_upstream::{
    Http, Peer, Reach, SystemResolver, TcpDialer, TooManyPeers, Upstream, UpstreamSettings, tls,
};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use server::{Answer, JwksServer};

const ISSUER: &str = "https://idp.example";
const PATH: &str = "/.well-known/jwks.json";

/// The moment at which tokens are shown. Their claims are judged by this clock, and the age of keys by the runtime's.
const NOW: u64 = 1_800_000_000;

/// A key of the issuer.
struct Signer {
    id: &'static str,
    key: EncodingKey,
}

impl Signer {
    fn new(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        Self { id, key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap() }
    }

    fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = self.id.into();
        jwk
    }

    /// A good token for this caller.
    fn token(&self, name: &str) -> String {
        self.token_under(self.id, name)
    }

    fn token_under(&self, id: &str, name: &str) -> String {
        let header = Header { kid: Some(id.to_owned()), ..Header::new(Algorithm::ES256) };
        let claims = json!({ "iss": ISSUER, "aud": "fanfare", "sub": name, "exp": NOW + 600 });
        jsonwebtoken::encode(&header, &claims, &self.key).unwrap()
    }
}

fn set(signers: &[&Signer]) -> Answer {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    Answer::Body(json!({ "keys": keys }).to_string())
}

/// Verifies tokens by the keys that a server gives.
struct World {
    server: JwksServer,
    tokens: Tokens,
    metrics: Metrics,
    _upstream: Upstream,
    _stop: DropGuard,
}

impl World {
    async fn start(answer: Answer) -> Self {
        let server = JwksServer::start(answer).await;
        let mut roots = rustls::RootCertStore::empty();
        for certificate in tls::parse_certificates(server.pem.as_bytes()).unwrap() {
            roots.add(certificate).unwrap();
        }
        let fetch = JwksFetch {
            origin: server.origin.parse().unwrap(),
            path: PATH.to_owned(),
            tls: tls::client_config(Arc::new(roots), None, Http::Either).unwrap(),
            refresh: JwksFetch::REFRESH,
            max_stale: JwksFetch::MAX_STALE,
        };
        let settings = IssuerSettings {
            name: "corp".into(),
            issuer: ISSUER.to_owned(),
            audiences: vec!["fanfare".to_owned()],
            algorithms: SigningAlgorithm::DEFAULT.to_vec(),
            claim: IssuerSettings::CLAIM.to_owned(),
            jwks: JwksSource::Fetched(fetch),
        };
        let metrics = Metrics::default();
        let short = Duration::from_millis(50);
        let upstream =
            UpstreamSettings { backoff_min: short, backoff_max: short, ..UpstreamSettings::default() };
        let upstream =
            Upstream::new(upstream, Arc::new(SystemResolver), Arc::new(TcpDialer), metrics.upstream.clone());
        let issuer = TokenIssuer::try_new(settings, &metrics.issuers, |fetch| {
            upstream.peer(Peer {
                origin: fetch.origin.clone(),
                identity: "issuer corp".into(),
                tls: Arc::clone(&fetch.tls),
                http: Http::Either,
                proxy: None,
                reach: Reach::Anywhere,
                proves_credential: false,
            })
        });
        let issuer = Arc::new(issuer.map_err(|error: TooManyPeers| error.to_string()).unwrap());
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&issuer).keep_fresh(stop.clone()));
        let tokens = Tokens::new(vec![issuer]);
        Self { server, tokens, metrics, _upstream: upstream, _stop: stop.drop_guard() }
    }

    /// The name that a token is verified for, with the keys that are there.
    fn name(&self, token: &str) -> Result<String, TokenProblem> {
        self.tokens.verify(token, now()).map(|verified| verified.name.to_string())
    }

    async fn name_after_fetch(&self, token: &str) -> Result<String, TokenProblem> {
        self.tokens.verify_after_fetch(token, now()).await.map(|verified| verified.name.to_string())
    }

    /// How many fetches had this outcome.
    fn fetches(&self, outcome: &str) -> u64 {
        let page = self.metrics.page();
        let line = format!("fanfare_jwks_fetches_total{{issuer=\"corp\",outcome=\"{outcome}\"}} ");
        page.lines().find_map(|it| it.strip_prefix(&line)).unwrap().parse().unwrap()
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn unknown(id: &str) -> TokenProblem {
    TokenProblem::UnknownKey { issuer: "corp".into(), found: id.to_owned() }
}
