//! The operator names other peers while the former ones are in use.

use super::{peer, upstream};
use crate::*;

fn settings() -> UpstreamSettings {
    UpstreamSettings { max_peers: 2, ..UpstreamSettings::default() }
}

fn is_same(one: &PeerPool, other: &PeerPool) -> bool {
    std::sync::Arc::ptr_eq(one.pool(), other.pool())
}

#[tokio::test]
async fn a_peer_that_is_named_again_stays_and_another_takes_the_place_of_one_that_is_not() {
    let upstream = upstream(settings());
    let named = |host| upstream.peer(peer(host));
    let (kept, left) = (named("kept.test").unwrap(), named("left.test").unwrap());
    named("new.test").unwrap_err();
    upstream.name_anew(&settings());
    assert!(is_same(&kept, &named("kept.test").unwrap()));
    // Both of before are in use, and take no room from those that are named now.
    let new = named("new.test").unwrap();
    named("third.test").unwrap_err();
    upstream.keep_named(|_| true);
    assert!(is_same(&new, &named("new.test").unwrap()));
    named("left.test").unwrap_err();
    // Who has the pool of one that left is served until they are done.
    let asks = async |pool: &PeerPool| {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(1);
        pool.permit(Flow::SINGLE, deadline).await.err().unwrap()
    };
    assert!(!matches!(asks(&left).await, Unsent::ShuttingDown), "it is waited for");
    let pool = std::sync::Arc::clone(left.pool());
    drop(left);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let refused = pool.acquire(Flow::SINGLE, deadline, crate::core::Seniority::New).await;
    assert!(matches!(refused, Err(Unsent::ShuttingDown)));
}

#[tokio::test]
async fn a_naming_that_comes_to_nothing_leaves_the_former_peers_and_settings() {
    let upstream = upstream(settings());
    let kept = upstream.peer(peer("kept.test")).unwrap();
    upstream.name_anew(&UpstreamSettings { max_streams: 1, max_peers: 1, ..settings() });
    let other = upstream.peer(peer("kept.test")).unwrap();
    assert!(!is_same(&kept, &other), "pools of other settings are others");
    assert_eq!((other.pool().settings().max_streams, other.pool().settings().max_peers), (1, 2));
    let _new = upstream.peer(peer("new.test")).unwrap();
    upstream.keep_former();
    assert!(is_same(&kept, &upstream.peer(peer("kept.test")).unwrap()));
    let _room = upstream.peer(peer("room.test")).unwrap();
    assert_eq!(kept.pool().settings().max_streams, UpstreamSettings::default().max_streams);
}

#[tokio::test]
async fn peers_from_outside_stay_where_they_are_reached_as_before() {
    let upstream = upstream(UpstreamSettings::default());
    let stranger = |host| upstream.peer_of(PeerKind::Stranger, peer(host)).unwrap();
    let (kept, left) = (stranger("kept.test"), stranger("left.test"));
    upstream.name_anew(&UpstreamSettings::default());
    upstream.keep_named(|peer| peer.origin.host() == "kept.test");
    assert!(is_same(&kept, &stranger("kept.test")));
    assert!(!is_same(&left, &stranger("left.test")));
}
