//! Metadata that is too large ends its own call, and none of the others on its connection.

use std::time::Duration;

use fanfare::proto::{Outcome, SendPushRequest};
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::{World, good, metric, push, until};

const CALLS: usize = 100;

/// Makes a call with so many bytes of metadata while others are in flight on its connection, which all get their verdict.
async fn with_metadata(bytes: usize) -> tonic::Status {
    let world = World::start().await;
    world.send(push(&good(0))).await;
    world.simulator.set_answer_latency(Duration::from_secs(1));
    let calls = (1..=CALLS).map(|number| {
        let mut client = world.client.clone();
        let request = SendPushRequest { push: Some(Box::new(push(&good(number)))) };
        tokio::spawn(async move { client.send_push(request).await })
    });
    let calls: Vec<_> = calls.collect();
    until(|| metric(&world.gateway, "fanfare_pushes_in_flight ") == CALLS as f64).await;
    let mut request = tonic::Request::new(SendPushRequest { push: Some(Box::new(push(&good(9999)))) });
    for field in 0..8 {
        let name = tonic::metadata::MetadataKey::from_bytes(format!("x-{field}").as_bytes()).unwrap();
        request.metadata_mut().insert(name, "x".repeat(bytes / 8).parse().unwrap());
    }
    let refused = world.client.clone().send_push(request).await.unwrap_err();
    for call in calls {
        let result = call.await.unwrap().unwrap().into_inner().result.unwrap();
        assert_eq!(result.outcome(), Outcome::Accepted);
    }
    assert_eq!(world.simulator.journal().arrived(), 1 + CALLS as u64, "nothing was sent for the call");
    assert_eq!(metric(&world.gateway, "fanfare_listener_connections{listener=\"grpc\"} "), 1.0);
    refused
}

#[tokio::test]
async fn metadata_above_the_limit_is_refused_with_a_status_of_its_own() {
    let refused = with_metadata(64 * 1024).await;
    assert_eq!(refused.code(), Code::InvalidArgument);
    let details = refused.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "FIELD_TOO_LARGE");
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "metadata");
    assert!(violation.description.starts_with("expected at most 16384 bytes, found 6"), "{refused:?}");
}

#[tokio::test]
async fn metadata_that_http2_refuses_fails_its_call_alone() {
    with_metadata(300 * 1024).await;
}
