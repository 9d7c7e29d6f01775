//! What `[http.mattermost]` may say, and what is wrong with it; and the command that writes it.

use std::process::Command;

use fanfare::config::Config;

use super::*;
use crate::config::{SAMPLE, errors, folder};

const LISTEN: &str = "[[http]]\nlisten = \"127.0.0.1:8066\"\nserve = [\"mattermost\"]\n";

#[tokio::test]
async fn what_is_wrong_is_said_with_its_key() {
    let folder = folder().await;
    let both = "\n[apps.both.apns]\nenvironment = \"production\"\ntopics = [\"com.example.both\"]\n[apps.both.apns.token]\n\
                key_file = \"AuthKey_ABC123DEFG.p8\"\nkey_id = \"ABC123DEFG\"\nteam_id = \"DEF123GHIJ\"\n[apps.both.fcm]\n\
                project = \"my-project\"\nkey_file = \"service-account.json\"\n";
    for (lines, expected) in [
        (
            "[http.mattermost.platforms]\napple_rn = \"nobody\"",
            "platforms.apple_rn: expected the name of one of [apps.NAME]",
        ),
        (
            "[http.mattermost.platforms]\napple_rn = \"web\"",
            "platforms.apple_rn: expected an app with apns or fcm",
        ),
        ("[http.mattermost.platforms]\nwindows = \"both\"", "both has both"),
        ("[http.mattermost.platforms]\n\"a b\" = \"shop\"", "a platform"),
        (
            "[http.mattermost]\nforward = \"push.example\"",
            "http.0.mattermost.forward: expected a URL such as",
        ),
        ("[http.mattermost]\nforward = \"https://push.example:x\"", "http.0.mattermost.forward: expected"),
        (
            "[http.mattermost]\nforward = \"https://push.example\"\nmax_forwards = 0",
            "http.0.mattermost.max_forwards: expected more than 0",
        ),
        ("body_timeout = \"26s\"", "http.0.body_timeout: expected at most 25s"),
    ] {
        let said = errors(folder.path(), |_| format!("{SAMPLE}{both}{LISTEN}{lines}\n"));
        assert!(said.contains(expected) && said.lines().count() == 1, "{lines}\n{said}");
    }
    for lines in [
        "[http.mattermost.platforms]\napple_rn = \"both\"\nandroid_rn = \"both\"\nandroid_rn-v1000 = \"droid\"\nshop = \"shop\"",
        "[http.mattermost]\nforward = \"http://127.0.0.1:8066/a/b/\"",
        "",
    ] {
        assert_eq!(errors(folder.path(), |_| format!("{SAMPLE}{both}{LISTEN}{lines}\n")), "none", "{lines}");
    }
}

fn fanfare(arguments: &[&str], proxy: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command
        .args(arguments)
        .env_remove("HTTPS_PROXY")
        .env_remove("HTTP_PROXY")
        .envs(proxy.map(|url| ("HTTP_PROXY", url)));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// What the command writes is good, and never over anything.
#[tokio::test]
async fn an_imported_configuration_passes_the_check() {
    let folder = folder().await;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let theirs = json!({
        "ListenAddress": ":8066",
        "ApplePushSettings": [{
            "Type": "apple_rn", "ApplePushTopic": "com.example.shop", "AppleAuthKeyFile": "AuthKey_ABC123DEFG.p8",
            "AppleAuthKeyID": "ABC123DEFG", "AppleTeamID": "DEF123GHIJ",
        }],
        "AndroidPushSettings": [{ "Type": "android_rn", "ServiceFileLocation": "service-account.json" }],
    });
    std::fs::write(path("theirs.json"), theirs.to_string()).unwrap();
    let import = ["import", "mattermost-push-proxy", &path("theirs.json"), "--out", &path("out")];
    let (code, said) = fanfare(&import, Some("http://user:hunter2@proxy.example:3128"));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("HTTP_PROXY") && !said.contains("hunter2"), "{said}");
    assert_eq!(std::fs::read_to_string(path("out/proxy-credentials")).unwrap(), "user:hunter2");
    let (code, said) = fanfare(&["check", "--config", &path("out/fanfare.toml")], None);
    assert_eq!(code, Some(0), "{said}");
    let config = Config::load(&folder.path().join("out/fanfare.toml")).unwrap();
    let platforms = &config.http[0].mattermost.as_ref().unwrap().platforms;
    assert_eq!(platforms["apple_rn"].kind, PlatformKind::Apple);
    assert_eq!(platforms["android_rn"].kind, PlatformKind::Android);
    let (code, said) = fanfare(&import, None);
    assert!(code == Some(2) && said.contains("not overwritten"), "{said}");
}

/// An exit code of 0 says that the configuration can be used, so what cannot is left to be done.
#[tokio::test]
async fn an_import_tells_what_the_check_would_find() {
    let folder = folder().await;
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("apns.p12"), b"\x30\x82\x0a\x01\x02\x01\x03\xff").unwrap();
    let theirs = json!({ "ApplePushSettings": [
        { "Type": "apple_rn", "ApplePushTopic": "com.example.shop", "ApplePushCertPrivate": "apns.p12" },
        {
            "Type": "apple_rnbeta", "ApplePushTopic": "com.example.shop", "AppleAuthKeyFile": "AuthKey_ABC123DEFG.p8",
            "AppleAuthKeyID": "SHORT", "AppleTeamID": "DEF123GHIJ",
        },
    ]});
    std::fs::write(path("theirs.json"), theirs.to_string()).unwrap();
    let import = ["import", "mattermost-push-proxy", &path("theirs.json"), "--out", &path("out")];
    let (code, said) = fanfare(&import, None);
    assert_eq!(code, Some(1), "{said}");
    for expected in ["found DER, as .p12", "apps.apple_rnbeta.apns.token.key_id"] {
        assert!(said.lines().any(|line| line.starts_with("to do: ") && line.contains(expected)), "{said}");
    }
    std::fs::write(path("theirs.yaml"), "apps: {}").unwrap();
    let (code, said) = fanfare(&["import", "mattermost-push-proxy", &path("theirs.yaml")], None);
    assert!(code == Some(2) && said.contains("it is no JSON"), "{said}");
}
