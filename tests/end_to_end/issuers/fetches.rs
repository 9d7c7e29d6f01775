//! When keys are fetched: at the start, in time, and for an unknown key at most once a minute.

use std::time::Duration;

use fanfare::caller::jwt::TokenProblem;
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::{Answer, PATH, Signer, World, set, unknown};
use crate::harness::{pass, until};

#[tokio::test]
async fn the_first_callers_wait_for_the_first_keys() {
    let signer = Signer::new("a");
    let world = World::start(set(&[&signer])).await;
    let token = signer.token("orders");
    assert_eq!(world.name(&token), Err(TokenProblem::NoKeys("corp".into())));
    assert_eq!(world.name_after_fetch(&token).await.unwrap(), "orders");
    assert_eq!(world.name(&token).unwrap(), "orders");
    assert_eq!(world.server.paths(), [PATH]);
    let fetched = "fanfare_jwks_fetched_timestamp_seconds{issuer=\"corp\"} ";
    assert!(world.metrics.page().lines().any(|line| line.starts_with(fetched) && !line.ends_with(" 0.0")));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_its_first_token_comes_and_the_old_one_is_gone() {
    let (old, new) = (Signer::new("a"), Signer::new("b"));
    let world = World::start(set(&[&old])).await;
    let (old_token, new_token) = (old.token("orders"), new.token("orders"));
    assert!(world.name_after_fetch(&old_token).await.is_ok());
    world.server.answer(set(&[&new]));
    assert_eq!(world.name(&new_token), Err(unknown("b")));
    // All who come while the keys are being fetched wait for the same fetch.
    let callers = (0..10).map(|_| world.name_after_fetch(&new_token));
    assert!(join_all(callers).await.into_iter().all(|name| name.is_ok()));
    assert_eq!(world.server.requests(), 2);
    // It was remembered with the keys that verified it, and they are the issuer's no more.
    assert_eq!(world.name(&old_token), Err(unknown("a")));
}

#[tokio::test]
async fn a_storm_of_unknown_keys_costs_one_fetch_a_minute() {
    let (signer, stranger) = (Signer::new("a"), Signer::new("s"));
    let world = World::start(set(&[&signer])).await;
    assert!(world.name_after_fetch(&signer.token("orders")).await.is_ok());
    let storm: Vec<_> =
        (0..1_000).map(|number| stranger.token_under(&format!("made-up-{number}"), "orders")).collect();
    let refused = join_all(storm.iter().map(|token| world.name_after_fetch(token))).await;
    for (number, refused) in refused.into_iter().enumerate() {
        assert_eq!(refused, Err(unknown(&format!("made-up-{number}"))));
    }
    assert_eq!(world.server.requests(), 2);
    // Within the minute nobody waits.
    for token in &storm {
        assert!(world.name_after_fetch(token).now_or_never().expect("no wait").is_err());
    }
    pass(Duration::from_secs(59)).await;
    assert!(world.name_after_fetch(&storm[0]).now_or_never().expect("no wait").is_err());
    assert_eq!(world.server.requests(), 2);
    pass(Duration::from_secs(2)).await;
    assert_eq!(world.name_after_fetch(&storm[0]).await, Err(unknown("made-up-0")));
    assert_eq!(world.server.requests(), 3);
    assert!(world.name(&signer.token("other")).is_ok(), "good callers see nothing of it");
}

#[tokio::test]
async fn keys_are_fetched_every_five_minutes_and_the_same_keys_stay_the_same() {
    let signer = Signer::new("a");
    let world = World::start(set(&[&signer])).await;
    let token = signer.token("orders");
    assert!(world.name_after_fetch(&token).await.is_ok());
    for fetches in 2..5 {
        pass(Duration::from_secs(300)).await;
        until(|| world.fetches("fetched") == fetches).await;
        assert_eq!(world.name(&token).unwrap(), "orders");
    }
    let other = Signer::new("b");
    world.server.answer(set(&[&other]));
    pass(Duration::from_secs(300)).await;
    until(|| world.name(&token) == Err(unknown("a"))).await;
    assert_eq!(world.name(&other.token("orders")).unwrap(), "orders");
}

#[tokio::test]
async fn nobody_waits_longer_than_five_seconds_for_a_slow_server() {
    let signer = Signer::new("a");
    let world = World::start(Answer::Never).await;
    let token = signer.token("orders");
    until(|| world.server.requests() == 1).await;
    {
        let mut waits = Box::pin(world.name_after_fetch(&token));
        assert!(waits.as_mut().now_or_never().is_none());
        pass(Duration::from_secs(4)).await;
        assert!(waits.as_mut().now_or_never().is_none());
        pass(Duration::from_secs(2)).await;
        let waited = waits.as_mut().now_or_never().expect("the wait has ended");
        assert_eq!(waited, Err(TokenProblem::NoKeys("corp".into())));
    }
    // The fetch itself ends as well, and the next one is answered.
    world.server.answer(set(&[&signer]));
    pass(Duration::from_secs(10)).await;
    until(|| world.fetches("unavailable") == 1).await;
    pass(Duration::from_secs(1)).await;
    until(|| world.name(&token).is_ok()).await;
}
