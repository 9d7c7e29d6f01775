//! Whom the token endpoint and the metadata server give tokens.

use std::time::Duration;

use serde_json::{Value, json};

use super::google::{PROJECT, SCOPE, Sender, ask, ask_with_jwt, claims, connect, sign};
use super::http1::{get, plain};
use crate::{Fault, FaultRule, ScriptedAnswer, ServiceAccount, Simulator, Trigger};

type Change = fn(&mut Value, u64);

#[tokio::test]
async fn assertions_are_judged_as_google_judges_them() {
    let simulator = Simulator::builder().start().await.unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let mut client = connect(&simulator).await;
    let short = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. \
                 Check your iat and exp values in the JWT claim.";
    let rows: [(Change, &str, &str); 8] = [
        (
            |claims, _| claims["iss"] = "nobody@example.com".into(),
            "invalid_grant",
            "Invalid grant: account not found",
        ),
        (
            |claims, _| claims["aud"] = "https://example.com".into(),
            "invalid_grant",
            "Invalid JWT: Failed audience check.",
        ),
        (|claims, now| claims["exp"] = (now + 3601).into(), "invalid_grant", short),
        (|claims, now| claims["exp"] = (now - 1).into(), "invalid_grant", short),
        (
            |claims, now| {
                claims["iat"] = (now - 7200).into();
                claims["exp"] = (now - 3600).into();
            },
            "invalid_grant",
            short,
        ),
        (
            |claims, now| {
                claims["iat"] = (now + 7200).into();
                claims["exp"] = (now + 9000).into();
            },
            "invalid_grant",
            short,
        ),
        (
            |claims, _| claims["scope"] = "".into(),
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ),
        (
            |claims, _| claims["scope"] = "mail".into(),
            "invalid_scope",
            "Invalid OAuth scope or ID token audience provided.",
        ),
    ];
    for (change, error, description) in rows {
        let mut claims = claims(&simulator, &account);
        change(&mut claims, simulator.clock().now_s());
        let reply = ask_with_jwt(&mut client, &sign(&account, &claims)).await;
        assert_eq!(reply.status, 400, "{claims}");
        assert_eq!(reply.json(), json!({ "error": error, "error_description": description }), "{claims}");
    }
    assert_eq!(simulator.counters().access_tokens_issued, 0);

    // The assertion has a few minutes of skew, and the audience that Google's own libraries write.
    let mut skewed = claims(&simulator, &account);
    skewed["iat"] = (simulator.clock().now_s() + 200).into();
    skewed["aud"] = "https://oauth2.googleapis.com/token".into();
    let reply = ask_with_jwt(&mut client, &sign(&account, &skewed)).await;
    assert_eq!(reply.status, 200);
    assert_eq!((&reply.json()["token_type"], &reply.json()["expires_in"]), (&"Bearer".into(), &3599.into()));
    assert_eq!(simulator.counters().access_tokens_issued, 1);
}

#[tokio::test]
async fn another_key_a_broken_signature_and_garbage_are_refused() {
    let simulator = Simulator::builder().start().await.unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let other = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let mut client = connect(&simulator).await;
    let good = claims(&simulator, &account);
    let stolen = ServiceAccount { private_key_pem: other.private_key_pem, ..account.clone() };
    let renamed = ServiceAccount { private_key_id: "other".to_owned(), ..account.clone() };
    for jwt in [sign(&stolen, &good), sign(&renamed, &good)] {
        let reply = ask_with_jwt(&mut client, &jwt).await;
        assert_eq!(reply.json()["error_description"], "Invalid JWT Signature.");
    }
    for garbage in ["", "a.b.c", "a"] {
        assert_eq!(ask_with_jwt(&mut client, garbage).await.json()["error"], "invalid_grant", "{garbage}");
    }
    assert_eq!(
        ask(&mut client, &[("grant_type", "password")]).await.json()["error"],
        "unsupported_grant_type"
    );
    assert_eq!(ask(&mut client, &[]).await.json()["error"], "invalid_request");
    simulator.fcm().disable_service_account(&account.client_email);
    let disabled = ask_with_jwt(&mut client, &sign(&account, &good)).await;
    assert_eq!((disabled.status.as_u16(), &disabled.json()["error"]), (401, &"disabled_client".into()));
}

