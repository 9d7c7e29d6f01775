//! A peer that makes the client write, and reads nothing.

use super::frames::*;
use super::server::Server;
use super::world::{Verdict, World, one_connection};
use crate::tests::*;

/// How many bytes a socket holds in either direction: much less than the client keeps, and much more.
const HOLDS: [usize; 2] = [16 * 1024, 1024 * 1024];

/// PINGs that come so slowly that the budget of frames that bring nothing lasts for ever, and that stop when the client
/// reads no more, or after so many bytes. Returns how many were said, and the rest of those that were said last.
async fn flood(server: &mut Server, most: usize) -> (usize, Vec<u8>) {
    let mut said = 0;
    loop {
        let some: Vec<_> = (0..50).flat_map(ping).collect();
        let mut rest = &some[..];
        let _ = tokio::time::timeout(Duration::from_secs(2), server.say_what_fits(&mut rest)).await;
        if !rest.is_empty() || said * 17 >= most {
            return (said, rest.to_vec());
        }
        said += 50;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_reads_on_as_soon_as_its_peer_does() {
    for holds in HOLDS {
        let mut world = World::new(one_connection(), holds);
        let first = world.send();
        let mut server = world.begun(&[]).await;
        server.request().await;
        server.say(&ok(1)).await;
        assert_eq!(first.await.unwrap(), Verdict::Answered(200));
        // The client keeps 256 KiB, and the socket is full. What waits to be read is less than may bring nothing.
        let stops = 256 * 1024 + holds;
        let (said, rest) = flood(&mut server, stops + 2 * HOLDS[0]).await;
        assert!(said * 17 >= stops, "{said}");
        assert!(holds > HOLDS[0] || !rest.is_empty(), "the client reads for ever");
        // The peer reads all of it, and then its next PING is answered at once.
        let began = Instant::now();
        let mark = u64::MAX.to_be_bytes();
        let says = [rest, ping(u64::MAX)].concat();
        server.say_and_read(&says, |frame| frame.payload == mark).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "{holds}");
        tokio::spawn(server.stay());
        world.over().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_loses_its_connection_when_it_owes_an_answer() {
    for holds in HOLDS {
        let mut world = World::new(one_connection(), holds);
        let sent = world.send();
        let mut server = world.begun(&[]).await;
        server.request().await;
        let (told, _) = tokio::join!(sent, flood(&mut server, usize::MAX));
        // The time for the answer ends first where PINGs are read for long.
        let causes = [NoAnswerCause::ConnectionLost, NoAnswerCause::AnswerTimeout];
        let told = told.unwrap();
        assert!(causes.iter().any(|cause| told == Verdict::Unanswered(cause.clone(), None)), "{told:?}");
        world.over().await;
    }
}
