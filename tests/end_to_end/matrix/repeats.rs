//! Homeservers repeat a request that was not answered well. What was delivered is not delivered again.

use fanfare_simulator::ApnsScriptedOutcome;

use super::*;

#[tokio::test]
async fn the_same_event_twice_is_delivered_once_and_two_badges_are_two() {
    let world = world(|_, _| {}).await;
    let request = event("$one", &[device(&pushkey(1))]);
    for _ in 0..3 {
        assert_eq!(rejected(&notify(&world, &request).await), [""; 0]);
    }
    // A homeserver counts anew before it repeats.
    let mut counted = request;
    counted["notification"]["counts"]["unread"] = 7.into();
    assert_eq!(rejected(&notify(&world, &counted).await), [""; 0]);
    assert_eq!(arrived(&world, &good(1)), 1);
    // Another event, and the same event to another device.
    notify(&world, &event("$two", &[device(&pushkey(1))])).await;
    notify(&world, &event("$one", &[device(&pushkey(2))])).await;
    assert_eq!((arrived(&world, &good(1)), arrived(&world, &good(2))), (2, 1));
    let badge =
        json!({"notification": {"counts": {"unread": 0}, "devices": [device(&pushkey(3))], "id": ""}});
    for _ in 0..2 {
        assert_eq!(rejected(&notify(&world, &badge).await), [""; 0]);
    }
    assert_eq!(arrived(&world, &good(3)), 2);
}

#[tokio::test]
async fn a_failure_is_forgotten_so_that_the_repeat_goes_out_and_nobody_else_is_told_twice() {
    let world = world(|_, _| {}).await;
    let busy = ApnsScriptedOutcome::refusal(429, "TooManyRequests");
    world.simulator.script_outcome(&good(2), busy);
    let request = event("$one", &[device(&pushkey(1)), device(&pushkey(2)), device(&gone(3))]);
    let told = notify(&world, &request).await;
    assert_eq!((told.status, told.body["errcode"].as_str()), (502, Some("M_UNKNOWN")));
    assert_eq!((arrived(&world, &good(1)), arrived(&world, &good(2))), (1, 1));
    world.simulator.script_outcome(&good(2), ApnsScriptedOutcome::Good);
    assert_eq!(rejected(&notify(&world, &request).await), [gone(3)]);
    assert_eq!((arrived(&world, &good(1)), arrived(&world, &good(2))), (1, 2));
    assert_eq!(rejected(&notify(&world, &request).await), [gone(3)]);
    assert_eq!((arrived(&world, &good(1)), arrived(&world, &good(2))), (1, 2));
}

#[tokio::test]
async fn a_push_service_that_holds_its_answer_keeps_no_homeserver_waiting_and_nothing_is_doubled() {
    let world = world(|settings, _| settings.max_wait = SHORT).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    let request = event("$one", &[device(&pushkey(1))]);
    for _ in 0..2 {
        // Nobody knows whether it was delivered, so it is not to be sent again.
        assert_eq!(rejected(&notify(&world, &request).await), [""; 0]);
    }
    assert_eq!(arrived(&world, &good(1)), 1);
}

#[tokio::test]
async fn a_homeserver_that_left_and_comes_again_does_not_double_what_is_in_flight() {
    let world = world(|_, _| {}).await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Slow(SHORT));
    let request = event("$one", &[device(&pushkey(1))]);
    let text = request.to_string();
    let head = format!("POST {NOTIFY} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n", text.len());
    let mut stream = TcpStream::connect(world.gateway.http_addresses()[0]).await.unwrap();
    stream.write_all(format!("{head}{text}").as_bytes()).await.unwrap();
    world.simulator.journal().wait_for_read(1, SOON).await.unwrap();
    drop(stream);
    assert_eq!(rejected(&notify(&world, &request).await), [""; 0]);
    assert_eq!(arrived(&world, &good(1)), 1);
}

#[tokio::test]
async fn what_could_not_be_sent_is_to_be_repeated_and_then_goes_out() {
    let world = world(|settings, _| settings.max_wait = SHORT).await;
    world.simulator.stop_listening(fanfare_simulator::Environment::Production).await;
    let told = notify(&world, &event("$one", &[device(&pushkey(1))])).await;
    assert!([502, 503].contains(&told.status), "{told:?}");
    world.simulator.resume_listening(fanfare_simulator::Environment::Production).await.unwrap();
    let again = async { while notify(&world, &event("$one", &[device(&pushkey(1))])).await.status != 200 {} };
    timeout(SOON, again).await.expect("the repeat goes out at last");
    assert_eq!(arrived(&world, &good(1)), 1);
}
