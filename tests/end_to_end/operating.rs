//! What operators ask the gateway for: health, readiness, metrics and reflection.

use fanfare::proto::Outcome;
use fanfare::proto::push_service_server::SERVICE_NAME;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, server_reflection_client::ServerReflectionClient};

use crate::harness::{World, channel, good, http_get, push};

/// Sends a GET to the admin listener. Returns head and body.
async fn get(world: &World, path: &str) -> (String, String) {
    let answer = http_get(world.gateway.admin_address(), path).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn the_admin_listener_tells_health_readiness_and_every_metric() {
    let world = World::start().await;
    world.send(push(&good(1))).await;
    world.send(push(&format!("dead{:060x}", 1))).await;
    assert!(get(&world, "/healthz").await.0.starts_with("HTTP/1.1 200"));
    assert_eq!(get(&world, "/readyz").await.1, "ready\n");
    let (head, page) = get(&world, "/metrics").await;
    assert!(head.contains("openmetrics-text"), "{head}");
    for line in [
        r#"fanfare_pushes_total{app="shop",provider="apns",outcome="accepted"} 1"#,
        r#"fanfare_pushes_total{app="shop",provider="apns",outcome="unregistered"} 1"#,
        r#"fanfare_attempts_total{app="shop",provider="apns"} 2"#,
        r#"fanfare_push_duration_seconds_count{app="shop",provider="apns"} 2"#,
        r#"fanfare_token_actions_total{app="shop",provider="apns",action="delete"} 1"#,
        r#"fanfare_attempt_duration_seconds_count{app="shop",provider="apns"} 2"#,
        r#"fanfare_upstream_answers_total{app="shop",provider="apns",status="200",reason="none"} 1"#,
        r#"fanfare_upstream_answers_total{app="shop",provider="apns",status="410",reason="Unregistered"} 1"#,
        r#"fanfare_upstream_answers_total{app="shop",provider="apns",status="403",reason="InvalidProviderToken"} 0"#,
        r#"fanfare_token_quarantine{app="shop",provider="apns"} 0"#,
        r#"fanfare_grpc_calls_refused_total{rpc="SendPush",code="ABORTED"} 0"#,
        "fanfare_pushes_in_flight 0",
        "fanfare_held_bytes 0",
    ] {
        assert!(page.lines().any(|it| it == line), "{line}\n{page}");
    }
    for name in ["upstream_connections{", "upstream_connections_opened_total{", "upstream_streams_allowed{"] {
        assert!(page.contains(&format!("fanfare_{name}")), "{name}\n{page}");
    }
    assert!(page.contains(r#"state="open"} 1"#), "{page}");
    let number = |name: &str| {
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("{name}\n{page}")).parse::<f64>().unwrap()
    };
    assert!(number("process_cpu_seconds_total") > 0.0 && number("process_resident_memory_bytes") > 1e6);
    assert!(number("process_open_fds") > 2.0 && number("process_open_fds") <= number("process_max_fds"));
    let since_start =
        std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() - number("process_start_time_seconds");
    assert!((-2.0..86_400.0).contains(&since_start), "{since_start}");
    assert!(number("fanfare_pushes_in_flight_limit") > 0.0 && number("fanfare_held_limit_bytes") > 0.0);
    assert!(page.ends_with("# EOF\n"));
}

#[tokio::test]
async fn grpc_health_serves_both_names() {
    let world = World::start().await;
    let mut health = HealthClient::new(channel(&world.gateway).await);
    for service in ["", SERVICE_NAME] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
}

#[tokio::test]
async fn reflection_lists_the_service_and_its_details() {
    let world = World::start().await;
    let mut reflection = ServerReflectionClient::new(channel(&world.gateway).await);
    let ask = |ask| ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let requests = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(SERVICE_NAME.to_owned())),
        ask(MessageRequest::FileContainingSymbol("google.rpc.BadRequest".to_owned())),
    ]);
    let mut answers = reflection.server_reflection_info(requests).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list")
    };
    assert!(list.service.iter().any(|service| service.name == SERVICE_NAME));
    for _ in 0..2 {
        let answer = answers.message().await.unwrap().unwrap().message_response.unwrap();
        assert!(matches!(answer, MessageResponse::FileDescriptorResponse(_)), "{answer:?}");
    }
}

#[tokio::test]
async fn wait_times_are_counted_for_those_that_had_to_wait() {
    let world = World::with(|builder| builder.max_concurrent_streams(5), |_| {}).await;
    let results = world.send_all((0..200).map(good)).await;
    assert!(results.iter().all(|result| result.outcome() == Outcome::Accepted));
    let waited = crate::harness::metric_sum(&world, "fanfare_upstream_wait_seconds_count{", "");
    assert!(waited > 0.0 && waited <= 200.0, "{waited}");
}
