//! Files with a byte order mark and with CRLF, as PowerShell and Notepad write them.

use std::path::Path;

use super::{check, fanfare, run, said};
use crate::batch_command::{address, line};
use crate::config::{folder, switched_on};
use crate::harness::{APP, World, good};

/// The text as an editor on Windows writes it.
fn as_on_windows(text: &str) -> String {
    format!("\u{feff}{}", text.replace("\r\n", "\n").replace('\n', "\r\n"))
}

#[tokio::test]
async fn the_configuration_and_every_file_that_it_names_may_begin_with_one() {
    let folder = folder().await;
    let config = folder.path().join("fanfare.toml");
    let sample = switched_on(&std::fs::read_to_string(&config).unwrap());
    std::fs::write(&config, sample.replacen("ca_files = []", "ca_files = [\"ca.pem\"]", 1)).unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let file = entry.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, as_on_windows(&text)).unwrap();
    }
    let checked = run(check(&config)).await;
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[tokio::test]
async fn every_input_of_the_command_line_may_begin_with_one() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let to = address(&world);
    let file = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, as_on_windows(text)).unwrap();
        file
    };
    let push = file("push.json", &line(&good(1), "Hello"));
    let pushes = file("pushes.ndjson", &format!("{}{}", line(&good(2), "Hello"), line(&good(3), "Hello")));
    let tokens = file("tokens.txt", &format!("{}\n{}\n", good(4), good(5)));
    let key = file("vapid.key", include_str!("../../data/vapid/private.key"));
    let subscription = file("subscription.json", SUBSCRIPTION);
    let content: &[&str] = &["--app", APP, "--title", "Hello"];
    for (args, input, more, code, expected) in [
        (&["send", "--to", &to, "--json"][..], &push, &[][..], Some(0), "OUTCOME_ACCEPTED"),
        (&["batch", "--to", &to, "--results", "-"], &pushes, &[], Some(0), "\"line\":2"),
        (&["batch", "--to", &to, "--results", "-"], &tokens, content, Some(0), "\"line\":2"),
        (&["vapid-key", "--show"], &key, &[], Some(0), include_str!("../../data/vapid/public.key").trim()),
        // The whole subscription was read, and is refused only because this app has no Web Push.
        (&["send", "--to", &to, "--web-push"], &subscription, content, None, "PROVIDER_NOT_CONFIGURED"),
    ] {
        for from_stdin in [false, true] {
            let mut command = fanfare();
            command.args(args).arg(if from_stdin { Path::new("-") } else { input }).args(more);
            command.stdin(std::fs::File::open(input).unwrap());
            let ran = run(command).await;
            assert!(code.is_none() || ran.status.code() == code, "{args:?}: {}", said(&ran));
            assert!(said(&ran).contains(expected), "{args:?}: {}", said(&ran));
        }
    }
    for number in 1..=5 {
        assert_eq!(world.simulator.journal().by_device_token(&good(number)).len(), 2, "push {number}");
    }
}

/// A run goes on with results that a person has saved with an editor in between.
#[tokio::test]
async fn the_results_of_an_earlier_run_may_begin_with_one() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (pushes, results) = (folder.path().join("pushes.ndjson"), folder.path().join("results.ndjson"));
    std::fs::write(&pushes, line(&good(1), "Hello")).unwrap();
    for _ in 0..2 {
        let mut command = fanfare();
        command.arg("batch").arg(&pushes).args(["--to", &address(&world), "--results"]).arg(&results);
        let ran = run(command).await;
        assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
        std::fs::write(&results, as_on_windows(&std::fs::read_to_string(&results).unwrap())).unwrap();
    }
    assert_eq!(world.simulator.journal().by_device_token(&good(1)).len(), 1);
}

/// Source: RFC 8291, section 5.
const SUBSCRIPTION: &str = r#"{
  "endpoint": "https://push.example/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
  "keys": {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg"
  }
}
"#;
