//! The script of what breaks. It goes by the clock, and is the same for both senders.

use std::time::Duration;

use fanfare_simulator::{
    ConnectionInfo, Environment, Fault, FaultRule, HangUp, Phase, Refusal, Service, Simulator, Trigger,
};
use tokio::time::{Instant, sleep, sleep_until};

use super::live::Live;

/// After how many streams a connection is told to go.
const STREAMS_OF_A_CONNECTION: u64 = 50;

/// The pause between the two GOAWAYs of a graceful end, which is for what is on its way.
const GOAWAY_PAUSE: Duration = Duration::from_millis(50);

const RESET_AT: Duration = Duration::from_millis(600);
const UNAVAILABLE_AT: Duration = Duration::from_millis(1000);
const RESTART_AT: Duration = Duration::from_millis(2400);
const STALLED_AT: Duration = Duration::from_millis(2900);

/// How long the push service answers 503, and how long an address stalls: a tenth of 12 s and of 8 s. Real outages are longer.
const UNAVAILABLE_FOR: Duration = Duration::from_millis(1200);
const STALLED_FOR: Duration = Duration::from_millis(800);

/// Plays the script. `restart` restarts the gateway, where there is one.
pub(super) async fn play(
    simulator: &Simulator,
    live: &Live,
    restart: impl AsyncFnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    send_away(simulator);
    live.broke("from now on each connection is told to go (GOAWAY) after 50 streams");

    sleep_until(begun + RESET_AT).await;
    let reset = Fault::HangUp { how: HangUp::Reset, at: Phase::AfterBody };
    simulator.add_fault(FaultRule::once(Trigger::Always, reset));
    live.broke("a connection is reset");

    sleep_until(begun + UNAVAILABLE_AT).await;
    simulator.clear_faults();
    simulator.add_fault(FaultRule::always(Trigger::Always, Fault::Refuse(Refusal::Unavailable)));
    live.broke("the push service answers 503 to everything");
    sleep(UNAVAILABLE_FOR).await;
    heal(simulator);
    live.broke("the push service is well again");

    sleep_until(begun + RESTART_AT).await;
    restart().await?;

    sleep_until(begun + STALLED_AT).await;
    stall(simulator, busiest(simulator));
    live.broke("one of two addresses stalls: it takes all and answers nothing");
    sleep(STALLED_FOR).await;
    heal(simulator);
    live.broke("the address is well again, but not the connections that it had");
    Ok(())
}

fn send_away(simulator: &Simulator) {
    let goaway = Fault::GracefulGoAway { pause: GOAWAY_PAUSE, reason: None };
    simulator.add_fault(FaultRule::always(Trigger::RequestOfEach(STREAMS_OF_A_CONNECTION), goaway));
}

fn heal(simulator: &Simulator) {
    simulator.clear_faults();
    send_away(simulator);
}

/// The address that most of what is in flight went to.
fn busiest(simulator: &Simulator) -> Service {
    let open = simulator.open_connections();
    let load = |service: &Service| {
        let there = |it: &&ConnectionInfo| it.service == *service;
        open.iter().filter(there).fold((0, 0), |(streams, count), it| (streams + it.streams, count + 1))
    };
    let [first, second] = [Environment::Production, Environment::Sandbox].map(Service::Apns);
    if load(&second) > load(&first) { second } else { first }
}

/// Connections to the address stall, and so do those that come: they are accepted, and their handshake is never answered.
fn stall(simulator: &Simulator, address: Service) {
    simulator.clear_faults();
    simulator.add_fault(FaultRule::always(Trigger::Service(address), Fault::SilentTls));
    send_away(simulator);
    for connection in simulator.open_connections().iter().filter(|it| it.service == address) {
        // The connection may have closed in the meantime.
        let _ = simulator.on_connection(connection.id, &Fault::HalfOpen);
    }
}
