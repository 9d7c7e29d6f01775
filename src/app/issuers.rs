//! The issuers of callers' tokens, and the tasks that fetch their keys. An issuer that is named again with the same settings
//! keeps its keys and its task; the task of one that is not named again ends.

use std::sync::Arc;

use fanfare_upstream::{Http, Peer, PeerPool, Reach, TooManyPeers, Upstream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::caller::jwt::{IssuerSettings, JwksFetch, JwksSource, TokenIssuer, Tokens};
use crate::config::Config;
use crate::metrics::IssuerMetrics;

/// The issuers that are in use.
#[derive(Default)]
pub(super) struct Issuers {
    in_use: Vec<RunningIssuer>,
    tokens: Arc<Tokens>,
}

/// An issuer, and its task, which ends with the last clone of this.
#[derive(Clone)]
struct RunningIssuer {
    issuer: Arc<TokenIssuer>,
    _task: Arc<DropGuard>,
    /// Over which its keys are fetched once the configuration holds.
    pool: Option<PeerPool>,
}

impl Issuers {
    /// The issuers of a configuration. `tasks` gets the task of each new one, and `stop` ends all of them.
    pub(super) fn of(
        config: &Config,
        former: &Self,
        upstream: &Upstream,
        metrics: &IssuerMetrics,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Self, TooManyPeers> {
        let issuers = config.issuers.iter().map(|settings| {
            let pool = match &settings.jwks {
                JwksSource::File(_) => None,
                JwksSource::Fetched(fetch) => Some(upstream.peer(peer(settings, fetch, config))?),
            };
            if let Some(known) = former.in_use.iter().find(|known| known.issuer.has(settings)) {
                return Ok(RunningIssuer { pool, ..known.clone() });
            }
            let issuer = Arc::new(TokenIssuer::try_new(settings.clone(), metrics, |fetch| {
                upstream.peer(peer(settings, fetch, config))
            })?);
            let stop = stop.child_token();
            tasks.spawn(Arc::clone(&issuer).keep_fresh(stop.clone()));
            Ok(RunningIssuer { issuer, _task: Arc::new(stop.drop_guard()), pool })
        });
        let in_use: Vec<_> = issuers.collect::<Result<_, _>>()?;
        let is_same =
            |(one, other): (&RunningIssuer, &RunningIssuer)| Arc::ptr_eq(&one.issuer, &other.issuer);
        let tokens = if in_use.len() == former.in_use.len() && in_use.iter().zip(&former.in_use).all(is_same)
        {
            // The tokens that were verified stay so.
            Arc::clone(&former.tokens)
        } else {
            Arc::new(Tokens::new(in_use.iter().map(|known| Arc::clone(&known.issuer)).collect()))
        };
        Ok(Self { in_use, tokens })
    }

    /// What verifies tokens of these issuers, which are used from now on.
    pub(super) fn used(&self) -> Arc<Tokens> {
        for RunningIssuer { issuer, pool, .. } in &self.in_use {
            if let Some(pool) = pool {
                issuer.fetch_over(pool.clone());
            }
        }
        Arc::clone(&self.tokens)
    }
}

fn peer(settings: &IssuerSettings, fetch: &JwksFetch, config: &Config) -> Peer {
    Peer {
        proxy: config.proxy.as_ref().and_then(|proxies| proxies.on_the_way_to(&fetch.origin)),
        origin: fetch.origin.clone(),
        // Each issuer may have roots of its own, so its connections are shared with nobody.
        identity: format!("issuer {}", settings.name).into(),
        tls: Arc::clone(&fetch.tls),
        http: Http::Either,
        reach: Reach::Anywhere,
        proves_credential: false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use fanfare_upstream::{SystemResolver, TcpDialer, UpstreamSettings};
    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::caller::jwt::{JwksFetch, JwksSource, SigningAlgorithm};
    use crate::config::Trust;
    use crate::metrics::Metrics;

    /// Answers one request with these keys, and returns its head.
    async fn answer_once(listener: TcpListener, keys: String) -> String {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut head).await.unwrap(), 0);
        }
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
        socket.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(head).unwrap()
    }

    #[tokio::test]
    async fn a_configured_issuer_gets_its_keys_until_it_is_told_to_stop() {
        let file: Value = serde_json::from_str(include_str!("../../tests/data/jwt/pyjwt.json")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(answer_once(listener, file["jwks"].to_string()));

        let trust = Trust::of_system().unwrap();
        let mut config = Config::on_loopback(Vec::new(), trust.clone());
        config.issuers.push(IssuerSettings {
            name: "corp".into(),
            issuer: "https://idp.example".to_owned(),
            audiences: vec!["fanfare".to_owned()],
            algorithms: SigningAlgorithm::DEFAULT.to_vec(),
            claim: IssuerSettings::CLAIM.to_owned(),
            jwks: JwksSource::Fetched(JwksFetch {
                origin: origin.parse().unwrap(),
                path: "/keys?of=corp".to_owned(),
                tls: Arc::clone(trust.tls(Http::Either)),
                refresh: JwksFetch::REFRESH,
                max_stale: JwksFetch::MAX_STALE,
            }),
        });
        let metrics = Metrics::default();
        let (resolver, dialer) = (Arc::new(SystemResolver), Arc::new(TcpDialer));
        let upstream = Upstream::new(UpstreamSettings::default(), resolver, dialer, metrics.upstream.clone());
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let of = |config: &Config, former: &Issuers| {
            Issuers::of(config, former, &upstream, &metrics.issuers, &tasks, &stop).unwrap()
        };
        let issuers = of(&config, &Issuers::default());
        let tokens = issuers.used();

        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let token = file["tokens"]["ES256"].as_str().unwrap();
        let verified = tokens.verify_after_fetch(token, now).await.unwrap();
        assert_eq!((&*verified.issuer, &*verified.name), ("corp", "orders"));
        let head = server.await.unwrap();
        assert!(head.starts_with("GET /keys?of=corp HTTP/1.1\r\n"), "{head}");
        assert!(metrics.page().contains("fanfare_jwks_fetches_total{issuer=\"corp\",outcome=\"fetched\"} 1"));

        // The same issuer goes on with its keys and its task, and what was verified by it stays so.
        let again = of(&config, &issuers);
        assert!(Arc::ptr_eq(&tokens, &again.used()));
        drop(issuers);
        assert_eq!(tasks.len(), 1);
        assert_eq!(again.used().verify(token, now).unwrap(), verified);
        // One that says something else is another, and has no keys yet.
        config.issuers[0].audiences.push("other".to_owned());
        let other = of(&config, &again);
        assert!(other.used().verify(token, now).is_err());
        drop(again);
        tasks.close();
        while tasks.len() > 1 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        tasks.wait().await;
    }
}
