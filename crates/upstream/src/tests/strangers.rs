//! Strangers share look-ups, connections and places among peers, and take none of anybody else's.

use super::*;

/// Who asks for a stream of such a peer, as it is told after a second.
async fn asks(upstream: &Upstream, kind: PeerKind, host: &'static str) -> String {
    let pool = upstream.peer_of(kind, peer(host)).unwrap();
    pool.permit(Flow::SINGLE, far()).await.err().unwrap().to_string()
}

fn settings() -> UpstreamSettings {
    UpstreamSettings {
        connect_timeout: Duration::from_secs(1),
        connect_patience: 1,
        max_stranger_lookups: 2,
        ..UpstreamSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn a_look_up_of_a_stranger_counts_until_the_resolver_returns_and_nobody_else_waits_for_it() {
    // The resolver never returns.
    let upstream = upstream(settings());
    let told = asks(&upstream, PeerKind::Stranger, "first.test").await;
    assert_eq!(told, "cannot connect to first.test: no connection within 1 s");
    for _ in 0..2 {
        let told = asks(&upstream, PeerKind::Claimed, "second.test").await;
        let setting = "upstream.max_stranger_lookups";
        let busy = "hosts that only subscriptions name use all that they may";
        assert_eq!(told, format!("cannot connect to second.test now: {busy} ({setting})"));
    }
    for kind in [PeerKind::Known, PeerKind::Configured] {
        let told = asks(&upstream, kind, "known.test").await;
        assert_eq!(told, "cannot connect to known.test: no connection within 1 s");
    }
    upstream.shut_down();
    let began = Instant::now();
    upstream.closed().await;
    assert_eq!(began.elapsed(), Duration::ZERO, "the look-ups end with the pools");
}

#[tokio::test(start_paused = true)]
async fn one_failed_connect_refuses_all_who_wait_for_a_stranger_and_those_who_come_while_it_is_left_alone() {
    let upstream = upstream(UpstreamSettings { connect_patience: 3, ..settings() });
    let began = Instant::now();
    asks(&upstream, PeerKind::Stranger, "dead.test").await;
    assert_eq!(began.elapsed(), Duration::from_secs(1), "one connect failed");
    // The second connect comes at once, and the third would come later.
    asks(&upstream, PeerKind::Stranger, "dead.test").await;
    let began = Instant::now();
    asks(&upstream, PeerKind::Stranger, "dead.test").await;
    assert_eq!(began.elapsed(), Duration::ZERO, "it is told what the others were told");
}

#[tokio::test]
async fn a_stranger_that_is_in_use_keeps_its_place_and_another_finds_none() {
    let upstream = upstream(UpstreamSettings { max_peers: 8, max_stranger_peers: 4, ..settings() });
    let stranger = |host| upstream.peer_of(PeerKind::Stranger, peer(host));
    let (_first, second) = (stranger("first.test").unwrap(), stranger("second.test").unwrap());
    let refused = stranger("third.test").unwrap_err();
    assert_eq!(refused, TooManyPeers::Strangers(2));
    assert!(refused.to_string().contains("upstream.max_stranger_peers"), "{refused}");
    assert!(upstream.peer(peer("third.test")).is_ok(), "the operator's is another peer");
    drop(second);
    assert!(stranger("third.test").is_ok());
}
