//! Feeds: a receiver is told what becomes of pushes, over real sockets and TLS.

mod ends;
mod events;
mod failing;
mod log;
mod receiver;
mod verifier;

use std::sync::Arc;

use fanfare::feed::{FeedSettings, SigningSecret, Wanted};
use fanfare_upstream::{Http, Peer, Reach, tls};
use serde_json::Value;

use crate::harness::{World, http_get, metric};
use receiver::Receiver;
use verifier::SECRET;

const FEED: &str = "crm";

/// A feed to a receiver, which is told of every verdict without a wait.
fn feed(receiver: &Receiver) -> FeedSettings {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in tls::parse_certificates(receiver.pem.as_bytes()).unwrap() {
        roots.add(certificate).unwrap();
    }
    let peer = Peer {
        origin: receiver.origin.parse().unwrap(),
        identity: "feed".into(),
        tls: tls::client_config(Arc::new(roots), None, Http::Either).unwrap(),
        http: Http::Either,
        reach: Reach::Anywhere,
        proxy: None,
        proves_credential: false,
    };
    let secrets = vec![SigningSecret::parse(SECRET).unwrap()];
    FeedSettings {
        wanted: Wanted::ALL,
        batch_delay: std::time::Duration::from_millis(1),
        ..FeedSettings::new(FEED, peer, "/fanfare?of=shop".to_owned(), secrets)
    }
}

/// A gateway with this feed.
async fn world(feed: FeedSettings) -> World {
    World::with(|builder| builder, |config| config.feeds = vec![feed]).await
}

fn count(world: &World, result: &str) -> f64 {
    let line = format!("fanfare_feed_events_total{{feed=\"{FEED}\",result=\"{result}\"}} ");
    metric(&world.gateway, &line)
}

fn queued(world: &World) -> f64 {
    metric(&world.gateway, &format!("fanfare_feed_queue{{feed=\"{FEED}\"}} "))
}

/// What the status says of the feed.
async fn status(world: &World) -> Value {
    let answer = http_get(world.gateway.admin_address(), "/status").await;
    let status: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    status["feeds"][0].clone()
}

/// The targets of events.
fn targets(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["target"].as_str().unwrap().to_owned()).collect()
}
