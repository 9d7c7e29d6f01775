//! FCM's quota is a project's: whoever sends for the project shares its pace.

use fanfare::config::Config;
use fanfare::proto::{Outcome, Reason};
use fanfare_simulator::{FcmSettings, Rate, RetryAfter};

use super::{OTHER, PROJECT, app, google, impatient, push, serve_with};
use crate::harness::{APP, World, figure, metric, metric_sum, sized, until};
use crate::send_batch::{message, run};

/// A gateway of two apps that send for [`PROJECT`] so many pushes a minute, or as many as by default, and of one that sends for another project.
async fn world(per_minute: Option<u32>, rate: Option<Rate>) -> World {
    world_with(per_minute, FcmSettings { project_rate: rate, ..FcmSettings::default() }, |_| {}).await
}

async fn world_with(
    per_minute: Option<u32>,
    settings: FcmSettings,
    change: impl FnOnce(&mut Config),
) -> World {
    let simulator = google(settings).await;
    let account = simulator.fcm().add_service_account(&[PROJECT, OTHER]).unwrap();
    let mut apps = [(APP, PROJECT), ("news", PROJECT), ("mail", OTHER)].map(|(name, project)| {
        let mut app = app(name, project, &account);
        app.fcm.as_mut().unwrap().pushes_per_minute = per_minute;
        app
    });
    apps[2].fcm.as_mut().unwrap().pushes_per_minute = None;
    serve_with(simulator, apps.into(), change).await
}

fn of_app(name: &str, push: fanfare::proto::Push) -> fanfare::proto::Push {
    fanfare::proto::Push { app: name.to_owned(), ..push }
}

#[tokio::test]
async fn a_batch_runs_at_the_pace_that_fcm_takes_and_a_single_push_goes_first() {
    let batch = sized(10_000, 100_000);
    // The ramp is twice as steep as that of FCM's quota, so that a small batch comes to the limit in a few seconds.
    let per_minute = sized(Some(1_200_000), None);
    let rate = Rate { per_second: 1000, burst: 1000, retry_after: RetryAfter::Seconds(1) };
    // What is on its way when the service first says 429 was sent too fast, and is refused as well. So that this does not depend
    // on how long an answer takes on a busy machine, no more than these streams are on their way at once.
    let settings =
        FcmSettings { project_rate: Some(rate), max_concurrent_streams: 40, ..FcmSettings::default() };
    let world = world_with(per_minute, settings, |config| config.upstream.max_connections_per_peer = 1).await;
    let items: Vec<_> = (0..batch).map(|number| push(&format!("ok:{number}"))).collect();
    let messages = items.chunks(500).map(|pushes| message(pushes.to_vec())).collect();
    let begun = std::time::Instant::now();
    let waiting = || metric_sum(&world, "fanfare_pace_waiting", PROJECT) as usize;
    let accepted = || metric_sum(&world, "fanfare_pushes_total", "\"accepted\"") as usize;
    let beside = async {
        // As many wait as the window of the batch holds.
        until(|| waiting() > 2000).await;
        let (before, line) = (accepted(), waiting());
        let result = world.send(push("ok:single")).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        (line, accepted() - before)
    };
    let (ended, (line, passed)) = tokio::join!(run(&world, messages), beside);
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(ended.settled(Outcome::Accepted), batch as i64, "{:?} {:?}", ended.progress, ended.status);
    assert!(
        passed < line / 2,
        "a single push does not wait for the {line} of a batch: {passed} went before it"
    );
    let requests = world.simulator.journal().select(|it| it.device_token().is_some());
    let refused = requests.len() - batch - 1;
    let per_second = (batch + 1) as f64 / seconds;
    figure(&format!(
        "FCM takes 1,000 a second, a batch of {batch}: {per_second:.0} a second, {refused} answers of 429, \
         a single push passed {line} that waited, and {passed} went before it"
    ));
    assert!(refused * 100 < requests.len(), "{refused} of {}", requests.len());
    let lowered = metric_sum(&world, "fanfare_pace_lowered_total", PROJECT);
    assert_eq!(lowered > 0.0, refused > 0, "{lowered} {refused}");
}

#[tokio::test]
async fn a_push_whose_turn_comes_too_late_is_told_when_it_would_come_and_other_projects_are_free() {
    let world = world(Some(1), None).await;
    assert_eq!(world.send(impatient("ok:1", 4)).await.outcome(), Outcome::Accepted);
    for name in [APP, "news"] {
        let result = world.send(of_app(name, impatient("ok:2", 4))).await;
        assert_eq!((result.outcome(), result.reason()), (Outcome::NotAttempted, Reason::Paced), "{result:?}");
        let wait = result.retry_after.as_ref().unwrap().seconds;
        assert!(result.retryable && (30..=60).contains(&wait), "{result:?}");
    }
    for number in 0..20 {
        let result = world.send(of_app("mail", impatient(&format!("ok:{number}"), 4))).await;
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
    }
    let pace = format!("fanfare_pace_turns_per_second{{origin=\"fcm\",identity=\"project {PROJECT}\"}} ");
    let pace = metric(&world.gateway, &pace);
    assert!((0.016..0.017).contains(&pace), "{pace}");
}

#[tokio::test]
async fn a_device_that_gets_too_much_slows_nobody() {
    let world = world(None, None).await;
    for number in 0..60 {
        let result = world.send(impatient("quota-device:1", 1)).await;
        assert_eq!(result.outcome(), Outcome::RateLimited, "{result:?}");
        let result = world.send(push(&format!("ok:{number}"))).await;
        assert_eq!((result.outcome(), result.attempts), (Outcome::Accepted, 1), "{result:?}");
    }
    assert_eq!(metric_sum(&world, "fanfare_pace_lowered_total", ""), 0.0);
}
