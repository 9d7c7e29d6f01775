//! Files that are no files, such as a FIFO, and secrets that everybody may read.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use fanfare_simulator::Simulator;

use super::{check, ended, run, said, signal};
use crate::config::{folder, switched_on};
use crate::harness::{SOON, TOPIC};
use crate::killed::serve_with_log;
use crate::secrets::write_config;

/// What is in place of a file.
const STRANGE: [(&str, &str); 6] = [
    ("rm -f $0; mkfifo $0", "expected a file, found a FIFO"),
    ("rm -f $0; mkdir $0", "expected a file, found a folder"),
    ("rm -f $0; ln -s /dev/zero $0", "expected a file, found a device"),
    ("truncate -s 4194305 $0", "expected at most 4194304 bytes, found more"),
    ("rm -f $0", "cannot be read: No such file or directory"),
    ("rm -f $0; ln -s $0 $0", "cannot be read: Too many levels of symbolic links"),
];

fn shell(script: &str, file: &Path) {
    assert!(Command::new("bash").args(["-c", script]).arg(file).status().unwrap().success(), "{script}");
}

#[tokio::test]
async fn what_is_no_file_is_refused_with_the_line_and_the_key_that_name_it() {
    let no_text = (r"printf 'a\n\xff' > $0", "expected text in UTF-8, found something else at byte 2");
    let utf_16 = (r"printf '\xff\xfea\0' > $0", "expected text in UTF-8, found text in UTF-16");
    for (name, key, text) in [
        ("AuthKey_ABC123DEFG.p8", "apps.shop.apns.token.key_file", true),
        ("news.pem", "apps.news.apns.certificate.certificate_file", false),
        ("news.key", "apps.news.apns.certificate.private_key_file", false),
        ("service-account.json", "apps.droid.fcm.key_file", true),
        ("vapid.pem", "apps.web.web_push.key_file", true),
        ("proxy-credentials", "proxy.credentials_file", true),
        ("ca.pem", "upstream.ca_files", false),
    ] {
        let folder = folder().await;
        let config = folder.path().join("fanfare.toml");
        let sample = switched_on(&std::fs::read_to_string(&config).unwrap());
        let sample = sample.replacen("ca_files = []", "ca_files = [\"ca.pem\"]", 1);
        std::fs::write(&config, &sample).unwrap();
        let line = 1 + sample.lines().position(|line| line.contains(&format!("\"{name}\""))).unwrap();
        let kinds = STRANGE.into_iter().chain([utf_16]).chain(text.then_some(no_text));
        for (script, expected) in kinds {
            let file = folder.path().join(name);
            shell(script, &file);
            let refused = run(check(&config)).await;
            assert_eq!(refused.status.code(), Some(1), "{name} {script}: {}", said(&refused));
            let expected = format!("fanfare.toml:{line}: {key}: {name}: {expected}");
            assert!(said(&refused).contains(&expected), "{expected}\n{}", said(&refused));
            shell("rm -rf $0", &file);
        }
    }
}

#[tokio::test]
async fn a_configuration_that_is_no_file_is_refused_by_every_command_that_reads_one() {
    let folder = folder().await;
    let file = folder.path().join("other.toml");
    for (script, expected) in STRANGE {
        shell(script, &file);
        for (command, code) in [("check", 1), ("serve", 2)] {
            let mut ran = super::fanfare();
            ran.arg(command).arg("--config").arg(&file);
            let refused = run(ran).await;
            assert_eq!(refused.status.code(), Some(code), "{command} {script}: {}", said(&refused));
            assert!(said(&refused).contains(&format!("other.toml: {expected}")), "{}", said(&refused));
        }
        shell("rm -rf $0", &file);
    }
}

#[tokio::test]
async fn an_input_of_the_command_line_may_be_a_pipe_and_has_an_end() {
    let folder = folder().await;
    let fanfare = env!("CARGO_BIN_EXE_fanfare");
    for (script, code, expected) in [
        (r#""$0" vapid-key --show <(cat vapid.pem)"#, 0, "BFO9UExq"),
        (r#"cat vapid.pem | "$0" vapid-key --show /dev/stdin"#, 0, "BFO9UExq"),
        (r#""$0" vapid-key --show /dev/zero"#, 2, "expected at most 4194304 bytes, found more"),
        (r#""$0" vapid-key --show - < /dev/zero"#, 2, "expected at most 4194304 bytes, found more"),
        (r#""$0" vapid-key --show ."#, 2, "expected a file, found a folder"),
        (r#""$0" send --to http://127.0.0.1:1 --json <(echo '{"app":1}')"#, 2, "is no push"),
        (r#""$0" send --to http://127.0.0.1:1 --json /dev/zero"#, 2, "expected at most 4194304 bytes"),
        (r#""$0" send --to http://127.0.0.1:1 --json <(printf '\xff\xfe{\0')"#, 2, "found text in UTF-16"),
        (r#""$0" send --to http://127.0.0.1:1 --app a --title t --web-push ."#, 2, "found a folder"),
    ] {
        let mut command = Command::new("bash");
        command.args(["-c", script, fanfare]).current_dir(folder.path());
        let ran = run(command).await;
        assert_eq!(ran.status.code(), Some(code), "{script}: {}", said(&ran));
        assert!(said(&ran).contains(expected), "{script}: {}", said(&ran));
    }
}

#[tokio::test]
async fn a_secret_that_everybody_may_read_is_warned_about_and_used() {
    let folder = folder().await;
    let config = folder.path().join("fanfare.toml");
    let secrets = [
        ("AuthKey_ABC123DEFG.p8", "apps.shop.apns.token.key_file"),
        ("news.key", "apps.news.apns.certificate.private_key_file"),
        ("service-account.json", "apps.droid.fcm.key_file"),
        ("vapid.pem", "apps.web.web_push.key_file"),
    ];
    for (mode, is_warned) in [(0o600, false), (0o440, false), (0o644, true), (0o602, true)] {
        for (name, _) in secrets {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path().join(name), mode).unwrap();
        }
        let checked = run(check(&config)).await;
        assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
        for (name, key) in secrets {
            let warning =
                format!(": {key}: {name}: every user of this machine may read or write this secret");
            assert_eq!(said(&checked).contains(&warning), is_warned, "{mode:o}: {}", said(&checked));
        }
        assert_eq!(said(&checked).contains("warning: "), is_warned, "{mode:o}: {}", said(&checked));
    }
}

#[tokio::test]
async fn the_gateway_warns_once_about_a_key_that_everybody_may_read() {
    for (mode, times) in [(0o644, 1), (0o640, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let simulator = Simulator::builder().bundle_ids([TOPIC]).start().await.unwrap();
        write_config(folder.path(), &simulator);
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join("key.p8"), mode).unwrap();
        let mut gateway = serve_with_log(folder.path(), "gateway", Stdio::piped()).await;
        let mut stderr = gateway.process.stderr.take().unwrap();
        let read = tokio::task::spawn_blocking(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).unwrap();
            log
        });
        signal(&gateway.process, "-TERM");
        assert_eq!(ended(&mut gateway.process).await.code(), Some(0));
        let log = tokio::time::timeout(SOON, read).await.expect("the log ends").unwrap();
        let warnings = log.lines().filter(|line| line.contains("every user of this machine may read"));
        assert_eq!(warnings.count(), times, "{log}");
    }
}
