//! Paths, methods and bodies, as they look from outside.

use super::*;

#[tokio::test]
async fn only_the_path_of_the_specification_is_served() {
    let world = world(|_, _| {}).await;
    for (method, path, status, errcode, allow) in [
        ("GET", "/_matrix/push/v1/other", 404, "M_UNRECOGNIZED", None),
        ("POST", "/_matrix/push/v1/notify/", 404, "M_UNRECOGNIZED", None),
        ("POST", "/", 404, "M_UNRECOGNIZED", None),
        ("PUT", NOTIFY, 405, "M_UNRECOGNIZED", Some("allow: get, post")),
        ("DELETE", NOTIFY, 405, "M_UNRECOGNIZED", Some("allow: get, post")),
        ("POST", "/health", 405, "M_UNRECOGNIZED", Some("allow: get, head")),
    ] {
        let told = call(&world, method, path, "").await;
        assert_eq!((told.status, told.body["errcode"].as_str()), (status, Some(errcode)), "{method} {path}");
        assert_eq!(allow.is_some(), told.head.contains("allow:"), "{told:?}");
        assert!(allow.is_none_or(|allow| told.head.contains(allow)), "{told:?}");
        assert!(told.head.contains("content-type: application/json"), "{told:?}");
    }
    let discovered = call(&world, "GET", NOTIFY, "").await;
    assert_eq!((discovered.status, &discovered.body), (200, &json!({"unifiedpush": {"gateway": "matrix"}})));
    assert_eq!(call(&world, "GET", "/health", "").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_understood_is_an_error_of_matrix() {
    let world = world(|_, _| {}).await;
    for (body, errcode) in [
        ("", "M_NOT_JSON"),
        ("{", "M_NOT_JSON"),
        ("{}", "M_MISSING_PARAM"),
        (r#"{"notification":{"devices":5}}"#, "M_BAD_JSON"),
    ] {
        let told = call(&world, "POST", NOTIFY, body).await;
        assert_eq!((told.status, told.body["errcode"].as_str()), (400, Some(errcode)), "{body}: {told:?}");
        assert!(told.body["error"].as_str().is_some_and(|error| !error.is_empty()));
    }
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let told = call(&world, "POST", NOTIFY, &large).await;
    assert_eq!((told.status, told.body["errcode"].as_str()), (413, Some("M_TOO_LARGE")));
}

#[tokio::test]
async fn every_recorded_request_of_synapse_is_answered_well() {
    let recorded = std::fs::read_to_string("tests/data/synapse-1.163.2.jsonl").unwrap();
    let world = World::with(
        |builder| builder,
        |config| {
            let mut http = listener(app(apns()));
            http.matrix.as_mut().unwrap().apps.add("*", app(apns())).unwrap();
            config.http.push(http);
        },
    )
    .await;
    for (number, line) in recorded.lines().enumerate() {
        // The recording has made-up pushkeys, each of which becomes a device of its own.
        let mut request: Value = serde_json::from_str(line).unwrap();
        request["notification"]["devices"][0]["pushkey"] = pushkey(number).into();
        assert_eq!(rejected(&notify(&world, &request).await), [""; 0], "{line}");
        assert_eq!(arrived(&world, &good(number)), 1, "{line}");
    }
}
