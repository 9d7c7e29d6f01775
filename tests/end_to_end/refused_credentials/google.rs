//! A service account that FCM does not take for one project, and one that Google gives no tokens.

use std::sync::Arc;

use fanfare::app::{Gateway, Network};
use fanfare::config::{AppConfig, Config, FcmConfig, Trust};
use fanfare::credential::google::Source;
use fanfare::proto::{self, Outcome, Reason};
use fanfare::provider::fcm::{Fcm, FcmSettings as Project};
use fanfare::push::AppId;
use fanfare_simulator::{Fault, FaultRule, FcmSettings, ScriptedAnswer, ServiceAccount, Simulator, Trigger};

use super::{beside_probes, not_sent, readiness};
use crate::harness::{SOON, World, alert, connect, metric, trust, within};

const PROJECT: &str = "demo-project";
const OTHER: &str = "other-project";

fn app(name: &str, project: &str, account: &ServiceAccount) -> AppConfig {
    let fcm = FcmConfig {
        pushes_per_minute: None,
        provider: Fcm::try_new(&Project { project_id: project.to_owned() }).unwrap(),
        credential: Arc::new(Source::from_json(&account.key_json().into()).unwrap()),
        certificate: None,
    };
    AppConfig { fcm: Some(fcm), ..AppConfig::new(AppId::parse(name).unwrap()) }
}

/// A gateway whose app `good` sends for a project that the account may send for, and `bad` for one that it may not.
async fn serve(account_is: impl FnOnce(&Simulator, &ServiceAccount)) -> (World, ServiceAccount) {
    let settings = FcmSettings { projects: vec![PROJECT.into(), OTHER.into()], ..FcmSettings::default() };
    let simulator = Simulator::builder().fcm(settings).start().await.unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    account_is(&simulator, &account);
    let apps = vec![app("good", PROJECT, &account), app("bad", OTHER, &account)];
    let mut config = Config::on_loopback(apps, Trust::of_system().unwrap());
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.fcm.trust = trust(&simulator);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    (World { simulator, gateway, client }, account)
}

fn push(app: &str, number: usize) -> proto::Push {
    let fcm =
        proto::FcmTarget { registration_token: format!("ok:{app}-{number}"), ..proto::FcmTarget::default() };
    proto::Push {
        app: app.to_owned(),
        target: Some(proto::Target { fcm: Some(Box::new(fcm)), ..proto::Target::default() }),
        content: Some(alert("Hello", "World")),
        ..proto::Push::default()
    }
}

