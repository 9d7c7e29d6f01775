//! Environment variables say a part of the configuration.

use super::*;

fn check(folder: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.arg("check").arg("--config").arg(folder.join("fanfare.toml"));
    let output = command.envs(variables.iter().copied()).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test]
async fn a_variable_says_what_the_file_would() {
    let (folder, _simulator) = folder("").await;
    let path = folder.path();
    let (topics, quota) = ("FANFARE__APPS__SHOP__APNS__TOPICS", "FANFARE__LIMITS__MAX_IN_FLIGHT");
    let gateway = Operated::start(path, &[(topics, "[\"com.example.other\"]"), (quota, "7")]).await;
    gateway.until_logged(&["environment variables", topics, quota]).await;
    assert_eq!(gateway.lines(&["com.example.other"]), 0, "no value is shown");
    let said = check(path, &[(topics, "[\"com.example.other\"]"), ("FANFARE__GRPC__LISTEN", "127.0.0.1:7")]);
    for part in ["com.example.other", "127.0.0.1:7", topics] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_variable_is_told_by_its_name() {
    let (folder, _simulator) = folder("").await;
    for (name, value, problem) in [
        ("FANFARE__GRPC__LISTENS", "1", "grpc.listens: unknown field `listens`"),
        ("FANFARE__GRPC__LISTEN", "here", "grpc.listen: invalid socket address syntax"),
        ("FANFARE__LIMITS__MAX_IN_FLIGHT", "0", "limits.max_in_flight: expected more than 0, found 0"),
        (
            "FANFARE__APPS__SHOP__APNS__TOKEN__KEY_FILE",
            "none.p8",
            "apps.shop.apns.token.key_file: none.p8: cannot be read",
        ),
        ("FANFARE__", "1", "expected the names of a table and its key"),
        ("FANFARE__UPSTREAM__SETTINGS_TIMEOUT", "10s", "upstream.settings_timeout: this is a key of earlier"),
        ("FANFARE__GRPC", "1", "grpc: invalid type: integer `1`"),
    ] {
        let said = check(folder.path(), &[(name, value)]);
        assert!(
            said.contains(&format!("{name}: {problem}"))
                || said.contains(&format!("{name}: ")) && said.contains(problem),
            "{name}={value}: {said}"
        );
    }
}
