//! Peers that do not begin HTTP/2 as they should. No request leaves before a connection has begun.

use super::frames::*;
use super::server::Server;
use super::world::{Verdict, World, one_connection};
use crate::tests::*;

#[derive(Debug, Clone, Copy)]
enum Then {
    Stays,
    Closes,
    Resets,
}

async fn end(server: Server, then: Then) {
    match then {
        Then::Stays => _ = server.stay().await,
        Then::Closes => drop(server),
        Then::Resets => server.reset(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_unsent_if_its_connection_never_began() {
    let http1 = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec();
    let wrong = || [settings(&[]), frame(PING, 0, 0, &[0; 7])].concat();
    for (name, says, then) in [
        ("GOAWAY instead of SETTINGS", goaway(0, 0), Then::Stays),
        ("GOAWAY with a code instead of SETTINGS", goaway(LARGEST, 11), Then::Closes),
        ("HTTP/1.1", http1, Then::Closes),
        ("PING before SETTINGS", ping(1), Then::Stays),
        ("an ACK before SETTINGS", settings_ack(), Then::Stays),
        ("SETTINGS that may not be", settings(&[(WINDOW, LARGEST + 1)]), Then::Stays),
        ("SETTINGS, and a malformed frame", wrong(), Then::Stays),
        ("nothing", Vec::new(), Then::Stays),
        ("a closed socket", Vec::new(), Then::Closes),
        ("a reset socket", Vec::new(), Then::Resets),
        ("half of SETTINGS", settings(&[])[..5].to_vec(), Then::Closes),
    ] {
        let mut world = World::new(one_connection(), 1 << 20);
        let sent = world.send();
        let mut server = world.server().await;
        server.say(&says).await;
        let ends = tokio::spawn(end(server, then));
        assert!(matches!(sent.await.unwrap(), Verdict::NoStream(_)), "{name}");
        world.over().await;
        ends.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_the_first_settings_in_one_read_counts() {
    for (name, says, told) in
        [("GOAWAY", goaway(LARGEST, 0), UnsentCause::NotTaken), ("EOF", Vec::new(), UnsentCause::NotTaken)]
    {
        let mut world = World::once();
        let sent = world.send();
        let mut server = world.server().await;
        server.say(&[settings(&[]), says].concat()).await;
        if name == "EOF" {
            drop(server);
        } else {
            tokio::spawn(server.stay());
        }
        assert_eq!(sent.await.unwrap(), Verdict::Unsent(told), "{name}");
        world.over().await;
    }
}
