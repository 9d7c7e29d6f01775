//! APNs answers 503 for a while and is well again, while pushes come at a steady rate and with the settings of the defaults.

use std::time::{Duration, Instant};

use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use super::*;
use crate::harness::{SOON, figure, good, push, sized};

/// The time between two pushes of each service.
const EACH: Duration = Duration::from_millis(10);

/// What became of the pushes of one phase.
#[derive(Default)]
struct Phase {
    apns: Vec<proto::PushResult>,
    /// How long the pushes to FCM took.
    fcm: Vec<Duration>,
}

impl Phase {
    /// Sends one push to each service at each moment.
    async fn run(world: &World, numbers: &mut std::ops::RangeFrom<usize>, time: Duration) -> Self {
        let mut moments = tokio::time::interval(EACH);
        moments.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (began, mut sent) = (Instant::now(), Vec::new());
        while began.elapsed() < time {
            moments.tick().await;
            let number = numbers.next().unwrap();
            let (mut to_apns, mut to_fcm) = (world.client.clone(), world.client.clone());
            let ask = |push| proto::SendPushRequest { push: Some(Box::new(push)) };
            let (apns, fcm) = (ask(push(&good(number))), ask(fcm_push(APP, number)));
            let apns = tokio::spawn(async move { to_apns.send_push(apns).await });
            let fcm = tokio::spawn(async move {
                let began = Instant::now();
                (to_fcm.send_push(fcm).await, began.elapsed())
            });
            sent.push((apns, fcm));
        }
        let mut phase = Self::default();
        for (apns, fcm) in sent {
            phase.apns.push(apns.await.unwrap().unwrap().into_inner().result.unwrap());
            let (result, took) = fcm.await.unwrap();
            let result = result.unwrap().into_inner().result.unwrap();
            assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
            phase.fcm.push(took);
        }
        phase
    }

    fn add(&mut self, other: Self) {
        self.apns.extend(other.apns);
        self.fcm.extend(other.fcm);
    }

    fn apns_with(&self, outcome: Outcome) -> usize {
        self.apns.iter().filter(|result| result.outcome() == outcome).count()
    }

    /// The median and the 99th of a hundred.
    fn fcm_took(&self) -> String {
        let mut took = self.fcm.clone();
        took.sort_unstable();
        format!("{:.1?} / {:.1?}", took[took.len() / 2], took[took.len() * 99 / 100])
    }
}

#[tokio::test]
async fn an_outage_of_apns_leaves_fcms_order_of_service_as_it_was() {
    let world = world(|config, _| config.upstream.breaker = BreakerSettings::default()).await;
    let mut numbers = 0..;
    let before =
        Phase::run(&world, &mut numbers, sized(Duration::from_millis(300), Duration::from_secs(10))).await;
    assert_eq!(before.apns_with(Outcome::Accepted), before.apns.len());

    let arrived = apns_arrived(&world);
    let unavailable = ScriptedAnswer::refusal(503, "ServiceUnavailable");
    world.simulator.add_fault(FaultRule::always(Trigger::Service(APNS), Fault::Answer(unavailable)));
    // Two connections that end with a 503 make the third wait for up to a second, and whoever waited for it goes out on it
    // at once. The breaker is open after that.
    let outage =
        Phase::run(&world, &mut numbers, sized(Duration::from_millis(2500), Duration::from_secs(30))).await;
    let in_vain = apns_arrived(&world) - arrived;
    let held_back = outage.apns.iter().filter(|result| is_held_back(result)).count();
    let answered = outage.apns_with(Outcome::UpstreamUnavailable);

    world.simulator.clear_faults();
    let (mut healed, began) = (Phase::default(), Instant::now());
    // The longer the outage was, the longer is the wait for the next probe.
    while healed.apns_with(Outcome::Accepted) < 100 {
        assert!(began.elapsed() < 4 * SOON, "a probe finds that it is well");
        healed.add(Phase::run(&world, &mut numbers, Duration::from_secs(1)).await);
    }
    let first = healed.apns.iter().position(|result| result.outcome() == Outcome::Accepted);
    let first = first.expect("a probe finds that it is well");
    let again = healed.apns_with(Outcome::Accepted);

    let order = fcm_arrived(&world);
    let number = |token: &String| token["ok:".len()..].parse::<usize>().unwrap();
    let moved = order.iter().enumerate().filter(|(at, token)| at.abs_diff(number(token)) > 1).count();
    figure(&format!(
        "APNs 503 under 100 pushes a second to each: {} to APNs in the outage, {answered} answered, {held_back} held back, \
         {in_vain} requests; {first} more held back until a probe, then {again} of {} accepted; FCM: {} of {} accepted at the \
         first attempt, {moved} out of order, median / p99 before {}, in it {}, after it {}",
        outage.apns.len(),
        healed.apns.len() - first,
        order.len(),
        numbers.start,
        before.fcm_took(),
        outage.fcm_took(),
        healed.fcm_took(),
    ));
    // How many are under way when it begins is up to the machine. Each of them may be tried again.
    assert!(held_back > 0 && in_vain <= 4 * answered, "{in_vain} requests for {answered} pushes");
    assert_eq!(held_back + answered, outage.apns.len(), "{:?}", outage.apns);
    assert_eq!(order.len(), numbers.start);
}
