//! What the simulator keeps for tests that balance the books.

use tokio::io::AsyncWriteExt;

use super::client::{Client, GOOD, PATIENCE, tls_to};
use crate::{Environment, Fault, FaultRule, HangUp, Service, Simulator, Trigger};

#[tokio::test]
async fn entries_that_were_taken_are_not_touched_again() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = Client::trusted(&simulator).await;
    let cancelled = client.start("deaf").await;
    simulator.journal().wait_for_read(2, PATIENCE).await.unwrap();
    assert_eq!(simulator.journal().take().len(), 2);
    // What becomes of this request now belongs to no entry that is there.
    drop(cancelled);
    assert_eq!(client.push(GOOD).await.unwrap().status, 200);
    let entries = simulator.journal().entries();
    assert_eq!((entries.len(), entries[0].cancelled, entries[0].order), (1, None, 3));
}

#[tokio::test]
async fn a_connection_that_was_reset_tells_so_and_is_handed_over_once() {
    let simulator = Simulator::builder().start().await.unwrap();
    let client = Client::trusted(&simulator).await;
    let open = simulator.open_connections().remove(0);
    assert_eq!((open.whole, open.disturbed), (1, false));
    assert!(open.received > 0 && open.client.is_some());
    simulator.disconnect(1, HangUp::Reset).unwrap();
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
    let closed = simulator.take_closed_connections();
    assert_eq!((closed.len(), closed[0].id, closed[0].disturbed), (1, 1, true));
    assert!(simulator.connections().is_empty());
    drop(client);
}

#[tokio::test]
async fn a_connection_that_stalls_may_have_kept_its_last_frames() {
    let simulator = Simulator::builder().start().await.unwrap();
    let client = Client::trusted(&simulator).await;
    assert!(!simulator.open_connections()[0].unheard);
    simulator.on_connection(1, &Fault::HalfOpen).unwrap();
    assert!(simulator.open_connections()[0].unheard);
    drop(client);
}

#[tokio::test]
async fn what_lay_unread_at_the_end_is_counted_also_where_nothing_was_read() {
    let simulator = Simulator::builder().start().await.unwrap();
    let mut client = tls_to(&simulator, Environment::Production, None).await.unwrap();
    simulator.wait_until(PATIENCE, |s| !s.open_connections().is_empty()).await.unwrap();
    simulator.on_connection(1, &Fault::HalfOpen).unwrap();
    // The bytes are SETTINGS, and HEADERS of two requests of which the second ends, in one segment so that none is
    // held back.
    let frames = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0, 0, 0, 3];
    let unread = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &frames].concat();
    client.write_all(&unread).await.unwrap();
    client.flush().await.unwrap();
    // The runtime needs a turn to learn that the other socket has something to read.
    tokio::task::yield_now().await;
    simulator.disconnect(1, HangUp::Reset).unwrap();
    simulator.wait_until(PATIENCE, |s| s.counters().connections_open == 0).await.unwrap();
    let closed = simulator.take_closed_connections().remove(0);
    assert_eq!((closed.requests, closed.whole), (2, 1));
}

#[tokio::test]
async fn a_fault_of_one_listener_leaves_the_other_alone() {
    let simulator = Simulator::builder().start().await.unwrap();
    let sandbox = Trigger::Service(Service::Apns(Environment::Sandbox));
    simulator.add_fault(FaultRule::always(sandbox, Fault::RefuseTls));
    assert!(tls_to(&simulator, Environment::Sandbox, None).await.is_err());
    assert!(tls_to(&simulator, Environment::Production, None).await.is_ok());
}
