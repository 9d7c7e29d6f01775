//! `fanfare check --online`, in front of the simulator.

use std::path::PathBuf;

use fanfare_simulator::{
    Environment, Fault, FaultRule, FcmSettings, MattermostSettings, ScriptedAnswer, Simulator, Trigger,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::{check, json as run, text};
use crate::harness::TOPIC;
use crate::tunnel::{Mode, Tunnel};

const PROJECT: &str = "demo-project";

/// A simulator, and a folder with a configuration whose app `shop` asks all of its services.
struct Services {
    simulator: Simulator,
    folder: TempDir,
    config: String,
}

impl Services {
    async fn start() -> Self {
        let fcm = FcmSettings { projects: vec![PROJECT.into()], ..FcmSettings::default() };
        let simulator = Simulator::builder()
            .bundle_ids([TOPIC])
            .fcm(fcm)
            .mattermost(MattermostSettings::default())
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = simulator.provider_key();
        let account = simulator.fcm().add_service_account(&[PROJECT]).unwrap();
        for (file, content) in [
            ("key.p8", key.private_key_pem.as_str()),
            ("account.json", &account.key_json()),
            ("ca.pem", simulator.ca_pem()),
            ("vapid.pem", include_str!("../../data/vapid/pkcs8.pem")),
        ] {
            std::fs::write(folder.path().join(file), content).unwrap();
        }
        let config = format!(
            r#"
[upstream]
ca_files = ["ca.pem"]
[apns]
production = "{}"
sandbox = "{}"
[fcm]
origin = "{}"
[apps.shop.apns]
environment = "production"
topics = ["{TOPIC}"]
[apps.shop.apns.token]
key_file = "key.p8"
key_id = "{}"
team_id = "{}"
[apps.shop.fcm]
project = "{PROJECT}"
key_file = "account.json"
[apps.shop.mattermost]
url = "{}"
server_id = "server"
[apps.shop.web_push]
key_file = "vapid.pem"
subject = "mailto:push@example.com"
"#,
            simulator.origin(Environment::Production),
            simulator.origin(Environment::Sandbox),
            simulator.fcm().origin(),
            key.key_id,
            key.team_id,
            simulator.mattermost().origin(),
        );
        Self { simulator, folder, config }
    }

    fn file(&self, config: &str) -> PathBuf {
        let file = self.folder.path().join("fanfare.toml");
        std::fs::write(&file, config).unwrap();
        file
    }

    /// Asks with a configuration, and returns what came of it with the exit code.
    async fn ask(&self, config: &str, flags: &[&str]) -> (Vec<Value>, Option<i32>) {
        let (document, code) = run(&self.file(config), &[&["--online"], flags].concat()).await;
        assert_eq!(document["findings"], json!([]), "{document:#}");
        assert_eq!(document["good"], code == Some(0), "{document:#}");
        (document["online"].as_array().unwrap().clone(), code)
    }

    /// What one provider of the app `shop` answered.
    async fn answer(&self, config: &str, provider: &str, flags: &[&str]) -> (String, String, String) {
        let (online, code) = self.ask(config, flags).await;
        let asked = online.iter().find(|asked| asked["provider"] == provider).unwrap();
        let text = |key: &str| asked[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(code, Some(i32::from(text("answer") != "works")), "{online:#?}");
        (text("answer"), text("words"), text("advice"))
    }
}

#[tokio::test]
async fn all_services_of_an_app_are_asked_and_take_what_it_shows() {
    let services = Services::start().await;
    let (online, code) = services.ask(&services.config, &[]).await;
    assert_eq!(code, Some(0), "{online:#?}");
    let told: Vec<_> = online.iter().map(|it| (it["provider"].clone(), it["answer"].clone())).collect();
    let expected = [("apns", "works"), ("fcm", "works"), ("web_push", "not_asked"), ("mattermost", "works")];
    assert_eq!(told, expected.map(|(provider, answer)| (json!(provider), json!(answer))), "{online:#?}");
    // FCM was asked to validate, the push proxy for its version, and APNs for a device that does not exist.
    let entries = services.simulator.journal().entries();
    let paths: Vec<_> = entries.iter().map(|entry| &*entry.path).collect();
    let nobody = format!("/3/device/{}", "0".repeat(64));
    assert!(paths.contains(&nobody.as_str()), "{paths:?}");
    assert!(paths.contains(&"/version") && !paths.contains(&"/api/v1/send_push"), "{paths:?}");

    let ran = check(&services.file(&services.config), &["--online", "--app", "shop"]).await;
    let (said, _) = text(&ran);
    assert!(said.contains("  works        shop apns production com.example.app: "), "{said}");
    assert!(said.ends_with("fanfare.toml is good\n"), "{said}");
    let ran = check(&services.file(&services.config), &["--online", "--app", "nobody"]).await;
    assert_ne!(ran.status.code(), Some(0));
    assert!(text(&ran).1.contains("has no app \"nobody\""), "{ran:?}");
}

/// As APNs and FCM answer for targets that they do not know. Sources: Apple, "Handling notification responses from APNs", and
/// Firebase, "FCM Error Codes".
#[tokio::test]
async fn an_answer_about_the_target_that_was_made_up_shows_that_all_else_was_taken() {
    let services = Services::start().await;
    let refuse = |path: &str, status, reason: &str| {
        let answer = ScriptedAnswer { status, reason: Some(reason.to_owned()), ..ScriptedAnswer::default() };
        services
            .simulator
            .add_fault(FaultRule::once(Trigger::PathPrefix(path.to_owned()), Fault::Answer(answer)));
    };
    refuse("/3/device/", 400, "BadDeviceToken");
    refuse("/v1/projects/", 404, "UNREGISTERED");
    let (online, code) = services.ask(&services.config, &[]).await;
    assert_eq!(code, Some(0), "{online:#?}");
    for (at, words) in
        [(0, "status 400: BadDeviceToken: which is"), (1, "status 404: UNREGISTERED: which is")]
    {
        assert_eq!(online[at]["answer"], "works", "{online:#?}");
        assert!(online[at]["words"].as_str().unwrap().starts_with(words), "{online:#?}");
    }
}

#[tokio::test]
async fn what_a_service_refuses_is_told_in_its_words_with_what_to_do() {
    let services = Services::start().await;
    let other_topic = services.config.replace(TOPIC, "com.example.other");
    let (answer, words, advice) = services.answer(&other_topic, "apns", &[]).await;
    assert_eq!(answer, "refused");
    assert!(words.contains("TopicDisallowed") && advice.contains("bundle ids"), "{words}: {advice}");

    let other_project = services.config.replace(PROJECT, "other-project");
    let (answer, words, advice) = services.answer(&other_project, "fcm", &[]).await;
    assert_eq!(answer, "refused");
    assert!(words.contains("status 40") && !advice.is_empty(), "{words}: {advice}");

    services.simulator.revoke_provider_key(&services.simulator.provider_key().key_id.clone());
    let (answer, words, advice) = services.answer(&services.config, "apns", &[]).await;
    assert_eq!(answer, "refused");
    assert!(words.contains("InvalidProviderToken") && advice.contains("key_id"), "{words}: {advice}");

    let account = std::fs::read_to_string(services.folder.path().join("account.json")).unwrap();
    let account: Value = serde_json::from_str(&account).unwrap();
    services.simulator.fcm().disable_service_account(account["client_email"].as_str().unwrap());
    let (answer, words, advice) = services.answer(&services.config, "fcm", &[]).await;
    assert_eq!(answer, "refused");
    assert!(words.contains("disabled_client") && !advice.is_empty(), "{words}: {advice}");

    // Another server answers where the push proxy should be.
    let apns = services.simulator.fcm().origin();
    let elsewhere = services.config.replace(&services.simulator.mattermost().origin(), &apns);
    let (answer, words, _) = services.answer(&elsewhere, "mattermost", &[]).await;
    assert_eq!(answer, "refused");
    assert!(
        words.contains("expected the version of a push proxy, found another answer of status 404"),
        "{words}"
    );
}

#[tokio::test]
async fn what_is_not_reached_is_told_by_the_step_that_failed() {
    let services = Services::start().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let production = services.simulator.origin(Environment::Production);
    let proxied =
        |tunnel: &Tunnel| format!("[proxy]\nurl = \"http://{}\"\n{}", tunnel.address, services.config);
    let refusing = Tunnel::start(Mode::Refuse(407)).await;
    let stalling = Tunnel::start(Mode::Stall).await;
    let no_trust = services.config.replace("ca_files = [\"ca.pem\"]", "ca_files = []");
    for (config, expected) in [
        (
            services.config.replace(&production, &format!("https://127.0.0.1:{port}")),
            "cannot connect to 127.0.0.1",
        ),
        (no_trust, "TLS with localhost failed: "),
        (proxied(&refusing), "refused to connect to localhost: status 407"),
        (proxied(&stalling), "no connection within 0.8 s"),
    ] {
        let (answer, words, _) = services.answer(&config, "apns", &["--timeout", "1s"]).await;
        assert_eq!(answer, "not_reached", "{words}");
        assert!(words.contains(expected), "{expected}: {words}");
    }
}

#[tokio::test]
async fn a_service_that_hangs_is_not_waited_for_longer_than_the_timeout() {
    let services = Services::start().await;
    services.simulator.add_fault(FaultRule::always(Trigger::Always, Fault::Silence));
    let (online, code) = services.ask(&services.config, &["--timeout", "300ms"]).await;
    assert_eq!(code, Some(1), "{online:#?}");
    let not_reached = online.iter().filter(|asked| asked["answer"] == "not_reached").count();
    assert_eq!(not_reached, 3, "{online:#?}");
}