#[tokio::test]
async fn a_project_that_the_account_may_not_send_for_is_shut_and_another_is_not() {
    let (world, account) = serve(|_, _| {}).await;
    // The two share one peer, so those of the good project wait in the same line as those of the other.
    let all = (0..1000).map(|number| world.send(push(if number % 2 == 0 { "good" } else { "bad" }, number)));
    for (number, result) in futures_util::future::join_all(all).await.iter().enumerate() {
        let expected = if number % 2 == 0 { Outcome::Accepted } else { Outcome::Credential };
        assert_eq!(result.outcome(), expected, "{result:?}");
    }
    let told = beside_probes(&world, |number| push("bad", 1000 + number)).await;
    assert_eq!((told.reason(), told.upstream_status), (Reason::UpstreamAnswered, 403), "{told:?}");
    not_sent(&told, &[&account.client_email, OTHER]);
    assert_eq!(world.send(push("good", 2001)).await.outcome(), Outcome::Accepted);
    let labels =
        |project| format!(r#"{{credential="{}",place="fcm project {project}"}}"#, account.client_email);
    let refused = |project| metric(&world.gateway, &format!("fanfare_credential_refused{}", labels(project)));
    assert_eq!((refused(PROJECT), refused(OTHER)), (0.0, 1.0));
    let ready = readiness(&world).await;
    assert!(ready.contains("app bad") && !ready.contains("app good"), "{ready}");
}

#[tokio::test]
async fn a_token_that_is_refused_counts_only_after_its_renewal() {
    let (world, account) = serve(|_, _| {}).await;
    let refusal = ScriptedAnswer { status: 401, body: Some(Default::default()), ..ScriptedAnswer::default() };
    world
        .simulator
        .add_fault(FaultRule::always(Trigger::PathPrefix("/v1/".to_owned()), Fault::Answer(refusal)));
    for number in 0..2 {
        let refused = world.send(push("good", number)).await;
        assert_eq!((refused.outcome(), refused.attempts), (Outcome::Credential, 2), "{refused:?}");
    }
    let told = world.send(push("good", 2)).await;
    assert_eq!(told.upstream_status, 401, "{told:?}");
    not_sent(&told, &[&account.client_email, PROJECT]);
}

/// The words that shut a credential are told to all who show it, whoever they are, so they hold no token of a device.
#[tokio::test]
async fn what_others_hear_of_a_refusal_repeats_no_token_of_the_push_that_was_refused() {
    let (world, account) = serve(|_, _| {}).await;
    let token = format!("dQw4w9WgXcQ:APA91b{}", "0f".repeat(60));
    let body = format!(
        r#"{{"error":{{"code":403,"status":"PERMISSION_DENIED","message":"May not send to {token}"}}}}"#
    );
    let refusal = ScriptedAnswer { status: 403, body: Some(body.into()), ..ScriptedAnswer::default() };
    world
        .simulator
        .add_fault(FaultRule::always(Trigger::PathPrefix("/v1/".to_owned()), Fault::Answer(refusal)));
    for number in 0..2 {
        let refused = world.send(push("good", number)).await;
        assert_eq!((refused.outcome(), refused.attempts), (Outcome::Credential, 1), "{refused:?}");
        assert!(refused.detail.contains(&token), "its own caller hears all: {refused:?}");
    }
    let told = world.send(push("good", 2)).await;
    not_sent(&told, &[&account.client_email, PROJECT, "May not send to"]);
    assert!(!format!("{told:?}").contains(&token), "{told:?}");
}

#[tokio::test]
async fn an_account_that_gets_no_tokens_is_told_in_the_same_way_until_it_does() {
    let (world, account) = serve(|simulator, account| {
        simulator.fcm().disable_service_account(&account.client_email);
    })
    .await;
    let told = futures_util::future::join_all((0..100).map(|number| world.send(push("good", number)))).await;
    for result in &told {
        let seen = (result.outcome(), result.reason(), result.attempts);
        assert_eq!(seen, (Outcome::Credential, Reason::CredentialMissing, 0), "{result:?}");
        assert!(
            result.detail.contains("refuses the credential with status 401: disabled_client"),
            "{result:?}"
        );
    }
    let labels = format!(r#"{{credential="{}",place="token endpoint"}}"#, account.client_email);
    let refused = || metric(&world.gateway, &format!("fanfare_credential_refused{labels}"));
    assert_eq!(refused(), 1.0);
    assert_eq!(metric(&world.gateway, &format!("fanfare_credential_refused_pushes_total{labels}")), 100.0);
    let ready = readiness(&world).await;
    assert!(ready.contains("app bad") && ready.contains("app good"), "{ready}");
    world.simulator.fcm().enable_service_account(&account.client_email);
    let taken = async { while world.send(push("good", 1)).await.outcome() != Outcome::Accepted {} };
    tokio::time::timeout(SOON, taken).await.expect("a token comes");
    assert_eq!((refused(), readiness(&world).await.as_str()), (0.0, "ready\n"));
}

#[tokio::test]
async fn those_who_wait_for_a_turn_of_their_project_hear_that_it_is_refused() {
    let simulator = Simulator::builder().fcm(FcmSettings::default()).start().await.unwrap();
    let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
    let mut bad = app("bad", OTHER, &account);
    bad.fcm.as_mut().unwrap().pushes_per_minute = Some(60);
    let mut config = Config::on_loopback(vec![bad], Trust::of_system().unwrap());
    config.fcm.origin = simulator.fcm().origin().parse().unwrap();
    config.fcm.trust = trust(&simulator);
    let gateway = Gateway::start(config, Network::default()).await.unwrap();
    let client = connect(&gateway).await;
    let world = World { simulator, gateway, client };
    let longest = |number| within(push("bad", number), SOON + SOON / 2);
    // One has its turn in each second, and two refusals shut the credential.
    let all = futures_util::future::join_all((0..28).map(|number| world.send(longest(number))));
    for result in &tokio::time::timeout(SOON, all).await.expect("nobody waits for a turn in vain") {
        assert_eq!(result.outcome(), Outcome::Credential, "{result:?}");
    }
}
