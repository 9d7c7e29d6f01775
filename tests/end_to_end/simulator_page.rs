//! Every command of docs/simulator.md works as it stands there. Only the port is changed, because it may be taken.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::batch_command::read;
use crate::harness::SOON;

const PORT: &str = "127.0.0.1:8460";

/// A process that a block started and left running.
struct Left(String);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.trim()).status();
    }
}

/// The shell commands of the page, block by block.
fn blocks() -> Vec<String> {
    let page = include_str!("../../docs/simulator.md");
    page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

async fn run(folder: &Path, script: String) {
    let binary = Path::new(env!("CARGO_BIN_EXE_fanfare")).parent().unwrap().to_owned();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let (said, folder) = (folder.join("said"), folder.to_owned());
    let log = std::fs::File::create(&said).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-ec", &script]).current_dir(folder).env("PATH", path).stdout(Stdio::null()).stderr(log);
    let ended = tokio::task::spawn_blocking(move || shell.status().unwrap());
    let ended = tokio::time::timeout(SOON, ended).await.expect("it ends").unwrap();
    assert!(ended.success(), "{script}\n{}", read(&said));
}

#[tokio::test]
async fn every_command_of_the_page_works() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks();
    let (start, others) = blocks.split_first().unwrap();
    assert!(start.contains(PORT) && others.len() > 5, "the page has its commands");
    let started = start.replace(PORT, "127.0.0.1:0");
    run(folder.path(), format!("{started}\necho $! > pid")).await;
    let _left = Left(read(&folder.path().join("pid")));
    let facts: Value = serde_json::from_str(&read(&folder.path().join("sim/simulator.json"))).unwrap();
    let control = facts["control"].as_str().unwrap().strip_prefix("http://").unwrap();
    for block in others {
        run(folder.path(), block.replace(PORT, control)).await;
    }
}

/// The page and the command name the same fates, faults and flags.
#[tokio::test]
async fn the_page_names_every_flag_fate_and_fault() {
    let page = include_str!("../../docs/simulator.md");
    let help =
        assert_cmd::Command::cargo_bin("fanfare").unwrap().args(["simulate", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let flags = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
    for flag in flags.map(|flag| flag.trim_end_matches([',', ';', '.'])).filter(|flag| *flag != "--help") {
        let of_send = ["--app", "--apns", "--fcm", "--mattermost", "--title", "--config"].contains(&flag);
        assert!(of_send || page.contains(&format!("`{flag}")), "{flag} is not on the page");
    }
    for row in fanfare_simulator::apns_scripted_prefixes() {
        assert!(page.contains(&format!("| `{}` |", row.prefix)), "{}", row.prefix);
    }
    let document: Value =
        serde_json::from_str(include_str!("../../crates/simulator/src/control/openapi.json")).unwrap();
    let kinds = document["components"]["schemas"]["Fault"]["oneOf"].as_array().unwrap();
    let words = kinds.iter().flat_map(|kind| kind["enum"].as_array().into_iter().flatten());
    let names = kinds.iter().flat_map(|kind| kind["required"].as_array().into_iter().flatten());
    for name in words.chain(names) {
        let name = name.as_str().unwrap();
        assert!(page.contains(&format!("`{name}`")) || page.contains(&format!("`{name}:")), "{name}");
    }
}
