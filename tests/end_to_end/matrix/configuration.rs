//! What the configuration says of the ingress, and what it is told that is wrong.

use std::path::Path;

use super::*;

/// A configuration with this below `[[http]]`, and every problem that it has.
fn problems(apps: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("fanfare.toml");
    let text = format!(
        "[[http]]\nlisten = \"127.0.0.1:0\"\nserve = [\"matrix\"]\n{apps}\n[apps.shop.fcm]\nproject = \"p\"\n\
         metadata_server = true\n[apps.chat.mattermost]\nurl = \"https://push.example.org\"\nserver_id = \"s\"\n"
    );
    std::fs::write(&file, text).unwrap();
    match Config::load(&file) {
        Ok(_) => Vec::new(),
        Err(errors) => {
            errors.0.into_iter().map(|error| format!("{}: {}", error.key, error.problem)).collect()
        }
    }
}

#[test]
fn an_app_is_named_with_the_provider_that_it_has() {
    assert_eq!(
        problems("[http.matrix.apps.\"com.example.*\"]\napp = \"shop\"\nsend_badge_counts = false\n"),
        [""; 0]
    );
    let options = "[http.matrix.apps.a]\napp = \"shop\"\nprovider = \"fcm\"\n[http.matrix.apps.a.fcm_options.apns.payload.aps]\nalert = \"\"\n";
    assert_eq!(problems(options), [""; 0]);
    assert_eq!(
        problems("[http.matrix]\nunknown_app = \"reject\"\nmax_wait = \"5s\"\napps.a.app = \"shop\""),
        [""; 0]
    );
}

#[test]
fn what_is_wrong_is_told_with_its_key() {
    for (apps, expected) in [
        (
            "[http.matrix]\napps.a.app = \"other\"",
            "http.0.matrix.apps.a.app: expected the name of one of [apps.NAME], found \"other\"",
        ),
        (
            "[http.matrix]\napps.a.app = \"chat\"",
            "http.0.matrix.apps.a.app: expected an app with apns, fcm or web_push",
        ),
        (
            "[http.matrix.apps.a]\napp = \"shop\"\nprovider = \"apns\"",
            "http.0.matrix.apps.a.app: expected a provider that [apps.shop] has",
        ),
        ("[http.matrix.apps.a]\napp = \"shop\"\nprovider = \"gcm\"", "unknown variant `gcm`"),
        (
            "[http.matrix.apps.a]\napp = \"shop\"\npush_type = \"alert\"",
            "http.0.matrix.apps.a.push_type: expected no such key beside an app on fcm",
        ),
        (
            "[http.matrix.apps.a]\napp = \"shop\"\nttl = \"1h\"",
            "http.0.matrix.apps.a.ttl: expected no such key beside an app on fcm",
        ),
        (
            "[http.matrix.apps.a]\napp = \"shop\"\nfcm_options = { token = \"x\" }",
            "http.0.matrix.apps.a.fcm_options: expected options without token",
        ),
        (
            "[http.matrix]\napps.\"a*\".app = \"shop\"\napps.\"*b\".app = \"shop\"",
            "expected patterns of which at most one means an app_id, found",
        ),
        (
            "[http.matrix]\nmax_wait = \"51s\"\napps.a.app = \"shop\"",
            "http.0.matrix.max_wait: expected at most 50s, found 51s",
        ),
        (
            "[http.matrix]\nmax_wait = \"0s\"\napps.a.app = \"shop\"",
            "http.0.matrix.max_wait: expected more than 0",
        ),
        ("[http.matrix]\nunknown_app = \"drop\"\napps.a.app = \"shop\"", "unknown variant `drop`"),
        ("[http.matrix]\napps.a.app = \"shop\"\napps.a.topic = \"t\"", "unknown field `topic`"),
    ] {
        let told = problems(apps);
        assert!(told.len() == 1 && told[0].contains(expected), "{apps}\n{expected}\n{told:#?}");
    }
}

