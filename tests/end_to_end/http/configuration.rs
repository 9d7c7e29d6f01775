//! What `[[http]]` may say, and what is wrong with it.

use fanfare::config::Config;

use crate::config::{SAMPLE, errors, folder};

/// A caller by the name of mattermost that stands for calls which show nothing, and a table with these lines.
fn table(lines: &str) -> String {
    let caller = "[callers.mattermost]\napps = [\"*\"]\nproviders = [\"*\"]\nrpcs = [\"SendPush\"]\nservice_classes = [\"*\"]\n";
    let key = "0".repeat(64);
    format!("{SAMPLE}\n{caller}key_sha256 = [\"{key}\"]\n[[http]]\n{lines}\n")
}

const OFF_LOOPBACK: &str = "listen = \"0.0.0.0:8066\"\nplaintext_anywhere = true\ncaller = \"mattermost\"\n";

#[tokio::test]
async fn what_is_wrong_is_said_with_its_key_and_its_line() {
    let folder = folder().await;
    for (lines, expected) in [
        ("serve = [\"matrix\"]", "http.0.listen: expected an address such as 127.0.0.1:8066, found none"),
        (
            "listen = \"127.0.0.1:8066\"",
            "http.0.serve: expected at least one of json, mattermost, matrix, found none",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"matrx\"]",
            "http.0.serve: expected one of json, mattermost, matrix, found \"matrx\"",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"json\", \"json\"]",
            "http.0.serve: expected each name once, found \"json\" twice",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"json\"]\n[http.matrix]",
            "http.0.matrix: expected \"matrix\" in http.0.serve, since its table is here",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"json\"]\ncaller = \"mattermost\"",
            "http.0.caller: expected no such key, since only mattermost and matrix take calls that show no credentials",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"matrix\"]\ncaller = \"nobody\"",
            "http.0.caller: expected the name of one of [callers.NAME], found \"nobody\"",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"matrix\"]\nnetworks = [\"10.0.0.0/33\"]",
            "http.0.networks: expected an address or a network such as 10.0.0.0/8, found \"10.0.0.0/33\"",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"matrix\"]\nrequests_per_second_per_source = 0",
            "http.0.requests_per_second_per_source: expected more than 0, found 0",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"matrix\"]\nmax_body_bytes = 134217729",
            "http.0.max_body_bytes: expected at most 134217728, which is a fourth of limits.max_held_bytes (536870912), \
             found 134217729",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"json\"]\n[http.json]\nmax_push_bytes = 0",
            "http.0.json.max_push_bytes: expected more than 0, found 0",
        ),
        (
            "listen = \"127.0.0.1:8066\"\nserve = [\"json\"]\n[http.json]\nmax_push_bytes = 100000000",
            "http.0.json.max_push_bytes: expected at most 89478485, which is a sixth of limits.max_held_bytes (536870912), \
             found 100000000",
        ),
        (
            "listen = \"127.0.0.1:50051\"\nserve = [\"matrix\"]",
            "http.0.listen: expected another address than that of grpc.listen (127.0.0.1:50051), found 127.0.0.1:50051, \
             which takes the same",
        ),
        (
            "listen = \"0.0.0.0:8066\"\nserve = [\"matrix\"]\ncaller = \"mattermost\"",
            "http.0.listen: expected a loopback address, found 0.0.0.0:8066: without [http.0.tls] everybody",
        ),
        (
            &format!("{OFF_LOOPBACK}networks = [\"10.0.0.0/8\"]\nserve = [\"matrix\", \"mattermost\"]"),
            "http.0.serve: expected matrix and mattermost in tables of their own, since http.0.listen is not on loopback",
        ),
        (
            &format!("{OFF_LOOPBACK}serve = [\"mattermost\"]"),
            "http.0.networks: expected the networks of the Mattermost servers, such as [\"10.0.0.0/8\"], since \
             http.0.listen is not on loopback",
        ),
    ] {
        let text = table(lines);
        let said = errors(folder.path(), |_| text.clone());
        assert!(said.contains(expected), "{lines}\n{said}");
        let line = said.split("changed.toml:").nth(1).unwrap().split(':').next().unwrap().parse().unwrap();
        let first = text.lines().position(|line| line == "[[http]]").unwrap() + 1;
        assert!((first..=text.lines().count()).contains(&line), "{lines}\n{said}");
    }
}

