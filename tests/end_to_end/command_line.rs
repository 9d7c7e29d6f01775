//! What holds for every command: how wrong usage and bad files are told, and what `--json` writes.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

use crate::harness::SOON;

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::cargo_bin("fanfare").unwrap();
    command.current_dir(folder).args(args).timeout(SOON).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What a command that could not do its work says: one error on standard error, and exit code 2.
fn error(output: &Output) -> &str {
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{said}");
    assert!(said.starts_with("error: ") && said.matches("error:").count() == 1, "{said}");
    said
}

#[test]
fn wrong_usage_is_one_error_and_a_mistyped_name_is_told_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["init"][..],
        &["serve"],
        &["check"],
        &["send"],
        &["batch"],
        &["top"],
        &["vapid-key"],
        &["caller-key"],
        &["import", "sygnal"],
        &["import", "mattermost-push-proxy"],
        &["simulate"],
        &["demo"],
        &["completions"],
        &["man"],
    ] {
        let wrong = run(folder.path(), &[command, &["--no-such-flag"]].concat());
        assert!(error(&wrong).contains("--no-such-flag"), "{command:?}");
    }
    assert!(error(&run(folder.path(), &["chek"])).contains("'check'"));
    assert!(error(&run(folder.path(), &["check", "--onlin"])).contains("'--online'"));
    assert!(
        error(&run(folder.path(), &["check", "--config", "a", "--config", "b"])).contains("multiple times")
    );
    assert!(error(&run(folder.path(), &["completions", "tcsh"])).contains("bash"));
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    write("empty", b"");
    write("latin", b"\xe9t\xe9");
    write("dark", b"");
    let dark = std::fs::Permissions::from_mode(0o0);
    std::fs::set_permissions(folder.path().join("dark"), dark).unwrap();
    for command in [
        &["send", "--json"][..],
        &["vapid-key", "--show"],
        &["caller-key", "--show"],
        &["import", "sygnal"],
        &["import", "mattermost-push-proxy"],
        &["init", "--from"],
    ] {
        for (file, expected) in
            [("gone", "No such file"), (".", "found a folder"), ("latin", "expected text in UTF-8")]
        {
            let refused = run(folder.path(), &[command, &[file]].concat());
            let said = error(&refused);
            assert!(said.contains(expected) && said.contains(file), "{command:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{command:?}: {said}");
        }
        for file in ["empty", "dark"] {
            // The superuser may read what nobody may.
            let refused = run(folder.path(), &[command, &[file]].concat());
            assert!(error(&refused).contains(file), "{command:?}");
        }
    }
    // What a configuration says is what check is asked for, so it is a finding.
    for file in ["gone", ".", "latin", "empty"] {
        let checked = run(folder.path(), &["check", "--config", file]);
        assert_eq!(checked.status.code(), Some(1), "{file}: {}", text(&checked.stderr));
        let served = run(folder.path(), &["serve", "--config", file]);
        assert!(error(&served).lines().count() == 1);
    }
}

#[test]
fn what_scripts_read_is_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let document = |args: &[&str]| -> serde_json::Value {
        let output = run(folder.path(), args);
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let made = document(&["vapid-key", "--json", "vapid.pem"]);
    assert_eq!(made["file"], "vapid.pem");
    assert_eq!(document(&["vapid-key", "--json", "--show", "vapid.pem"]), made);
    let made = document(&["caller-key", "--json", "orders.key"]);
    assert_eq!((made["file"].as_str(), made.get("key")), (Some("orders.key"), None));
    assert_eq!(document(&["caller-key", "--json", "--show", "orders.key"]), made);
    let printed = document(&["caller-key", "--json"]);
    assert!(printed["key"].as_str().unwrap().starts_with("fanfare_") && printed["key_sha256"].is_string());
    // Standard error has the log of its gateway.
    let demo =
        run(folder.path(), &["demo", "--json", "--breaking", "0", "--pushes", "100", "--singles", "10"]);
    let demo: serde_json::Value = serde_json::from_slice(&demo.stdout).unwrap();
    assert_eq!((&demo["good"], &demo["calls"]["pushes"]), (&true.into(), &10.into()), "{demo}");

    std::fs::write(folder.path().join("proxy.json"), "{\"ListenAddress\":\":8066\"}").unwrap();
    let imported =
        run(folder.path(), &["import", "mattermost-push-proxy", "proxy.json", "--out", "out", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!((imported.status.code(), &report["good"]), (Some(1), &false.into()), "{report}");
    assert_eq!(report["file"], "out/fanfare.toml");
    assert!(imported.stderr.is_empty() && !report["to_do"].as_array().unwrap().is_empty(), "{report}");
}

#[test]
fn the_manual_has_a_page_for_each_command_and_the_version_tells_the_commit() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["man", "--dir", "man1"]).status.code(), Some(0));
    for (name, expected) in
        [("fanfare.1", "Exit codes"), ("fanfare-check.1", "Exit code"), ("fanfare-import-sygnal.1", "YAML")]
    {
        let page = std::fs::read_to_string(folder.path().join("man1").join(name)).unwrap();
        let head = page.lines().find(|line| line.starts_with(".TH ")).unwrap_or_default();
        assert!(head.contains(" \"fanfare ") && !head.contains("  "), "its parts are apart: {head}");
        assert!(page.contains(expected), "{name}: {page}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(folder.path(), &["completions", shell]);
        assert!(script.status.success() && text(&script.stdout).contains("caller-key"), "{shell}");
    }
    let versions =
        ["-V", "--version"].map(|flag| text(&run(folder.path(), &[flag]).stdout).trim().to_owned());
    assert_eq!(versions[0], versions[1]);
    let version = concat!("fanfare ", env!("CARGO_PKG_VERSION"));
    let commit = versions[0].strip_prefix(version).unwrap();
    // A tree without git has no commit, and its program says none.
    if !commit.is_empty() {
        let commit = commit.strip_prefix(" (").and_then(|it| it.strip_suffix(')')).unwrap();
        let (hash, date) = commit.split_once(' ').unwrap();
        assert!(hash.len() == 12 && hash.chars().all(|it| it.is_ascii_hexdigit()), "{commit}");
        assert!(date.len() == 10 && date.split('-').count() == 3, "{commit}");
    }
}
