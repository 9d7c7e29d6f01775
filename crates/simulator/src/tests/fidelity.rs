//! What real clients rely on beyond what the pages of the services say.

use serde_json::Value;

use super::client::{Client, GOOD, PATIENCE, tls_to};
use super::http1::{get, plain};
use crate::{Environment, LimitRises, Simulator};

#[tokio::test]
async fn an_apns_id_comes_back_as_it_was_sent_whatever_becomes_of_the_push() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    for (id, status) in [
        ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", 200),
        ("6F9619FF-8B86-D011-B42D-00CF4FC964FF", 400),
        ("order-17", 400),
    ] {
        let mut request = client.request(GOOD);
        request.headers_mut().insert("apns-id", id.parse().unwrap());
        let reply = client.push_request(request, "{}").await.unwrap();
        assert_eq!((reply.status.as_u16(), reply.headers["apns-id"].to_str().unwrap()), (status, id));
    }
    let uuid = uuid::Uuid::try_parse("6f9619ff-8b86-d011-b42d-00cf4fc964ff").unwrap();
    assert_eq!(simulator.journal().by_apns_id(uuid).len(), 2, "in capitals it is the same id");
}

#[tokio::test]
async fn an_id_that_is_made_is_in_capitals_and_the_unique_one_is_not() {
    let simulator = Simulator::builder().start().await.unwrap();
    let token = simulator.provider_key().sign(simulator.clock().now_s()).unwrap();
    let tls = tls_to(&simulator, Environment::Sandbox, None).await.unwrap();
    let mut client = Client::over(tls, Some(token)).await;
    let reply = client.push(GOOD).await.unwrap();
    let id = |name: &str| reply.headers[name].to_str().unwrap().to_owned();
    assert_eq!(id("apns-id"), id("apns-id").to_uppercase());
    assert_eq!(id("apns-unique-id"), id("apns-unique-id").to_lowercase());
    assert!(uuid::Uuid::try_parse(&id("apns-id")).is_ok());
}

#[tokio::test]
async fn the_limit_may_rise_before_the_first_answer() {
    let simulator = Simulator::builder().limit_rises(LimitRises::BeforeAnswer).start().await.unwrap();
    let mut client = Client::connect(&simulator).await;
    let unanswered = client.start("deaf").await;
    let risen = |s: &Simulator| s.open_connections().iter().any(|open| open.acknowledged_limit == Some(1000));
    simulator.wait_until(PATIENCE, risen).await.unwrap();
    assert_eq!(client.push(GOOD).await.unwrap().status, 200, "a second stream beside the first");
    drop(unanswered);
}

#[tokio::test]
async fn the_metadata_server_answers_what_google_auth_library_asks() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut line = plain(simulator.fcm().metadata_address).await;
    let root = "/computeMetadata/v1";
    let mut ask = async |path: &str| {
        let reply = get(&mut line, &format!("{root}{path}"), "Metadata-Flavor: Google\r\n").await;
        assert_eq!(reply.headers["metadata-flavor"], "Google", "{path}");
        (reply.status.as_u16(), String::from_utf8(reply.body.to_vec()).unwrap())
    };
    let machine = "machine@demo-project.iam.gserviceaccount.com";
    for (path, said) in [
        ("/instance", "service-accounts/\n"),
        ("/instance/", "service-accounts/\n"),
        ("/instance/service-accounts", "default/\n"),
        ("/instance/service-accounts/?recursive=true", machine),
        ("/instance/service-accounts/default/", "email\n"),
        ("/instance/service-accounts/default/email", machine),
        ("/instance/service-accounts/default/scopes", "https://www.googleapis.com/auth/cloud-platform\n"),
        ("/instance/service-accounts/default/token", "\"token_type\":\"Bearer\""),
        ("/instance/zone", "projects/100000000001/zones/us-central1-a"),
        ("/project/project-id", "demo-project"),
        ("/project/numeric-project-id", "100000000001"),
        ("/universe/universe-domain", "googleapis.com"),
        ("/universe/universe-domain?alt=json", "\"googleapis.com\""),
    ] {
        let (status, body) = ask(path).await;
        assert!(status == 200 && body.contains(said), "{path}: {status} {body}");
    }
    let (_, all) = ask("/instance/service-accounts/?recursive=true").await;
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all["default"]["email"], machine);

    let (status, token) =
        ask("/instance/service-accounts/default/identity?audience=https://a.test&format=full").await;
    let claims = token.split('.').nth(1).and_then(crate::jwt::json::<Value>).unwrap();
    assert_eq!((status, &claims["aud"], &claims["email"]), (200, &"https://a.test".into(), &machine.into()));
    assert_eq!(ask("/instance/service-accounts/default/identity").await.0, 400);
    for path in ["/nowhere", "/instance/service-accounts/nobody/token", "/instance/zone/deeper"] {
        assert_eq!(ask(path).await.0, 404, "{path}");
    }
}
