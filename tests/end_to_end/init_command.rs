//! `fanfare init`: what it writes passes `fanfare check`, and what it cannot write leaves nothing behind.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

use crate::batch_command::read;
use crate::config::folder;
use crate::harness::SOON;

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("fanfare").unwrap();
    command.current_dir(folder).args(args).timeout(SOON).output().unwrap()
}

fn init(folder: &Path, args: &[&str]) -> Output {
    run(folder, &[&["init", "--to", "new.toml"], args].concat())
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

fn mode(file: &Path) -> u32 {
    file.metadata().unwrap().permissions().mode() & 0o777
}

const APPLE: [&str; 8] = [
    "--from",
    "AuthKey_ABC123DEFG.p8",
    "--team-id",
    "DEF123GHIJ",
    "--topic",
    "com.example.shop",
    "--environment",
    "production",
];
const REST: [&str; 12] = [
    "--app",
    "shop",
    "--from",
    "service-account.json",
    "--from",
    "vapid.pem",
    "--subject",
    "mailto:push@example.com",
    "--mattermost",
    "https://push.example",
    "--server-id",
    "7ee6h5xmwbg7zjkfsz8h6p6yzr",
];

#[tokio::test]
async fn every_push_service_is_in_the_configuration_which_check_passes() {
    let folder = folder().await;
    let all = [&APPLE[..], &REST[..]].concat();
    let made = init(folder.path(), &all);
    assert_eq!((made.status.code(), made.stdout.len()), (Some(0), 0), "{}", said(&made));
    assert!(said(&made).contains("fanfare check --online --config new.toml"), "{}", said(&made));
    let file = folder.path().join("new.toml");
    let written = read(&file);
    // The folder can be moved, and no key is copied.
    assert!(written.contains("key_file = \"AuthKey_ABC123DEFG.p8\"\nkey_id = \"ABC123DEFG\"\n"), "{written}");
    assert!(!written.contains(folder.path().to_str().unwrap()), "{written}");
    assert_eq!(mode(&file), 0o644);
    let checked = run(folder.path(), &["check", "--json", "--config", "new.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    let report: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["warnings"], serde_json::json!([]), "{report}");
    for provider in ["apns", "fcm", "web_push", "mattermost"] {
        assert!(report["understood"]["apps"][0][provider].is_object(), "{provider}: {report}");
    }

    let again = init(folder.path(), &all);
    assert_eq!(again.status.code(), Some(2));
    assert!(
        said(&again).contains("exists already and is not overwritten without --force"),
        "{}",
        said(&again)
    );
    assert_eq!(read(&file), written);
    let forced = init(folder.path(), &[&all[..], &["--force"]].concat());
    assert_eq!(forced.status.code(), Some(0), "{}", said(&forced));

    let printed = run(folder.path(), &[&["init", "--to", "-"], &all[..]].concat());
    assert_eq!(printed.status.code(), Some(0), "{}", said(&printed));
    let printed = String::from_utf8(printed.stdout).unwrap();
    let whole = format!("key_file = {:?}", folder.path().join("vapid.pem"));
    assert!(printed.contains(&whole), "the text may be put anywhere: {printed}");
}

#[tokio::test]
async fn new_and_copied_keys_are_for_their_owner_alone_and_gone_if_nothing_comes_of_it() {
    let folder = folder().await;
    let other = folder.path().join("etc");
    std::fs::create_dir(&other).unwrap();
    let flags = [
        "--app",
        "web",
        "--new-vapid-key",
        "etc/new.pem",
        "--subject",
        "mailto:push@example.com",
        "--listen",
        "0.0.0.0:50051",
        "--tls-certificate",
        "gateway.pem",
        "--tls-private-key",
        "gateway.key",
        "--from",
        "service-account.json",
        "--copy",
    ];
    let in_other =
        |more: &[&str]| run(folder.path(), &[&["init", "--to", "etc/new.toml"], &flags[..], more].concat());
    let nobody = in_other(&[]);
    assert!(nobody.status.code() == Some(2) && said(&nobody).contains("--caller"), "{}", said(&nobody));
    let bad = in_other(&["--caller", "orders", "--mattermost", "no url", "--server-id", "a"]);
    assert!(bad.status.code() == Some(2) && said(&bad).contains("apps.web.mattermost"), "{}", said(&bad));
    assert_eq!(std::fs::read_dir(&other).unwrap().count(), 0, "{}", said(&bad));

    let made = in_other(&["--caller", "orders", "--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let report: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let named = serde_json::json!(["etc/service-account.json", "etc/new.pem", "etc/orders.key"]);
    assert_eq!((&report["app"], &report["made"]), (&"web".into(), &named), "{report}");
    for secret in ["new.pem", "orders.key", "service-account.json"] {
        assert_eq!(mode(&other.join(secret)), 0o600, "{secret}");
    }
    let checked = run(folder.path(), &["check", "--config", "etc/new.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    assert!(said(&checked).contains("orders"), "{}", said(&checked));

    // A copy that is there already is named as it is.
    let copied =
        ["init", "--to", "etc/other.toml", "--app", "web", "--from", "service-account.json", "--copy"];
    for _ in 0..2 {
        let other = run(folder.path(), &[&copied[..], &["--force"]].concat());
        assert_eq!(other.status.code(), Some(0), "{}", said(&other));
    }

    // Another configuration never costs a key.
    let again = in_other(&["--caller", "orders", "--force"]);
    assert!(again.status.code() == Some(2) && said(&again).contains("would be lost"), "{}", said(&again));
    for kept in ["new.toml", "new.pem", "orders.key", "service-account.json"] {
        assert!(other.join(kept).exists(), "{kept}");
    }
}

#[tokio::test]
async fn what_is_missing_is_named_where_nobody_can_be_asked() {
    let folder = folder().await;
    let without = |flag: &str| {
        let all = [&APPLE[..], &REST[..]].concat();
        let at = all.iter().position(|it| *it == flag).unwrap();
        [&all[..at], &all[at + 2..]].concat()
    };
    for flag in ["--team-id", "--topic", "--environment", "--app", "--subject", "--server-id"] {
        let missing = init(folder.path(), &without(flag));
        let sentence = said(&missing);
        assert_eq!(missing.status.code(), Some(2), "{sentence}");
        assert!(sentence.starts_with(&format!("error: {flag} is missing: ")), "{sentence}");
        assert_eq!(sentence.lines().count(), 1, "{sentence}");
    }
    let bare = init(folder.path(), &["--from", "AuthKey_ABC123DEFG.p8", "--from", "vapid.pem"]);
    let all = ["--team-id", "--topic", "--environment", "--subject", "--app"];
    for flag in all {
        assert!(said(&bare).contains(&format!("{flag} is missing: ")), "{}", said(&bare));
    }
    assert_eq!(said(&bare).lines().count(), 1, "{}", said(&bare));
    std::fs::write(folder.path().join("apns.p12"), b"\x30\x82\x0a\x01\x02\x01\x03\xff").unwrap();
    for (flags, expected) in [
        (&[][..], "--from is missing"),
        (&["--from", "apns.p12"], "found DER, as .p12"),
        (&["--from", "/dev/null"], "found a device"),
        (&["--listen", "localhost:1"], "an IP address with a port"),
        (&["--new-vapid-key", "-", "--subject", "mailto:a@b.example", "--app", "a"], "the name of a file"),
        (&["--mattermost", "https://push.example", "--server-id", "a", "--copy"], "--copy has no effect"),
        (&["--from", "gone.json"], "gone.json: cannot be read"),
        (&["--from", "."], "found a folder"),
        (&["--from", "news.pem"], "it is a certificate"),
        (
            &["--from", "vapid.pem", "--from", "vapid.pem", "--subject", "mailto:a@b.example"],
            "second VAPID key",
        ),
        (&["--from", "service-account.json", "--topic", "a"], "--topic has no effect"),
        (&["--mattermost", "https://push.example", "--server-id", "a", "--app", "a b"], "--app: "),
        (&["--listen", "0.0.0.0:1"], "--plaintext"),
    ] {
        let refused = init(folder.path(), flags);
        assert_eq!(refused.status.code(), Some(2), "{flags:?}");
        let sentence = said(&refused);
        assert!(sentence.starts_with("error: ") && sentence.contains(expected), "{flags:?}: {sentence}");
    }
    assert!(!folder.path().join("new.toml").exists());
    let both = run(folder.path(), &["init", "--to", "-", "--json"]);
    assert!(both.status.code() == Some(2) && said(&both).contains("--json has no room"), "{}", said(&both));
}
