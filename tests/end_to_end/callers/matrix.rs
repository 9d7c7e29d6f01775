//! The permission matrix: each caller, app, provider and RPC.

use tonic::Code;

use super::*;
use crate::harness::{good, metric_sum};

const RPCS: [Rpc; 3] = [Rpc::SendPush, Rpc::SendPushes, Rpc::SendBatch];

#[tokio::test]
async fn what_a_caller_may_not_do_is_refused_and_everything_else_is_sent() {
    let app_id = |name: &str| AppId::parse(name).unwrap();
    let callers = [
        known("all").may(|may| may.apps = Listed::Everything),
        known("shop"),
        known("news").may(|may| may.apps = these([app_id(NEWS)])),
        known("fcm-alone").may(|may| may.providers = these(["fcm".to_owned()])),
        known("single").may(|may| may.rpcs = these([Rpc::SendPush])),
        known("streams").may(|may| may.rpcs = these([Rpc::SendBatch])),
        known("nothing").may(|may| may.apps = Listed::nothing()),
    ];
    let (keys, settings): (Vec<_>, Vec<_>) =
        callers.into_iter().map(|it| ((it.settings.name.clone(), it.key), it.settings)).unzip();
    let world = world(settings).await;
    for (name, key) in keys {
        let client = client(&world, &key).await;
        for (app, provider) in [(APP, "apns"), (APP, "fcm"), (NEWS, "apns")] {
            for rpc in RPCS {
                let push = if provider == "fcm" { to_registration_token() } else { push(&good(1)) };
                let sent = send(&client, rpc, proto::Push { app: app.to_owned(), ..push }).await;
                let may_call = match name.as_str() {
                    "single" => rpc == Rpc::SendPush,
                    "streams" => rpc == Rpc::SendBatch,
                    _ => true,
                };
                let may_send = match name.as_str() {
                    "all" => true,
                    "news" => app == NEWS,
                    "fcm-alone" => app == APP && provider == "fcm",
                    "nothing" => false,
                    _ => app == APP,
                };
                let case = format!("{name} {app} {provider} {rpc:?}: {sent:?}");
                match sent {
                    Err(status) => {
                        assert!(!may_call && status.code() == Code::PermissionDenied, "{case}");
                    }
                    Ok(result) => {
                        assert!(may_call && is_not_permitted(&result) != may_send, "{case}");
                        assert!(!may_send || result.outcome() == Outcome::Accepted, "{case}");
                    }
                }
            }
        }
    }
    let page = world.gateway.metrics().page();
    for line in [
        r#"fanfare_caller_refusals_total{caller="news",rule="apps"} 6"#,
        r#"fanfare_caller_refusals_total{caller="fcm-alone",rule="providers"} 3"#,
        r#"fanfare_caller_refusals_total{caller="single",rule="rpcs"} 6"#,
        r#"fanfare_caller_refusals_total{caller="all",rule="apps"} 0"#,
    ] {
        assert!(page.lines().any(|it| it == line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn who_shows_nothing_or_something_wrong_is_unknown() {
    let orders = known("orders");
    let world = world(vec![orders.settings]).await;
    let foreign = CallerKey::generate().unwrap();
    let channel = channel(&world.gateway).await;
    let shown = [
        None,
        Some(format!("Bearer {}", foreign.expose_secret())),
        Some(format!("Bearer {}0", orders.key)),
        Some(format!("Bearer {}", orders.key.to_uppercase())),
        Some(orders.key.clone()),
        Some(format!("Basic {}", orders.key)),
        Some("Bearer ".to_owned()),
        Some("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJvcmRlcnMifQ.".to_owned()),
        Some("Bearer not.a.token".to_owned()),
    ];
    for shown in shown {
        let refused = match &shown {
            None => world.call(push(&good(1))).await.unwrap_err(),
            Some(header) => {
                let client = PushServiceClient::with_interceptor(channel.clone(), Bearer(header.clone()));
                send(&client, Rpc::SendPush, push(&good(1))).await.unwrap_err()
            }
        };
        assert_eq!(refused.code(), Code::Unauthenticated, "{shown:?}: {refused:?}");
        assert!(refused.message().contains("nothing was sent"), "{refused:?}");
        let secret = shown.as_deref().and_then(|it| it.split_once(' ')).map_or("", |(_, it)| it);
        assert!(secret.is_empty() || !refused.message().contains(secret), "{refused:?}");
    }
    assert_eq!(metric_sum(&world, "fanfare_attempts_total{", ""), 0.0);
}

#[tokio::test]
async fn an_anonymous_caller_has_a_rule_of_its_own() {
    let mut anonymous = known("local");
    anonymous.settings.keys.clear();
    anonymous.settings.anonymous = true;
    let world = world(vec![anonymous.settings, known("orders").settings]).await;
    assert_eq!(world.send(push(&good(1))).await.outcome(), Outcome::Accepted);
    let other = proto::Push { app: NEWS.to_owned(), ..push(&good(1)) };
    assert!(is_not_permitted(&world.send(other).await));
    // What is shown and wrong is refused, though nothing at all would do.
    let client = client(&world, CallerKey::generate().unwrap().expose_secret()).await;
    let refused = send(&client, Rpc::SendPush, push(&good(1))).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}
