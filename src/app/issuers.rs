//! The issuers of callers' tokens, and the tasks that fetch their keys.

use std::sync::Arc;

use fanfare_upstream::{Http, Peer, Reach, TooManyPeers, Upstream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::caller::jwt::{IssuerSettings, TokenIssuer, Tokens};
use crate::config::Config;
use crate::metrics::IssuerMetrics;

/// Verifies the tokens of every issuer of the configuration. For each of them `tasks` gets a task that fetches its keys until
/// `stop`.
pub(super) fn tokens(
    config: &Config,
    upstream: &Upstream,
    metrics: &IssuerMetrics,
    tasks: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<Tokens, TooManyPeers> {
    let issuers = config.issuers.iter().map(|settings| {
        let issuer = Arc::new(issuer(settings, config, upstream, metrics)?);
        tasks.spawn(Arc::clone(&issuer).keep_fresh(stop.clone()));
        Ok(issuer)
    });
    Ok(Tokens::new(issuers.collect::<Result<_, _>>()?))
}

fn issuer(
    settings: &IssuerSettings,
    config: &Config,
    upstream: &Upstream,
    metrics: &IssuerMetrics,
) -> Result<TokenIssuer, TooManyPeers> {
    TokenIssuer::try_new(settings.clone(), metrics, |fetch| {
        upstream.peer(Peer {
            proxy: config.proxy.as_ref().and_then(|proxies| proxies.on_the_way_to(&fetch.origin)),
            origin: fetch.origin.clone(),
            // Each issuer may have roots of its own, so its connections are shared with nobody.
            identity: format!("issuer {}", settings.name).into(),
            tls: Arc::clone(&fetch.tls),
            http: Http::Either,
            reach: Reach::Anywhere,
            proves_credential: false,
        })
    })
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
        let (mut tasks, stop) = (JoinSet::new(), CancellationToken::new());
        let tokens = tokens(&config, &upstream, &metrics.issuers, &mut tasks, &stop).unwrap();

        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let token = file["tokens"]["ES256"].as_str().unwrap();
        let verified = tokens.verify_after_fetch(token, now).await.unwrap();
        assert_eq!((&*verified.issuer, &*verified.name), ("corp", "orders"));
        let head = server.await.unwrap();
        assert!(head.starts_with("GET /keys?of=corp HTTP/1.1\r\n"), "{head}");
        assert!(metrics.page().contains("fanfare_jwks_fetches_total{issuer=\"corp\",outcome=\"fetched\"} 1"));
        stop.cancel();
        tasks.join_all().await;
    }
}
