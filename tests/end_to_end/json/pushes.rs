//! `POST /v1/pushes`.

use fanfare::caller::{CallerKey, CallerSettings, Listed, Permissions, Rpc};
use fanfare::proto;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{JSON, answer, post, push, world};
use crate::harness::{self, APP, World, good};

#[tokio::test]
async fn one_push_gets_its_result() {
    let world = world(|_| {}).await;
    let mut push = push(&good(1));
    push["id"] = json!("order-1");
    push["options"] = json!({"priority": "PRIORITY_HIGH", "ttl": "3600.5s", "collapseKey": "order"});
    push["labels"] = json!({"campaign": "autumn"});
    let (status, result) = post(&world, &push).await;
    assert_eq!(status, StatusCode::OK, "{result}");
    let upstream_id = result["upstreamId"].as_str().unwrap();
    assert_eq!(
        result,
        json!({
            "id": "order-1",
            "outcome": "OUTCOME_ACCEPTED",
            "delivery": "DELIVERY_ACCEPTED",
            "tokenAction": "TOKEN_ACTION_KEEP",
            "provider": "PROVIDER_APNS",
            "upstreamStatus": 200,
            "upstreamId": upstream_id,
            "attempts": 1,
            "labels": {"campaign": "autumn"},
        })
    );
    let arrived = world.simulator.journal().entries();
    assert_eq!(arrived.len(), 1);
}

#[tokio::test]
async fn several_get_their_results_in_the_order_written() {
    let world = world(|_| {}).await;
    let mut others = push(&good(2));
    others.as_object_mut().unwrap().remove("target");
    others["addressees"] = json!([
        {"id": "c", "target": {"apns": {"token": good(3)}}},
        {"id": "d", "target": {"apns": {"token": "not hexadecimal"}}},
    ]);
    let mut typo = push(&good(1));
    typo["id"] = json!("b");
    typo["options"] = json!({"priorty": "PRIORITY_HIGH"});
    let mut first = push(&good(0));
    first["id"] = json!("a");
    first.as_object_mut().unwrap().remove("app");
    let body = json!({"app": APP, "pushes": [first, typo, 7], "multicasts": [others]});
    let (status, said) = post(&world, &body).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let results = said["results"].as_array().unwrap();
    let seen: Vec<_> = results
        .iter()
        .map(|result| {
            let text = |name: &str| result[name].as_str().unwrap_or_default();
            (text("index"), text("id"), text("outcome"), text("reason"), text("field"))
        })
        .collect();
    let made = seen[2].1;
    assert_eq!(
        seen,
        [
            ("", "a", "OUTCOME_ACCEPTED", "", ""),
            ("1", "b", "OUTCOME_INVALID_PUSH", "REASON_FIELD_INVALID", "options.priorty"),
            ("2", made, "OUTCOME_INVALID_PUSH", "REASON_FIELD_INVALID", ""),
            ("3", "c", "OUTCOME_ACCEPTED", "", ""),
            ("4", "d", "OUTCOME_INVALID_TOKEN", "REASON_FIELD_INVALID", "target.apns.token"),
        ]
    );
    let detail = results[1]["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("options.priorty: there is no such member (did you mean `priority`?)"),
        "{detail}"
    );
    let detail = results[2]["detail"].as_str().unwrap();
    assert!(detail.ends_with("expected an object, found a number"), "{detail}");
}

/// Sends the same push by both protocols, and returns what each says.
async fn by_both(world: &World, message: proto::Push, json: Value) -> (proto::PushResult, Value) {
    let said = world.send(message).await;
    let (status, result) = post(world, &json).await;
    assert_eq!(status, StatusCode::OK, "{result}");
    (said, result)
}

#[tokio::test]
async fn what_is_wrong_with_a_push_is_what_grpc_says_of_it() {
    let world = world(|_| {}).await;
    let mut two = harness::push(&good(1));
    two.target.as_mut().unwrap().mattermost = Some(Box::default());
    let mut two_as_json = push(&good(1));
    two_as_json["target"]["mattermost"] = json!({});
    let nowhere = proto::Push { target: None, ..harness::push(&good(1)) };
    let mut nowhere_as_json = push(&good(1));
    nowhere_as_json.as_object_mut().unwrap().remove("target");
    let mut elsewhere = push(&good(1));
    elsewhere["app"] = json!("other");
    let of_other = proto::Push { app: "other".to_owned(), ..harness::push(&good(1)) };
    for (message, json) in [(two, two_as_json), (nowhere, nowhere_as_json), (of_other, elsewhere)] {
        let (said, result) = by_both(&world, message, json).await;
        assert_eq!(result["outcome"], said.outcome().as_str_name());
        assert_eq!(result["reason"], said.reason().as_str_name());
        assert_eq!(result["field"], said.field);
        assert_eq!(result["detail"], said.detail);
    }
}

fn caller(name: &str, key: &CallerKey, permissions: Permissions) -> CallerSettings {
    CallerSettings {
        name: name.to_owned(),
        permissions,
        keys: vec![key.digest()],
        certificate: None,
        token: None,
        anonymous: false,
    }
}

async fn as_caller(gateway: &World, key: &CallerKey) -> (StatusCode, http::HeaderMap, Value) {
    let bearer = format!("Bearer {}", key.expose_secret());
    let fields = [("content-type", JSON), ("authorization", bearer.as_str())];
    answer(gateway, "/v1/pushes", &fields, push(&good(1)).to_string()).await
}

#[tokio::test]
async fn callers_and_their_permissions_are_those_of_grpc() {
    let [stranger, of_batches, of_one_push] = [(); 3].map(|()| CallerKey::generate().unwrap());
    let everything = Permissions::everything;
    let batches = Permissions { rpcs: Listed::These([Rpc::SendBatch].into()), ..everything() };
    let once = std::num::NonZeroU32::MIN;
    let one = everything().at_most(once, once);
    let world = world(|config| {
        config.callers = vec![caller("batches", &of_batches, batches), caller("one", &of_one_push, one)];
    })
    .await;
    let (status, fields, said) = as_caller(&world, &stranger).await;
    assert_eq!((status, &said["reason"]), (StatusCode::UNAUTHORIZED, &json!("CALLER_UNKNOWN")), "{said}");
    assert!(fields.contains_key("www-authenticate"));
    assert_eq!(fields["content-type"], "application/problem+json");
    let (status, _, said) = as_caller(&world, &of_batches).await;
    assert_eq!((status, &said["reason"]), (StatusCode::FORBIDDEN, &json!("NOT_PERMITTED")), "{said}");
    assert_eq!(as_caller(&world, &of_one_push).await.0, StatusCode::OK);
    let (status, fields, said) = as_caller(&world, &of_one_push).await;
    assert_eq!(
        (status, &said["reason"]),
        (StatusCode::TOO_MANY_REQUESTS, &json!("CALLER_OVER_RATE")),
        "{said}"
    );
    assert_eq!(fields["retry-after"], "1");
    assert!(said["retryAfter"].as_str().unwrap().ends_with('s'));
}
