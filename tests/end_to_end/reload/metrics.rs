//! What the metrics say of things that the configuration names no more.

use super::*;

/// The lines of the metrics page that begin so.
fn lines(world: &World, begins: &str) -> Vec<String> {
    world
        .gateway
        .metrics()
        .page()
        .lines()
        .filter(|line| line.starts_with(begins))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn what_is_gone_alarms_no_more_and_its_series_go() {
    let mut file = None;
    let world = world(|simulator| file.insert(File::new(simulator)).read(simulator)).await;
    let mut file = file.unwrap();
    let refused = || lines(&world, "fanfare_credential_refused{").iter().any(|line| line.ends_with(" 1"));
    let ends = || lines(&world, "fanfare_access_token_expiry_timestamp_seconds{").len();
    let sent = async |app, number| world.send(push_of(app, number)).await.outcome();

    // The key of one app is refused, and another has a token that ends.
    let former = std::mem::replace(&mut file.rotated, new_key(&world.simulator));
    world.simulator.revoke_provider_key(&former.key_id);
    for number in 1..4 {
        assert_eq!(sent(ROTATED, number).await, Outcome::Credential);
    }
    assert_eq!(sent(DROID, 4).await, Outcome::Accepted);
    assert!(refused() && ends() == 1);

    file.change = |config| config.apps.retain(|app| app.fcm.is_none());
    world.gateway.reload(file.read(&world.simulator)).unwrap();
    assert_eq!(sent(ROTATED, 5).await, Outcome::Accepted);
    until(|| !refused() && ends() == 0).await;
    let series = format!("fanfare_pushes_total{{app=\"{DROID}\"");
    assert_eq!(lines(&world, &series), Vec::<String>::new());

    // Another key of the account has the token of its own.
    file.change = |_| {};
    world.gateway.reload(file.read(&world.simulator)).unwrap();
    assert_eq!(sent(DROID, 6).await, Outcome::Accepted);
    assert_eq!(ends(), 1);
    let counted = format!("fanfare_pushes_total{{app=\"{DROID}\",provider=\"fcm\",outcome=\"accepted\"}} 1");
    assert_eq!(lines(&world, &counted).len(), 1);
    world.gateway.shut_down().await;
}
