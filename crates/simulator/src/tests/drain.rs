//! A simulator that ends answers what is under way, and tells every client.

use std::time::Duration;

use super::client::{Client, GOOD, PATIENCE, finish, tls};
use crate::{Fault, FaultRule, Simulator, Trigger};

#[tokio::test]
async fn what_is_under_way_is_answered_and_the_client_is_told() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(FaultRule::once(Trigger::Always, Fault::Delay(Duration::from_millis(200))));
    let answer = client.start(GOOD).await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    let (answered, ()) = tokio::join!(finish(answer), simulator.drain(PATIENCE));
    assert_eq!(answered.unwrap().status, 200);
    client.driver.await.unwrap().unwrap();
    assert_eq!((simulator.counters().goaways_sent, simulator.counters().connections_open), (1, 0));
    assert!(tls(&simulator, None).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn who_never_answers_holds_up_the_end_until_the_timeout_alone() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.add_fault(FaultRule::once(Trigger::Always, Fault::Silence));
    let answer = client.start(GOOD).await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    simulator.drain(Duration::from_millis(1)).await;
    simulator.shutdown().await;
    assert!(finish(answer).await.is_err());
}

#[tokio::test]
async fn a_stalled_connection_holds_up_the_end_until_the_timeout_alone() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    simulator.on_connection(1, &Fault::HalfOpen).unwrap();
    let unread = client.start(GOOD).await;
    simulator.drain(Duration::from_millis(1)).await;
    assert_eq!(simulator.counters().connections_open, 1);
    simulator.shutdown().await;
    assert_eq!(simulator.counters().connections_open, 0);
    assert!(finish(unread).await.is_err());
}