/// The files of sygnal that a test has: the simulator's keys, and a configuration that names them.
fn sygnal(dir: &Path, simulator: &fanfare_simulator::Simulator) {
    let key = simulator.provider_key();
    std::fs::write(dir.join("key.p8"), &key.private_key_pem).unwrap();
    let certificate = simulator.client_certificate(&[crate::harness::TOPIC]).unwrap();
    std::fs::write(
        dir.join("app.pem"),
        format!("{}{}", certificate.certificate_pem, certificate.private_key_pem),
    )
    .unwrap();
    let account = simulator.fcm().add_service_account(&["project"]).unwrap();
    std::fs::write(dir.join("account.json"), account.key_json()).unwrap();
    std::fs::write(dir.join("vapid.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let text = format!(
        "http: {{bind_addresses: ['0.0.0.0'], port: 5000}}\nproxy: 'http://user:secret-word@proxy.example.org:3128'\n\
         apps:\n  com.example.ios:\n    type: apns\n    keyfile: key.p8\n    key_id: {}\n    team_id: {}\n    topic: com.example.app\n\
         \x20 com.example.old:\n    type: apns\n    certfile: app.pem\n    topic: com.example.app\n    platform: sandbox\n\
         \x20 com.example.droid.*:\n    type: gcm\n    api_version: v1\n    project_id: project\n    service_account_file: account.json\n\
         \x20 com.example.web:\n    type: webpush\n    vapid_private_key: vapid.pem\n    vapid_contact_email: ops@example.org\n    \
         allowed_endpoints: ['updates.push.services.mozilla.com']\n",
        key.key_id, key.team_id
    );
    std::fs::write(dir.join("sygnal.yaml"), text).unwrap();
}

#[tokio::test]
async fn a_configuration_of_sygnal_becomes_one_that_a_gateway_takes() {
    use std::os::unix::fs::PermissionsExt;

    let simulator =
        fanfare_simulator::Simulator::builder().bundle_ids([crate::harness::TOPIC]).start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    sygnal(dir.path(), &simulator);
    let out = dir.path().join("out");
    let command = || {
        let mut command = assert_cmd::Command::cargo_bin("fanfare").unwrap();
        command.env_remove("HTTPS_PROXY").args(["import", "sygnal"]).arg(dir.path().join("sygnal.yaml"));
        command.arg("--out").arg(&out);
        command
    };
    let told = command().assert().code(0);
    let told = String::from_utf8(told.get_output().stderr.clone()).unwrap();
    assert!(told.contains("plaintext_anywhere is true") && !told.contains("secret-word"), "{told}");
    let text = std::fs::read_to_string(out.join("fanfare.toml")).unwrap();
    assert!(!text.contains("secret-word"), "{text}");
    let secret = out.join("proxy-credentials");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "user:secret-word");
    assert_eq!(secret.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let config = Config::load(&out.join("fanfare.toml")).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    assert_eq!((config.apps.len(), config.http.len()), (4, 1));
    let mut check = assert_cmd::Command::cargo_bin("fanfare").unwrap();
    let checked = check.arg("check").arg("--config").arg(out.join("fanfare.toml")).assert().code(0);
    let checked = String::from_utf8(checked.get_output().stdout.clone()).unwrap();
    let app_ids = "app ids com.example.droid.* com.example.ios com.example.old com.example.web";
    assert!(checked.contains("serves matrix") && checked.contains(app_ids), "{checked}");
    // Nothing is overwritten.
    command().assert().code(2);
    assert_eq!(std::fs::read_to_string(out.join("fanfare.toml")).unwrap(), text);
}

/// The page has a configuration, which is good as it is, beside the apps of the sample.
#[tokio::test]
async fn the_page_on_matrix_names_a_good_configuration() {
    let page = include_str!("../../../docs/matrix.md");
    let toml = page.split("\n```toml\n").nth(1).unwrap().split("\n```").next().unwrap();
    let folder = crate::config::folder().await;
    let text = format!("{}\n{toml}\n", crate::config::SAMPLE);
    assert_eq!(crate::config::errors(folder.path(), |_| text), "none");
}
