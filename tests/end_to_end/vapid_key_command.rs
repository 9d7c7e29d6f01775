//! `fanfare vapid-key` and `fanfare send --web-push`, run as a user types them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

use crate::batch_command::{address, read};
use crate::harness::{APP, SOON, World};

fn fanfare<const N: usize>(args: [&str; N], stdin: &str) -> Output {
    let mut command = Command::cargo_bin("fanfare").unwrap();
    command.args(args).write_stdin(stdin).timeout(SOON).output().unwrap()
}

fn said(output: &[u8]) -> &str {
    std::str::from_utf8(output).unwrap()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vapid").join(name)
}

#[test]
fn a_key_is_made_once_for_its_owner_alone_and_shown_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vapid.pem");
    let name = file.to_str().unwrap();
    let made = fanfare(["vapid-key", name], "");
    assert!(made.status.success(), "{made:?}");
    let pem = read(&file);
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"), "{pem}");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Standard output has the public key and nothing else, and no output has the private key.
    let public_key = said(&made.stdout).trim();
    assert_eq!((public_key.len(), &public_key[..1]), (87, "B"));
    assert_eq!(said(&made.stderr).lines().count(), 2);
    assert!(said(&made.stderr).contains("applicationServerKey") && said(&made.stderr).contains(name));
    let secret = pem.lines().nth(1).unwrap();
    assert!(!said(&[made.stdout.clone(), made.stderr.clone()].concat()).contains(secret));

    let shown = fanfare(["vapid-key", "--show", name], "");
    assert_eq!(said(&shown.stdout), said(&made.stdout), "{shown:?}");

    let again = fanfare(["vapid-key", name], "");
    assert_eq!(again.status.code(), Some(2));
    assert!(said(&again.stderr).contains("exists already and is not overwritten"), "{again:?}");
    assert_eq!(read(&file), pem);

    let other = folder.path().join("other.pem");
    let made = fanfare(["vapid-key", other.to_str().unwrap()], "");
    assert_ne!(said(&made.stdout).trim(), public_key);
}

#[test]
fn the_public_key_of_every_form_is_shown_and_what_is_no_key_is_said() {
    let expected = read(&data("public.key"));
    for form in ["pkcs8.pem", "sec1.pem", "private.key"] {
        let shown = fanfare(["vapid-key", "--show", data(form).to_str().unwrap()], "");
        assert_eq!(said(&shown.stdout), expected, "{form}: {shown:?}");
        let shown = fanfare(["vapid-key", "--show", "-"], &read(&data(form)));
        assert_eq!(said(&shown.stdout), expected, "{form}: {shown:?}");
    }
    let refused = fanfare(["vapid-key", "--show", data("public.key").to_str().unwrap()], "");
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused.stderr).trim_end().ends_with("found a public key"), "{refused:?}");
    for args in
        [["vapid-key", "/does/not/exist/vapid.pem"].as_slice(), &["vapid-key", "--show", "/does/not/exist"]]
    {
        let refused = Command::cargo_bin("fanfare").unwrap().args(args).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused.stderr).contains("/does/not/exist"), "{refused:?}");
    }
}

/// Source: RFC 8291, section 5.
const SUBSCRIPTION: &str = r#"{
  "endpoint": "https://push.example/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
  "expirationTime": null,
  "keys": {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg"
  }
}"#;

#[tokio::test]
async fn a_subscription_is_sent_to_from_a_file_and_from_standard_input() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("subscription.json");
    std::fs::write(&file, SUBSCRIPTION).unwrap();
    let (to, file) = (address(&world), file.to_str().unwrap().to_owned());
    let send = move |from: &str, stdin: &str| {
        fanfare(["send", "--to", &to, "--app", APP, "--web-push", from, "--title", "Hello"], stdin)
    };
    let run = tokio::task::spawn_blocking(move || {
        // The gateway read the whole subscription, and refuses it only because this app has no Web Push.
        for (from, stdin) in [(file.as_str(), ""), ("-", SUBSCRIPTION)] {
            let refused = send(from, stdin);
            assert_eq!(refused.status.code(), Some(1));
            assert!(said(&refused.stdout).contains("REASON_PROVIDER_NOT_CONFIGURED"), "{refused:?}");
        }
        for (subscription, expected) in [
            ("{}", "- is no subscription as PushSubscription.toJSON() gives it: missing field `endpoint`"),
            (
                &SUBSCRIPTION.replace("gg\"", "\""),
                "keys.auth: expected 16 bytes in base64url, found 15 bytes",
            ),
        ] {
            let refused = send("-", subscription);
            assert_eq!(refused.status.code(), Some(2));
            assert!(said(&refused.stderr).contains(expected), "{refused:?}");
        }
    });
    run.await.unwrap();
}
