//! Another configuration while servers send.

use super::*;
use crate::harness::good;

#[tokio::test]
async fn platforms_and_where_others_are_forwarded_to_change_while_servers_send() {
    let world = World::start().await;
    let error = failure(&world.send(&message("apple", &good(1))).await);
    assert_eq!(error, "Did not send message because of missing platform property type=apple serverId=srv");
    let mut config = configured(&world.simulator, served());
    let mattermost = config.http[0].mattermost.as_mut().unwrap();
    let app = mattermost.platforms["apple_rn"].clone();
    mattermost.platforms = [("apple".to_owned(), app)].into();
    world.gateway.reload(config).unwrap();
    assert_eq!(world.send(&message("apple", &good(1))).await.body, response("OK"));
    failure(&world.send(&message("apple_rn", &good(2))).await);

    let forward = forwarding(&world.simulator, &world.simulator.mattermost().origin()).forward;
    let config =
        configured(&world.simulator, MattermostSettings { forward, ..MattermostSettings::default() });
    world.gateway.reload(config).unwrap();
    assert_eq!(world.send(&message("apple_rn", &good(3))).await.body, response("OK"));
    assert_eq!(world.simulator.mattermost().proxied_requests().len(), 1);
}
