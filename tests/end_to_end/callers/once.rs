//! Pushes that are not to be sent twice, of several callers.

use std::num::NonZeroU32;

use tonic::Code;

use super::*;
use crate::harness::good;

fn once(token: &str) -> proto::Push {
    let options = proto::Options { once: true, ..proto::Options::default() };
    proto::Push { id: "order-17".to_owned(), options: Some(options), ..push(token) }
}

#[tokio::test]
async fn an_id_is_its_callers_and_its_apps_own() {
    let both = |name| known(name).may(|may| may.apps = Listed::Everything);
    let (one, other) = (both("one"), both("other"));
    let world = world(vec![one.settings, other.settings]).await;
    let (one, other) = (client(&world, &one.key).await, client(&world, &other.key).await);
    for (caller, token) in [(&one, good(1)), (&other, good(2))] {
        for app in [APP, NEWS] {
            for of_first in [false, true] {
                let push = proto::Push { app: app.to_owned(), ..once(&token) };
                let result = send(caller, Rpc::SendPush, push).await.unwrap();
                assert_eq!((result.outcome(), result.of_first), (Outcome::Accepted, of_first), "{result:?}");
            }
        }
    }
    let arrived = |number| world.simulator.journal().by_device_token(&good(number)).len();
    assert_eq!((arrived(1), arrived(2)), (2, 2));
}

#[tokio::test]
async fn what_is_not_permitted_learns_nothing_and_each_takes_its_turn_of_the_rate() {
    let burst = NonZeroU32::new(3).unwrap();
    let mut caller = known("shop");
    caller.settings.permissions = caller.settings.permissions.at_most(NonZeroU32::MIN, burst);
    let world = world(vec![caller.settings]).await;
    let caller = client(&world, &caller.key).await;
    let mut over = None;
    for _ in 0..20 {
        match send(&caller, Rpc::SendPush, once(&good(1))).await {
            Ok(result) => assert_eq!(result.outcome(), Outcome::Accepted),
            Err(status) => over = over.or(Some(status.code())),
        }
        let other_app = proto::Push { app: NEWS.to_owned(), ..once(&good(1)) };
        let refused = send(&caller, Rpc::SendPush, other_app).await.unwrap();
        assert!(is_not_permitted(&refused) && !refused.of_first);
    }
    assert_eq!(over, Some(Code::ResourceExhausted));
    assert_eq!(world.simulator.journal().by_device_token(&good(1)).len(), 1);
}
