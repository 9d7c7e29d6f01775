//! Faults as data: what is done to whom, and when.

use std::time::Duration;

use fanfare_simulator::{Environment, Fault, FaultRule, Trigger};

use crate::network::Names;
use crate::tunnels::Trouble;
use crate::worlds::World;

/// One step of a script.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) when: When,
    pub(crate) blow: Blow,
}

/// When a step is taken, after the step before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// It is taken when so many requests have arrived since the script began.
    Arrived(u64),
    /// It is taken after this time, which is how long the step before it lasts.
    Later(Duration),
}

/// What a step does.
#[derive(Clone, Debug)]
pub(crate) enum Blow {
    /// It adds the rule to the simulator.
    Rule(FaultRule),
    /// It strikes the open connection with the most streams.
    Strike(Fault),
    /// It strikes every open connection.
    StrikeAll(Fault),
    /// It closes a port, so that connections to it are refused.
    Close(Environment),
    /// It opens the port again.
    Open(Environment),
    /// It sets what the resolver says from now on.
    Say(Names),
    /// It sets what the proxy does to tunnels.
    Tunnels(Trouble),
    /// It takes back all rules that were added.
    TakeBackRules,
    /// It sets whether APNs takes the key of the gateway.
    TakesKey(bool),
}

impl Step {
    pub(crate) fn at(arrived: u64, blow: Blow) -> Self {
        Self { when: When::Arrived(arrived), blow }
    }

    pub(crate) fn later(millis: u64, blow: Blow) -> Self {
        Self { when: When::Later(Duration::from_millis(millis)), blow }
    }

    /// The next `times` requests meet `fault`, from the `arrived`th on.
    pub(crate) fn next(arrived: u64, times: u32, fault: Fault) -> Self {
        Self::at(arrived, Blow::Rule(FaultRule { when: Trigger::Always, fault, times }))
    }

    /// This share of the requests from the `arrived`th on meets `fault`, but at most `times`.
    pub(crate) fn share(arrived: u64, share: f64, times: u32, fault: Fault) -> Self {
        Self::at(arrived, Blow::Rule(FaultRule { when: Trigger::Probability(share), fault, times }))
    }
}

/// Takes the steps in turn. It is dropped when the traffic has ended.
pub(crate) async fn play(world: &World, steps: Vec<Step>) {
    let begun = world.simulator.journal().arrived();
    for step in steps {
        match step.when {
            When::Arrived(count) => {
                // Traffic that ends before it drops this wait.
                let _ = world.simulator.journal().wait_for_arrived(begun + count, Duration::MAX).await;
            }
            When::Later(pause) => tokio::time::sleep(pause).await,
        }
        strike(world, step.blow).await;
    }
}

async fn strike(world: &World, blow: Blow) {
    let simulator = &world.simulator;
    match blow {
        Blow::Rule(rule) => simulator.add_fault(rule),
        Blow::Strike(fault) => {
            let open = simulator.open_connections();
            if let Some(busiest) = open.iter().max_by_key(|it| it.streams) {
                // The connection may have closed in the meantime.
                let _ = simulator.on_connection(busiest.id, &fault);
            }
        }
        Blow::StrikeAll(fault) => {
            for connection in simulator.open_connections() {
                let _ = simulator.on_connection(connection.id, &fault);
            }
        }
        Blow::Close(environment) => simulator.stop_listening(environment).await,
        Blow::Open(environment) => simulator.resume_listening(environment).await.unwrap(),
        Blow::Say(names) => world.network.say(names),
        Blow::TakeBackRules => simulator.clear_faults(),
        Blow::TakesKey(true) => simulator.restore_provider_key(&simulator.provider_key().key_id),
        Blow::TakesKey(false) => simulator.revoke_provider_key(&simulator.provider_key().key_id),
        Blow::Tunnels(trouble) => world.proxy.as_ref().expect("a world behind a proxy").make(trouble),
    }
}
