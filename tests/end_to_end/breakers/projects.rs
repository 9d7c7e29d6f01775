//! FCM fails for one project, and is well for another behind the same peer.

use fanfare::config::AppConfig;
use fanfare::push::AppId;
use fanfare_simulator::{Fault, FaultRule, ScriptedAnswer, Trigger};

use super::*;
use crate::harness::{figure, metric_sum};

const OTHER_PROJECT: &str = "other-project";

/// An app that sends to another project.
const NEIGHBOUR: &str = "neighbour";

/// Another app of the project that fails.
const SISTER: &str = "sister";

#[tokio::test]
async fn a_project_that_fails_is_held_back_for_all_its_apps_and_its_neighbour_is_not() {
    let world = world(|config, account| {
        let id = AppId::parse(SISTER).unwrap();
        config.apps.push(AppConfig { fcm: Some(project(PROJECT, account)), ..AppConfig::new(id) });
        let id = AppId::parse(NEIGHBOUR).unwrap();
        config.apps.push(AppConfig { fcm: Some(project(OTHER_PROJECT, account)), ..AppConfig::new(id) });
    })
    .await;
    fcm_takes(&world, APP, 0..1).await;
    let unavailable = ScriptedAnswer { status: 503, ..ScriptedAnswer::default() };
    let path = format!("/v1/projects/{PROJECT}/");
    world
        .simulator
        .add_fault(FaultRule::always(Trigger::PathPrefix(path.clone()), Fault::Answer(unavailable)));
    for number in 0..5 {
        let app = if number % 2 == 0 { APP } else { SISTER };
        let result = world.send(fcm_push(app, number)).await;
        let told = (result.outcome(), result.upstream_status, result.attempts);
        assert_eq!(told, (Outcome::UpstreamUnavailable, 503, 1), "{result:?}");
        fcm_takes(&world, NEIGHBOUR, number..number + 1).await;
    }
    let told = async {
        futures_util::future::join_all((0..100).map(|number| {
            let app = if number % 2 == 0 { APP } else { SISTER };
            world.send(fcm_push(app, number))
        }))
        .await
    };
    let (told, ()) = tokio::join!(told, fcm_takes(&world, NEIGHBOUR, 5..105));
    told.iter().for_each(|result| held_back(result, "fcm fails for it: it answers 503"));
    let arrived = world.simulator.journal().select(|entry| entry.path.starts_with(&path));
    assert_eq!(arrived.len(), 6, "the accepted one, and five that failed");
    assert_eq!(metric_sum(&world, "fanfare_breaker_projects_open{", PROJECT), 1.0);
    assert_eq!(metric_sum(&world, "fanfare_breaker_projects_open{", OTHER_PROJECT), 0.0);
    assert_eq!(metric_sum(&world, "fanfare_breaker_peers_open{", ""), 0.0);

    world.simulator.clear_faults();
    until_probe().await;
    fcm_takes(&world, SISTER, 0..1).await;
    fcm_takes(&world, APP, 0..50).await;
    assert_eq!(metric_sum(&world, "fanfare_breaker_projects_open{", ""), 0.0);
    figure(
        "FCM 503 for one project: 5 of 105 pushes were answered 503, 100 held back; its neighbour: 105 of 105 accepted",
    );
}