#[tokio::test]
async fn a_user_refreshes_until_the_consent_ends() {
    let simulator = Simulator::builder().start().await.unwrap();
    let user = simulator.fcm().add_user(&[PROJECT]);
    let mut client = connect(&simulator).await;
    let mut refresh = async |secret: &str, id: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", id),
            ("client_secret", secret),
            ("refresh_token", &user.refresh_token),
        ];
        ask(&mut client, &fields).await
    };
    let granted = refresh(&user.client_secret, &user.client_id).await;
    assert_eq!(granted.status, 200);
    assert!(granted.json()["access_token"].as_str().unwrap().starts_with("ya29."));
    let wrong = refresh("wrong", &user.client_id).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["error"]), (401, &"invalid_client".into()));
    assert_eq!(refresh(&user.client_secret, "nobody").await.json()["error"], "invalid_client");
    simulator.fcm().revoke_refresh_token(&user.refresh_token);
    let revoked = refresh(&user.client_secret, &user.client_id).await;
    assert_eq!((revoked.status.as_u16(), &revoked.json()["error"]), (400, &"invalid_grant".into()));
}

#[tokio::test]
async fn a_token_without_the_scope_may_not_send() {
    let simulator = Simulator::builder().start().await.unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let mut client = connect(&simulator).await;
    let mut claims = claims(&simulator, &account);
    claims["scope"] = "https://www.googleapis.com/auth/devstorage.read_only".into();
    let reply = ask_with_jwt(&mut client, &sign(&account, &claims)).await;
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    let reply = Sender { client, token }.send_to("ok:1").await;
    assert_eq!(reply.status, 403);
    assert!(SCOPE.ends_with("firebase.messaging"));
}

#[tokio::test]
async fn the_endpoint_fails_as_it_is_told_to() {
    let simulator = Simulator::builder().start().await.unwrap();
    let at_token = |fault| FaultRule::once(Trigger::PathPrefix("/token".to_owned()), fault);
    simulator.add_fault(at_token(Fault::Answer(ScriptedAnswer { status: 503, ..ScriptedAnswer::default() })));
    simulator.add_fault(at_token(Fault::Answer(ScriptedAnswer::refusal(400, "invalid_grant"))));
    simulator.add_fault(at_token(Fault::Delay(Duration::from_millis(20))));
    let mut client = connect(&simulator).await;
    assert_eq!(ask(&mut client, &[]).await.status, 503);
    let refused = ask(&mut client, &[]).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["error"]), (400, &"invalid_grant".into()));
    assert_eq!(ask(&mut client, &[]).await.json()["error"], "invalid_request", "the true answer, later");
}

#[tokio::test]
async fn the_metadata_server_wants_its_header() {
    let simulator = Simulator::builder().start().await.unwrap();
    let address: std::net::SocketAddr =
        simulator.fcm().metadata_origin().strip_prefix("http://").unwrap().parse().unwrap();
    let path = "/computeMetadata/v1/instance/service-accounts/default/token";
    let mut line = plain(address).await;
    let bare = get(&mut line, path, "").await;
    assert_eq!(bare.status, 403);
    let reply = get(&mut line, path, "Metadata-Flavor: Google\r\n").await;
    assert_eq!((reply.status.as_u16(), &reply.headers["metadata-flavor"]), (200, &"Google".parse().unwrap()));
    let token = reply.json()["access_token"].as_str().unwrap().to_owned();
    let client = connect(&simulator).await;
    assert_eq!(Sender { client, token }.send_to("ok:1").await.status, 200, "it is good at FCM");
    let project =
        get(&mut line, "/computeMetadata/v1/project/project-id", "Metadata-Flavor: Google\r\n").await;
    assert_eq!(project.body, PROJECT);
}
