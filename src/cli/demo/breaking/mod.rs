//! The second part of the demo: the same pushes through a naive sender and through a gateway, while a script breaks things. What
//! became of them is counted by the journals of the push services, of which each sender has one of its own.

mod books;
mod faults;
mod limits;
mod live;
mod naive;
mod push_service;
mod pushes;
mod table;
mod through_gateway;

use std::time::Instant;

use books::Books;
use live::Live;
use push_service::PushService;
pub(super) use table::Comparison;
use through_gateway::RestartedGateway;

/// The journal has room for so many requests of each push, however often it is repeated.
const REQUESTS_OF_A_PUSH: usize = 8;

/// Sends so many pushes by each of the two senders, one after the other.
pub(super) async fn compare(pushes: u32, says: bool) -> anyhow::Result<Comparison> {
    let naive = by_naive(pushes, says).await?;
    let fanfare = by_gateway(pushes, says).await?;
    Ok(Comparison { pushes, naive, fanfare })
}

async fn by_naive(pushes: u32, says: bool) -> anyhow::Result<Books> {
    let service = PushService::start(pushes as usize * REQUESTS_OF_A_PUSH).await?;
    let live = Live::start("through a naive sender:", pushes, says);
    let begun = Instant::now();
    let nothing_to_restart = async || {
        live.broke("here the gateway would be restarted, which this sender does not have");
        anyhow::Ok(())
    };
    let sending = async {
        let claims = naive::send(&service, pushes, &live).await?;
        anyhow::Ok((claims, begun.elapsed()))
    };
    let ((claims, took), ()) =
        tokio::try_join!(sending, faults::play(&service.simulator, &live, nothing_to_restart))?;
    drop(live);
    Ok(Books::of(&claims, &service.end().await, took))
}

async fn by_gateway(pushes: u32, says: bool) -> anyhow::Result<Books> {
    let service = PushService::start(pushes as usize * REQUESTS_OF_A_PUSH).await?;
    let mut gateway = RestartedGateway::start(&service).await?;
    let client = gateway.client()?;
    let live = Live::start("through Fanfare:", pushes, says);
    let begun = Instant::now();
    let sending = async {
        let claims = through_gateway::send(&client, pushes, &live).await;
        anyhow::Ok((claims, begun.elapsed()))
    };
    let restart = async || gateway.restart(&live).await;
    let ((claims, took), ()) = tokio::try_join!(sending, faults::play(&service.simulator, &live, restart))?;
    drop((live, client));
    gateway.end().await;
    Ok(Books::of(&claims, &service.end().await, took))
}
