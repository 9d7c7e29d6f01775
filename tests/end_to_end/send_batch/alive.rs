//! A batch on which nothing happens says that it is alive, so that no proxy on the way takes it for dead.

use std::time::Duration;

use fanfare_simulator::ApnsScriptedOutcome;

use super::{BatchCaller, message};
use crate::harness::{World, good, push};

#[tokio::test]
async fn a_quiet_batch_tells_its_progress_before_the_first_message_and_after_the_last() {
    let world = World::with(
        |builder| builder,
        |config| config.grpc.batch.progress_interval = Duration::from_millis(50),
    )
    .await;
    world.simulator.script_outcome(&good(1), ApnsScriptedOutcome::Silent);
    // The head of the answer is there before anything was written.
    let mut caller = BatchCaller::open(&world).await;
    let told = async |caller: &mut BatchCaller| {
        let message = caller.from.message().await.unwrap().expect("the batch goes on");
        assert!(message.results.is_empty());
        message.progress.expect("a message without results has progress").items_read
    };
    for _ in 0..3 {
        assert_eq!(told(&mut caller).await, 0);
    }
    caller.write(message(vec![push(&good(1))])).await;
    while told(&mut caller).await == 0 {}
    caller.half_close();
    for _ in 0..3 {
        assert_eq!(told(&mut caller).await, 1);
    }
}
