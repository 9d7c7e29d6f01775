//! Every command of docs/json.md works as it stands there, and gets the answer that stands below it. Only the port is changed.

use std::process::Command;

use serde_json::Value;

use super::world;

const PAGE: &str = include_str!("../../../docs/json.md");

/// The blocks of the page in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let blocks = PAGE.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// Whether an answer is what the page says, where a dot stands for any text.
fn is_as_shown(shown: &Value, said: &Value) -> bool {
    match (shown, said) {
        (Value::String(shown), Value::String(_)) if shown == "…" => true,
        (Value::Array(shown), Value::Array(said)) => {
            shown.len() == said.len() && shown.iter().zip(said).all(|(shown, said)| is_as_shown(shown, said))
        }
        (Value::Object(shown), Value::Object(said)) => {
            let same = |(name, shown)| said.get(name).is_some_and(|said| is_as_shown(shown, said));
            shown.len() == said.len() && shown.iter().all(same)
        }
        _ => shown == said,
    }
}

fn lines(text: &str) -> Vec<Value> {
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("each line is JSON"));
    // How far a batch is may be said between its results, where the machine is slow.
    lines.filter(|line| line.get("progress").is_none() || line.get("end").is_some()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_page_gets_the_answer_that_it_shows() {
    let world = world(|_| {}).await;
    let address = world.gateway.http_addresses()[0].to_string();
    let (commands, answers) = (blocks("sh"), blocks("json"));
    assert!(commands.len() > 4 && commands.len() == answers.len(), "each command has its answer");
    let folder = tempfile::tempdir().unwrap();
    for (command, shown) in commands.into_iter().zip(answers) {
        assert!(command.contains("127.0.0.1:8080"), "{command}");
        let script = command.replace("127.0.0.1:8080", &address);
        let mut shell = Command::new("sh");
        shell.args(["-ec", &script]).current_dir(folder.path());
        let ran = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{command}\n{}", String::from_utf8_lossy(&ran.stderr));
        let (shown, said) = (lines(shown), lines(&said));
        assert!(
            is_as_shown(&Value::Array(shown.clone()), &Value::Array(said.clone())),
            "{command}\n{shown:#?}\n{said:#?}"
        );
    }
}
