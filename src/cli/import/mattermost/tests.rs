use std::path::Path;

use secrecy::ExposeSecret;

use super::*;
use crate::config::Config;

/// A certificate with its key in one file, as the real push proxy has it.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["com.example.app".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let account = serde_json::json!({
        "type": "service_account", "project_id": "proj-x", "private_key_id": "kid",
        "private_key": key, "client_email": "svc@proj-x.example", "token_uri": "https://oauth2.googleapis.com/token",
    });
    std::fs::write(dir.path().join("cert.pem"), format!("{certificate}{key}")).unwrap();
    std::fs::write(dir.path().join("key.p8"), pair.serialize_pem()).unwrap();
    std::fs::write(dir.path().join("service.json"), account.to_string()).unwrap();
    dir
}

fn imported(dir: &Path, config: &serde_json::Value, proxy: Option<&str>) -> Imported {
    let folders = Folders::around(&dir.join("mattermost-push-proxy.json"));
    import(&config.to_string(), &folders, proxy.map(|url| ("HTTPS_PROXY", url.to_owned()))).unwrap()
}

fn targets() -> serde_json::Value {
    serde_json::json!({
        "ListenAddress": ":8066",
        "ThrottlePerSec": 300,
        "SendTimeoutSec": 30,
        "EnableMetrics": true,
        "LogFormat": "json",
        "ApplePushSettings": [
            {
                "Type": "apple_rn", "ApplePushTopic": "com.example.app", "ApplePushUseDevelopment": false,
                "AppleAuthKeyFile": "./key.p8", "AppleAuthKeyID": "ABC123DEFG", "AppleTeamID": "DEF123GHIJ",
            },
            {
                "type": "apple_rnbeta", "ApplePushTopic": "com.example.beta", "ApplePushUseDevelopment": true,
                "ApplePushCertPrivate": "cert.pem", "ApplePushCertPassword": "",
            },
        ],
    })
}

#[test]
fn what_is_written_is_a_configuration_that_says_the_same() {
    let dir = folder();
    let written = imported(dir.path(), &targets(), Some("http://user:p%40ss@proxy.example:3128"));
    assert_eq!(written.lost, Vec::<String>::new());
    let [(name, secret)] = &written.secrets[..] else { panic!("one secret stood in the environment") };
    assert_eq!((*name, secret.expose_secret()), ("proxy-credentials", "user:p@ss"));
    assert!(!written.toml.contains("p@ss") && !written.toml.contains("p%40ss"));
    let out = dir.path().join("out");
    assert!(matches!(written.write(&out, false).unwrap(), Done::Good));
    let config = Config::load(&out.join("fanfare.toml")).unwrap();
    let apps: Vec<_> = config.apps.iter().map(|app| app.id.to_string()).collect();
    assert_eq!(apps, ["apple_rn", "apple_rnbeta"]);
    let apns = |at: usize| config.apps[at].apns.as_ref().unwrap();
    assert_eq!(apns(0).provider.bundle_ids().collect::<Vec<_>>(), ["com.example.app"]);
    assert_eq!(apns(1).provider.own_environment(), crate::push::ApnsEnvironment::Sandbox);
    let http = &config.http[0];
    assert_eq!(http.listener.listen, "0.0.0.0:8066".parse().unwrap());
    let platforms = &http.mattermost.as_ref().unwrap().platforms;
    assert_eq!(platforms.keys().collect::<Vec<_>>(), ["apple_rn", "apple_rnbeta"]);
    assert!(config.proxy.is_some());
}

#[test]
fn what_cannot_be_carried_over_is_said() {
    let dir = folder();
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(dir.path().join("encrypted.pem"), encrypted).unwrap();
    let config = serde_json::json!({
        "ListenAddress": "proxy.example:http",
        "EnableFileLog": true,
        "RetryTimeoutSec": 20,
        "Novelty": 1,
        "ApplePushSettings": [
            { "Type": "a", "ApplePushTopic": "com.example", "ApplePushCertPrivate": "encrypted.pem", "ApplePushCertPassword": "hunter2" },
            { "Type": "b", "ApplePushTopic": "com.example" },
            { "Type": "c", "ApplePushTopic": "com.example", "AppleAuthKeyFile": "gone.p8", "AppleAuthKeyID": "K", "AppleTeamID": "T" },
            { "Type": "white space" },
        ],
        "AndroidPushSettings": [
            { "Type": "d", "AndroidApiKey": "AIza", "ServiceFileLocation": "" },
            { "Type": "a", "ServiceFileLocation": "service.json" },
        ],
    });
    let Imported { toml, notes, lost, .. } = imported(dir.path(), &config, Some("https://proxy.example"));
    for (sentences, parts) in [
        (
            &lost,
            &[
                "encrypted private key",
                "\"b\" has neither",
                "gone.p8, which is not found",
                "cannot name an app",
                "no ServiceFileLocation",
                "HTTPS_PROXY was not taken over",
                "is no address",
            ][..],
        ),
        (
            &notes,
            &[
                "EnableFileLog",
                "RetryTimeoutSec = 20",
                "configuration.Novelty",
                "AndroidApiKey",
                "the last counts",
            ][..],
        ),
    ] {
        for part in parts {
            assert_eq!(
                sentences.iter().filter(|sentence| sentence.contains(part)).count(),
                1,
                "{part}: {sentences:#?}"
            );
        }
    }
    assert!(!format!("{toml}{notes:?}{lost:?}").contains("hunter2"));
    assert!(
        toml.contains("[apps.\"a\".fcm]\nproject = \"proj-x\"") && !toml.contains("[apps.\"a\".apns"),
        "{toml}"
    );
}

#[test]
fn a_configuration_of_another_shape_is_refused_by_its_path() {
    let dir = folder();
    let folders = Folders::around(dir.path());
    for (config, expected) in [
        ("[]", "the configuration: expected an object"),
        (r#"{"ApplePushSettings": {}}"#, "the configuration.ApplePushSettings: expected a list"),
        (r#"{"ApplePushSettings": [{"Type": 1}]}"#, "ApplePushSettings[0].Type: expected a text"),
        (r#"{"EnableMetrics": "yes"}"#, "the configuration.EnableMetrics: expected true or false"),
        (r#"{"SendTimeoutSec": 1.5}"#, "the configuration.SendTimeoutSec: expected a whole number"),
    ] {
        assert_eq!(import(config, &folders, None).unwrap_err().to_string(), expected, "{config}");
    }
}
