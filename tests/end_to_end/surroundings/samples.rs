//! The commands and configurations in README.md and the sample work as a reader copies them.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{check, run, said};
use crate::config::{folder, switched_on};
use crate::harness::until;

const README: &str = include_str!("../../../README.md");
const SAMPLE: &str = include_str!("../../../examples/fanfare.toml");
const CALLERS: &str = include_str!("../../../docs/callers.md");

/// The code blocks of README.md with this mark.
fn blocks(mark: &str) -> Vec<&'static str> {
    blocks_of(README, mark)
}

/// The code blocks of a page with this mark.
fn blocks_of(page: &'static str, mark: &str) -> Vec<&'static str> {
    let begin = format!("\n```{mark}\n");
    let after = page.split(begin.as_str()).skip(1);
    after.map(|after| after.split("\n```").next().unwrap()).collect()
}

#[tokio::test]
async fn every_configuration_is_good_as_it_is_and_with_everything_switched_on() {
    let mut samples = blocks("toml");
    assert_eq!(samples.len(), 1);
    samples.push(SAMPLE);
    for sample in samples {
        let folder = folder().await;
        let config = folder.path().join("fanfare.toml");
        let all = switched_on(sample);
        assert_ne!(all, sample);
        for text in [sample, &all] {
            std::fs::write(&config, text).unwrap();
            let checked = run(check(&config)).await;
            assert_eq!(checked.status.code(), Some(0), "{text}\n{}", said(&checked));
            assert!(said(&checked).ends_with("fanfare.toml is good\n"), "{}", said(&checked));
        }
        // No setting is commented out as prose, and no prose looks like a setting.
        let off = sample.lines().filter(|line| line.starts_with('#') && !line.starts_with("# "));
        for line in off {
            assert!(line.starts_with("#[") || line.contains(" = "), "{line}");
        }
    }
}

#[tokio::test]
async fn the_page_on_callers_names_callers_of_the_apps_of_the_readme() {
    let [callers] = blocks_of(CALLERS, "toml").try_into().unwrap();
    let folder = folder().await;
    std::fs::copy(folder.path().join("ca.pem"), folder.path().join("callers-ca.pem")).unwrap();
    let config = folder.path().join("fanfare.toml");
    std::fs::write(&config, format!("{callers}\n{}", blocks("toml")[0])).unwrap();
    let checked = run(check(&config)).await;
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

/// A command that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a line in a shell that finds the program by its name.
fn shell(line: &str, folder: &Path, to: &str) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_fanfare"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-c", &format!("exec {line}")]).current_dir(folder).env("PATH", path);
    command.env("FANFARE_TO", to).stdin(Stdio::null());
    command
}

#[tokio::test]
async fn the_three_commands_of_the_first_try_do_what_is_said() {
    let lines = blocks("").into_iter().find(|block| block.starts_with("fanfare simulate")).unwrap();
    let [simulate, serve, send] = lines.lines().collect::<Vec<_>>().try_into().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let start = |line: &str| Running(shell(line, folder.path(), "").stdout(Stdio::null()).spawn().unwrap());
    let _simulator = start(simulate);
    let config = folder.path().join("sim/fanfare.toml");
    until(|| folder.path().join("sim/simulator.json").exists()).await;
    // Only the ports are changed, to free ones.
    let ports = "[grpc]\nlisten = \"127.0.0.1:0\"\n[admin]\nlisten = \"127.0.0.1:0\"\n";
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{ports}{text}")).unwrap();
    let ready = folder.path().join("ready.json");
    let _gateway = start(&format!("{serve} --ready-file ready.json"));
    until(|| ready.exists()).await;
    let addresses: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&ready).unwrap()).unwrap();
    let to = format!("http://{}", addresses["grpc"].as_str().unwrap());
    let sent = run(shell(send, folder.path(), &to)).await;
    assert_eq!(sent.status.code(), Some(0), "{}", said(&sent));
    assert!(said(&sent).contains("OUTCOME_ACCEPTED"), "{}", said(&sent));
    // There is no warning about the keys that the simulator writes.
    let checked = run(check(&config)).await;
    assert!(checked.status.success() && checked.stderr.is_empty(), "{}", said(&checked));
}