#[tokio::test]
async fn mistakes_in_several_tables_are_told_in_one_run() {
    let folder = folder().await;
    let good = "listen = \"127.0.0.1:8066\"\nserve = [\"matrix\"]";
    let text = table(&format!(
        "{good}\nnetwoks = []\n[[http]]\nlisten = \"127.0.0.1:x\"\nserve = [\"matrix\"]\n[[http]]\n{good}\n[http.tls]\ncertificate = 1\n"
    ));
    let said = errors(folder.path(), |_| text);
    for expected in [
        "http.0.netwoks: unknown field `netwoks` (did you mean `networks`?)",
        "http.1.listen: ",
        "http.2.tls.certificate: unknown field `certificate` (did you mean `certificate_file`?)",
        "http.2.listen: expected another address than that of http.0.listen (127.0.0.1:8066)",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    assert_eq!(said.lines().count(), 4, "what follows from a mistake is none: {said}");
}

#[tokio::test]
async fn what_is_asked_for_by_name_is_good_and_says_every_default() {
    let folder = folder().await;
    for lines in [
        format!(
            "{OFF_LOOPBACK}networks = [\"10.0.0.0/8\"]\ntogether = true\nserve = [\"matrix\", \"mattermost\"]"
        ),
        format!("{OFF_LOOPBACK}no_credentials_anywhere = true\nserve = [\"mattermost\"]"),
        format!("{OFF_LOOPBACK}serve = [\"matrix\"]"),
        "listen = \"127.0.0.1:8066\"\nserve = [\"matrix\", \"mattermost\", \"json\"]".to_owned(),
    ] {
        assert_eq!(errors(folder.path(), |_| table(&lines)), "none", "{lines}");
    }
    // The sample writes the defaults out, but for what has none.
    let file = folder.path().join("switched_on.toml");
    let sample = crate::config::switched_on(SAMPLE).replace("max_connections_per_address = 100\n", "");
    std::fs::write(&file, sample).unwrap();
    let [mut http] = Config::load(&file).unwrap().http.try_into().unwrap();
    let mut bare = fanfare::ingress::http::HttpSettings::on(http.listener.listen);
    assert!(http.listener.tls.take().is_some() && http.caller.take().is_some());
    bare.mattermost.clone_from(&http.mattermost);
    bare.json = Some(fanfare::ingress::json::JsonSettings::default());
    bare.matrix.clone_from(&http.matrix);
    assert_eq!(format!("{http:?}"), format!("{bare:?}"));
}

#[tokio::test]
async fn a_check_says_who_may_call_where_and_warns_of_what_is_unwise() {
    let folder = folder().await;
    let file = folder.path().join("http.toml");
    let check = |lines: &str| {
        std::fs::write(&file, table(lines)).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fanfare"));
        let ran = command.arg("check").arg("--config").arg(&file).output().unwrap();
        assert_eq!(ran.status.code(), Some(0), "{ran:?}");
        let [said, warned] = [ran.stdout, ran.stderr].map(|text| String::from_utf8(text).unwrap());
        (said, warned)
    };
    let (said, warned) = check(&format!(
        "{OFF_LOOPBACK}networks = [\"10.0.0.0/8\"]\nserve = [\"mattermost\"]\nmax_connections = 5\nmax_connections_per_address = 6"
    ));
    let row = "http   address 0.0.0.0:8066, plaintext, serves mattermost, caller without credentials mattermost, networks \
               without credentials 10.0.0.0/8\n";
    assert!(said.contains(row), "{said}");
    assert!(said.contains("known by key nothing-at:0.0.0.0:8066"), "{said}");
    for expected in [
        "http.0.listen: keys and tokens of callers travel unencrypted without [http.0.tls]",
        "http.0.max_connections_per_address: 6 is never reached, because http.0.max_connections is 5",
    ] {
        assert!(warned.contains(expected), "{expected}\n{warned}");
    }
    let (_, warned) = check("listen = \"127.0.0.1:8066\"\nserve = [\"matrix\"]");
    assert!(
        warned.contains("http.0: no call is taken that shows no credentials, and homeservers show none"),
        "{warned}"
    );
}

/// The page has a configuration, which is good as it is, beside the apps of the sample.
#[tokio::test]
async fn the_page_on_http_names_a_good_configuration() {
    let page = include_str!("../../../docs/http.md");
    let toml = page.split("\n```toml\n").nth(1).unwrap().split("\n```").next().unwrap();
    let folder = folder().await;
    assert_eq!(errors(folder.path(), |_| format!("{SAMPLE}\n{toml}\n")), "none");
}
