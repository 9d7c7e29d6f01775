//! Pushes to a Mattermost push proxy, whose answers become the caller's verdicts.

use std::collections::BTreeMap;
use std::time::Duration;

use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, MattermostConfig, Trust};
use fanfare::proto::{self, Delivery, Outcome, Reason, TokenAction};
use fanfare::provider::mattermost::{Mattermost, MattermostSettings};
use fanfare::push::AppId;
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Simulator, SimulatorBuilder, Trigger};
use fanfare_upstream::Http;
use serde::Deserialize;

use crate::harness::{APP, World, alert, connect, good};

/// One app on the push proxy at `origin`.
pub(crate) fn app(name: &str, origin: &str, http: Http, roots: &[&str]) -> AppConfig {
    let settings = MattermostSettings { server_id: "server".to_owned() };
    let mattermost = MattermostConfig {
        provider: Mattermost::try_new(settings).unwrap(),
        origin: origin.parse().unwrap(),
        http,
        trust: (!roots.is_empty()).then(|| Trust::of_system_and(&roots.concat()).unwrap()),
    };
    AppConfig { mattermost: Some(mattermost), ..AppConfig::new(AppId::parse(name).unwrap()) }
}

/// A gateway in front of the simulator's push proxy.
pub(crate) async fn world(tls: bool, change: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> World {
    world_with(tls, change, |_| {}).await
}

pub(crate) async fn world_with(
    tls: bool,
    simulator: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder,
    change: impl FnOnce(&mut Config),
) -> World {
    let unbounded = fanfare_simulator::MattermostSettings {
        throttle_per_second: u64::MAX,
        ..fanfare_simulator::MattermostSettings::default()
    };
    let simulator = simulator(Simulator::builder().mattermost(unbounded)).start().await.unwrap();
    let proxy = simulator.mattermost();
    let origin = if tls { proxy.tls_origin() } else { proxy.origin() };
    let apps = vec![app(APP, &origin, Http::Either, &[simulator.ca_pem()])];
    let mut config = Config::on_loopback(apps, Trust::of_system().unwrap());
    change(&mut config);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    World { simulator, gateway, client }
}

pub(crate) fn push(device_id: &str) -> proto::Push {
    let device = proto::MattermostDevice { device_id: device_id.to_owned(), ..Default::default() };
    proto::Push {
        app: APP.to_owned(),
        target: Some(proto::Target { mattermost: Some(Box::new(device)), ..proto::Target::default() }),
        content: Some(alert("Hello", "World")),
        ..proto::Push::default()
    }
}

/// A push to a good device, another for each number.
pub(crate) fn good_push(number: usize) -> proto::Push {
    push(&format!("apple_rn:{}", good(number)))
}

#[tokio::test]
async fn a_push_proxy_is_believed_by_what_it_says_not_by_its_status() {
    for tls in [false, true] {
        let world = world(tls, |builder| builder).await;
        let good = world.send(good_push(1)).await;
        assert_eq!((good.outcome(), good.delivery()), (Outcome::Accepted, Delivery::Accepted), "{good:?}");
        let gone = world.send(push(&format!("apple_rn:dead{:060x}", 1))).await;
        assert_eq!(
            (gone.outcome(), gone.token_action(), gone.upstream_status),
            (Outcome::Unregistered, TokenAction::Delete, 200),
            "{gone:?}"
        );
        // One keep-alive connection has carried both.
        assert_eq!(world.simulator.counters().connections_opened, 1);
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
    reason: String,
    outcome: String,
    token_action: String,
    retryable: bool,
    retry_after_s: Option<u64>,
    delivery: String,
    source: String,
}

impl Row {
    fn answer(&self) -> ScriptedAnswer {
        ScriptedAnswer {
            status: self.status,
            body: Some(self.body.clone().into()),
            headers: self.headers.clone().into_iter().collect(),
            ..ScriptedAnswer::default()
        }
    }
}

#[tokio::test]
async fn every_answer_of_the_proxy_becomes_its_verdict() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../data/mattermost-answers.json")).unwrap();
    assert!(rows.len() > 20, "{} rows", rows.len());
    let world = world_with(false, |builder| builder, |config| config.dispatch.max_attempts = 1).await;
    for (number, row) in rows.iter().enumerate() {
        // Good answers come in between, because so many devices that are gone in a row would be set aside.
        for between in 0..3 {
            world.send(good_push(1000 + 3 * number + between)).await;
        }
        let rule = FaultRule::once(Trigger::DeviceToken(good(number)), Fault::Answer(row.answer()));
        world.simulator.add_fault(rule);
        let result = world.send(good_push(number)).await;
        let seen = (
            result.outcome().as_str_name(),
            result.token_action().as_str_name(),
            result.retryable,
            result.retry_after.map(|wait| Duration::try_from(wait).unwrap().as_secs()),
            result.delivery().as_str_name(),
            (result.upstream_status, result.upstream_reason.as_str(), result.attempts),
        );
        let expected = (
            &*format!("OUTCOME_{}", row.outcome),
            &*format!("TOKEN_ACTION_{}", row.token_action),
            row.retryable,
            row.retry_after_s,
            &*format!("DELIVERY_{}", row.delivery),
            (u32::from(row.status), row.reason.as_str(), 1),
        );
        assert_eq!(seen, expected, "{row:?} {} {result:?}", row.source);
    }
}

/// A push that the proxy's own throttle refuses is sent again after the wait that it asks for. A push in doubt is sent again
/// only if its caller allows it.
#[tokio::test]
async fn a_refusal_is_waited_for_and_a_doubt_is_left_alone() {
    let world = world(false, |builder| builder).await;
    let answer = |number, status, headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let answer = ScriptedAnswer {
            status,
            headers,
            body: Some(body.to_owned().into()),
            ..ScriptedAnswer::default()
        };
        world.simulator.add_fault(FaultRule::once(Trigger::DeviceToken(good(number)), Fault::Answer(answer)));
    };
    let verdict = |result: &proto::PushResult| (result.outcome(), result.delivery(), result.attempts);

    answer(1, 429, &[], "limit exceeded\n");
    assert_eq!(verdict(&world.send(good_push(1)).await), (Outcome::Accepted, Delivery::Accepted, 2));
    answer(2, 503, &[("retry-after", "120")], "");
    assert_eq!(verdict(&world.send(good_push(2)).await), (Outcome::UpstreamUnavailable, Delivery::No, 1));

    let doubt = "{\"error\":\"unknown transport error\",\"status\":\"FAIL\"}\n";
    let soon = [("retry-after", "1")];
    answer(3, 200, &soon, doubt);
    assert_eq!(verdict(&world.send(good_push(3)).await), (Outcome::Unconfirmed, Delivery::Maybe, 1));
    answer(4, 200, &soon, doubt);
    let mut repeatable = good_push(4);
    repeatable.options = Some(proto::Options { repeatable: true, ..proto::Options::default() });
    let repeated = world.send(repeatable).await;
    assert_eq!((repeated.outcome(), repeated.attempts), (Outcome::Accepted, 2), "{repeated:?}");
    assert_eq!(world.simulator.counters().requests_arrived, 6);
}

#[tokio::test]
async fn what_no_push_proxy_can_be_told_is_refused_before_it_is_sent() {
    let world = world(false, |builder| builder).await;
    let mut with_data = good_push(1);
    with_data.content.as_mut().unwrap().data.insert("k".to_owned(), "v".to_owned());
    let refused = world.send(with_data).await;
    assert_eq!(
        (refused.outcome(), refused.delivery(), refused.reason()),
        (Outcome::InvalidPush, Delivery::No, Reason::FieldsConflict),
        "{refused:?}"
    );
    assert_eq!(world.simulator.counters().requests_arrived, 0);
}
