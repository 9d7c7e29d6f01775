//! A configuration that is wrong for every device. A server that is told REMOVE sends its user nothing until they log in again,
//! so one mistake of an operator would silence everybody.

use fanfare_simulator::ApnsScriptedOutcome;

use super::*;

/// The real proxy answered REMOVE to all 300, and the guard over tokens alone would have to see some first.
#[tokio::test]
async fn a_wrong_environment_removes_nobody() {
    let world = World::start().await;
    for reason in ["BadDeviceToken", "DeviceTokenNotForTopic", "MissingDeviceToken"] {
        for number in 0..300 {
            let device = format!("{number:064x}");
            world.simulator.script_outcome(&device, ApnsScriptedOutcome::refusal(400, reason));
            let error = failure(&world.send(&message("apple_rn", &device)).await);
            assert!(error.starts_with(reason), "{number}: {error}");
        }
    }
    // One that APNs proves to be gone is removed all the same.
    let gone = world.send(&message("apple_rn", &format!("dead{:060x}", 1))).await;
    assert_eq!(gone.body, response("REMOVE"));
}

#[tokio::test]
async fn a_wrong_project_removes_nobody() {
    let world = World::start().await;
    for number in 0..30 {
        failure(&world.send(&message("android_rn", &format!("mismatch:{number}"))).await);
    }
}

#[tokio::test]
async fn where_almost_all_devices_are_gone_at_once_the_rest_is_kept() {
    let world = World::start().await;
    let mut removed = 0;
    for number in 0..150 {
        let answer = world.send(&message("android_rn", &format!("unregistered:{number}"))).await;
        removed += usize::from(answer.body == response("REMOVE"));
    }
    assert_eq!(removed, 99, "from the hundredth on they are set aside");
}
