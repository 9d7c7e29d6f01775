//! What becomes of a request that its caller handed over and that its connection has not begun yet.

use tokio::io::DuplexStream;

use super::pipes::{World, request, request_for};
use super::*;
use crate::connection::Hub;
use crate::core::ConnectionEvent;

type Server = h2::server::Connection<DuplexStream, bytes::Bytes>;

/// A connection whose peer has spoken, and a permit for it. Its task does not run until the test waits for something.
async fn granted(world: &mut World, deadline: Instant) -> (Server, Permit, Share) {
    let permit = tokio::spawn(world.permit(deadline));
    let mut server = h2::server::handshake(world.pipe().await).await.unwrap();
    let serves = tokio::spawn(async move {
        // It reads and writes until the permit is there.
        let more = tokio::time::timeout(Duration::from_millis(1), server.accept()).await;
        assert!(more.is_err(), "nothing was sent");
        server
    });
    let (permit, share) = permit.await.unwrap();
    (serves.await.unwrap(), permit, share)
}

fn world() -> World {
    World::new(UpstreamSettings::default(), Http::Two, 64 * 1024)
}

/// The next request: its stream, its path, and what answers it.
async fn next(server: &mut Server) -> (u32, String, h2::server::SendResponse<bytes::Bytes>) {
    let (request, respond) = server.accept().await.unwrap().unwrap();
    (respond.stream_id().as_u32(), request.uri().path().to_owned(), respond)
}

#[tokio::test(start_paused = true)]
async fn it_is_never_sent_when_its_caller_leaves() {
    let mut world = world();
    let (mut server, permit, share) = granted(&mut world, far()).await;
    let left = permit.exchange(request(), || None, &share).now_or_never();
    assert!(left.is_none(), "it waits, and its caller has left");
    assert_eq!(world.pool().in_use(world.connection()), 0);
    let (permit, share) = world.permit(far()).await;
    let sends = tokio::spawn(async move {
        permit.exchange(request_for("/second"), || None, &share).await.map(|answer| answer.reply)
    });
    let (stream, path, mut respond) = next(&mut server).await;
    assert_eq!((stream, path.as_str()), (1, "/second"));
    respond.send_response(http::Response::new(()), true).unwrap();
    tokio::spawn(async move { while server.accept().await.is_some() {} });
    assert_eq!(sends.await.unwrap().unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn it_is_unsent_at_its_deadline() {
    let mut world = world();
    let deadline = Instant::now() + Duration::from_secs(5);
    let (mut server, permit, share) = granted(&mut world, deadline).await;
    tokio::time::advance(Duration::from_secs(6)).await;
    let sent = permit.exchange(request(), || Some(request()), &share).await;
    assert!(matches!(sent, Err(UpstreamError::Unsent(Unsent::Deadline))));
    let more = tokio::time::timeout(Duration::from_secs(1), server.accept()).await;
    assert!(more.is_err(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn it_is_sent_on_another_connection_when_its_own_ends_first() {
    // The connection ends while the request waits, and before it was handed over.
    for waits in [true, false] {
        let mut world = world();
        let (mut server, permit, share) = granted(&mut world, far()).await;
        if !waits {
            world.pool().abort(EndCause::Aborted);
            assert!(server.accept().await.is_none_or(|request| request.is_err()));
            assert_eq!(world.pool().open_connections(), 0);
        }
        let mut sends = Box::pin(permit.exchange(request(), || Some(request()), &share));
        assert!(sends.as_mut().now_or_never().is_none());
        if waits {
            world.pool().abort(EndCause::Aborted);
        }
        let serves = async {
            let mut second = h2::server::handshake(world.pipe().await).await.unwrap();
            let (_, _, mut respond) = next(&mut second).await;
            respond.send_response(http::Response::new(()), true).unwrap();
            assert!(
                server.accept().await.is_none_or(|request| request.is_err()),
                "nothing was sent on the first"
            );
            second.accept().await
        };
        tokio::select! {
            sent = sends => assert_eq!(sent.ok().map(|answer| answer.reply.status.as_u16()), Some(200)),
            _ = serves => panic!("the second connection ended"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_drains_ends_when_the_last_permit_was_used() {
    let mut world = world();
    let (mut server, permit, share) = granted(&mut world, far()).await;
    world.pool().tell(world.connection(), ConnectionEvent::Drains(EndCause::Retired));
    let more = tokio::time::timeout(Duration::from_secs(1), server.accept()).await;
    assert!(more.is_err(), "it is kept for the permit");
    let sends =
        tokio::spawn(async move { permit.exchange(request(), || None, &share).await.map(|it| it.reply) });
    let (_, _, mut respond) = next(&mut server).await;
    respond.send_response(http::Response::new(()), true).unwrap();
    assert!(server.accept().await.is_none(), "it ends");
    assert_eq!(sends.await.unwrap().unwrap().status, 200);
}
