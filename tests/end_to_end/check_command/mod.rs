//! `fanfare check`: what it understood, what it found, and what it is told by push services.

mod online;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;

use crate::config::{SAMPLE, folder, switched_on};
use crate::harness::SOON;

/// Runs the command on a configuration, within a bound.
async fn check(config: &Path, flags: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.stdin(Stdio::null()).arg("check").arg("--config").arg(config).args(flags);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    tokio::time::timeout(SOON, ran).await.expect("the command ends").unwrap()
}

fn text(output: &Output) -> (String, String) {
    (String::from_utf8(output.stdout.clone()).unwrap(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// The one document that the command writes for machines, and its exit code.
async fn json(config: &Path, flags: &[&str]) -> (Value, Option<i32>) {
    let ran = check(config, &[flags, &["--json"]].concat()).await;
    let (stdout, stderr) = text(&ran);
    assert_eq!(stderr, "", "all of it is in the document: {stdout}");
    (serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}")), ran.status.code())
}

/// Everything that is secret in the folder of the sample: the lines of keys that nobody else may read, and a password.
fn secrets(folder: &Path) -> Vec<String> {
    let keys = ["AuthKey_ABC123DEFG.p8", "news.key", "gateway.key", "vapid.pem"];
    let lines = keys.iter().flat_map(|key| {
        let key = std::fs::read_to_string(folder.join(key)).unwrap();
        key.lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect::<Vec<_>>()
    });
    lines.chain(["swordfish".to_owned()]).collect()
}

#[tokio::test]
async fn it_tells_people_what_it_understood_and_never_a_key() {
    let folder = folder().await;
    let config = folder.path().join("fanfare.toml");
    let ran = check(&config, &[]).await;
    let (said, _) = text(&ran);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let public_key = include_str!("../../data/vapid/public.key").trim();
    for expected in [
        "grpc   address 127.0.0.1:50051, plaintext\n",
        "WARNING: everybody who reaches the grpc listener may call and may do everything\n",
        "apns  environment production, topics com.example.shop, key id ABC123DEFG, team id DEF123GHIJ\n",
        &format!("web_push  subject mailto:push@example.com, public key {public_key}\n"),
        "mattermost  url https://push.example\n",
        "fcm  project my-project, account ",
        "apps.news.apns.certificate  names ",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    assert!(!said.contains("settings that are not"), "{said}");

    let file = folder.path().join("all.toml");
    std::fs::write(&file, switched_on(SAMPLE).replace("max_wait = \"30s\"", "max_wait = \"20s\"")).unwrap();
    for flags in [&[][..], &["--json"]] {
        let ran = check(&file, flags).await;
        assert_eq!(ran.status.code(), Some(0), "{ran:?}");
        let (said, warned) = text(&ran);
        for expected in ["http://proxy.example:3128", "gateway.example", "limits.max_wait", "20s"] {
            assert!(said.contains(expected), "{expected}\n{said}");
        }
        for secret in secrets(folder.path()) {
            assert!(!said.contains(&secret) && !warned.contains(&secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn it_tells_machines_the_same_as_one_document() {
    let folder = folder().await;
    let file = folder.path().join("all.toml");
    std::fs::write(&file, switched_on(SAMPLE).replace("max_wait = \"30s\"", "max_wait = \"20s\"")).unwrap();
    let (document, code) = json(&file, &[]).await;
    assert_eq!(
        (code, &document["good"], &document["findings"]),
        (Some(0), &true.into(), &Value::Array(vec![]))
    );
    let understood = &document["understood"];
    assert_eq!(understood["listeners"][0]["tls"], true);
    assert_eq!(understood["everybody_may_call"], false);
    let shop = understood["apps"].as_array().unwrap().iter().find(|app| app["name"] == "shop").unwrap();
    assert_eq!(shop["apns"]["topics"], serde_json::json!(["com.example.shop"]));
    assert_eq!(shop["apns"]["proxy"], "http://proxy.example:3128");
    let expected = serde_json::json!({"name": "limits.max_wait", "value": "20s", "default": "30s"});
    assert!(understood["settings"].as_array().unwrap().contains(&expected), "{understood:#}");
    assert!(document.get("online").is_none(), "nobody was asked");
}

#[tokio::test]
async fn what_keeps_it_from_being_read_is_all_told() {
    let folder = folder().await;
    let key = std::fs::read_to_string(folder.path().join("AuthKey_ABC123DEFG.p8")).unwrap();
    std::fs::write(folder.path().join("AuthKey_ABC123DEFG.p8"), key.replace("PRIVATE KEY", "PRIVATE CHEESE"))
        .unwrap();
    let file = folder.path().join("fanfare.toml");
    let ran = check(&file, &[]).await;
    let (said, errors) = text(&ran);
    assert_eq!((ran.status.code(), said.as_str()), (Some(1), ""));
    let line = SAMPLE.lines().position(|line| line.starts_with("key_file = \"AuthKey")).unwrap() + 1;
    let expected = format!("fanfare.toml:{line}: apps.shop.apns.token.key_file: AuthKey");
    assert!(errors.contains(&expected) && errors.contains("is not a private key in PEM"), "{errors}");
    assert!(!errors.contains(key.lines().nth(1).unwrap()), "{errors}");

    std::fs::write(&file, SAMPLE.replace("\nmax_wait =", "\nmax_wiat =")).unwrap();
    let (document, code) = json(&file, &[]).await;
    assert_eq!((code, &document["good"]), (Some(1), &false.into()));
    let keys: Vec<_> = document["findings"].as_array().unwrap().iter().map(|it| it["key"].clone()).collect();
    assert_eq!(keys, ["limits.max_wiat", "apps.shop.apns.token.key_file"]);
    assert!(document.get("understood").is_none());
}

#[tokio::test]
async fn callers_are_told_by_what_they_are_known_and_one_that_cannot_be_known_is_warned_about() {
    let folder = folder().await;
    let callers = "[callers.orders]\napps = [\"shop\"]\nproviders = [\"*\"]\nrpcs = [\"SendPush\"]\n\
                   service_classes = [\"interactive\"]\npushes_per_second = 5\n\
                   [callers.orders.certificate]\nca_file = \"ca.pem\"\nspiffe = \"spiffe://example.org/orders\"\n";
    let file = folder.path().join("callers.toml");
    std::fs::write(&file, format!("{SAMPLE}\n{callers}")).unwrap();
    let ran = check(&file, &[]).await;
    let (said, warned) = text(&ran);
    let expected = "orders  known by certificate:spiffe://example.org/orders, apps shop, providers *, rpcs SendPush, \
                    service classes interactive, pushes per second 5, burst 5\n";
    assert!(said.contains(expected) && !said.contains("WARNING"), "{said}");
    assert!(warned.contains("callers.orders.certificate: nobody can show a certificate"), "{warned}");
}

#[tokio::test]
async fn topics_that_a_certificate_does_not_list_are_found() {
    let folder = folder().await;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]), "com.example.news");
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.path().join("news.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.path().join("news.key"), key.serialize_pem()).unwrap();
    let file = folder.path().join("fanfare.toml");
    assert_eq!(check(&file, &[]).await.status.code(), Some(0));
    let others = "topics = [\"com.example.news\", \"com.example.other\"]";
    std::fs::write(&file, SAMPLE.replace("topics = [\"com.example.news\"]", others)).unwrap();
    let (document, code) = json(&file, &[]).await;
    assert_eq!(code, Some(1), "{document:#}");
    let [finding] = &document["findings"].as_array().unwrap()[..] else { panic!("{document:#}") };
    assert_eq!(finding["key"], "apps.news.apns.topics");
    let expected =
        "expected topics of the certificate, which are com.example.news, found \"com.example.other\"";
    assert_eq!(finding["problem"], expected);
    assert!(document["understood"].is_object(), "what can be read is told all the same");

    // Beside mistakes that keep a gateway from starting it is told in the same run, and all in the order of the file.
    let text = SAMPLE
        .replace("topics = [\"com.example.news\"]", others)
        .replace("key_file = \"AuthKey_ABC123DEFG.p8\"", "key_file = \"gone.p8\"")
        .replace("team_id = \"DEF123GHIJ\"", "team_id = \"DEF\"");
    std::fs::write(&file, text).unwrap();
    let (document, _) = json(&file, &[]).await;
    let findings = document["findings"].as_array().unwrap();
    let keys: Vec<_> = findings.iter().map(|finding| finding["key"].as_str().unwrap()).collect();
    let expected = ["apps.shop.apns.token.key_file", "apps.shop.apns.token.team_id", "apps.news.apns.topics"];
    assert_eq!(keys, expected, "{document:#}");
}

/// A container may have no root certificates of its own.
#[tokio::test]
async fn an_app_without_any_root_certificate_is_wrong_and_one_with_its_own_is_good() {
    let folder = folder().await;
    std::fs::write(folder.path().join("no-roots.pem"), "").unwrap();
    // The first list of certificate authorities is that of all upstreams.
    let with_own = SAMPLE.replacen("ca_files = []", "ca_files = [\"ca.pem\"]", 1);
    std::fs::write(folder.path().join("with_own.toml"), with_own).unwrap();
    let check = |file: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        command.arg("check").arg("--config").arg(folder.path().join(file));
        command.env("SSL_CERT_FILE", folder.path().join("no-roots.pem")).env_remove("SSL_CERT_DIR");
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (code, said) = check("fanfare.toml");
    assert_eq!(code, Some(1), "{said}");
    let expected =
        "apps.shop.apns: the operating system has no root certificates; name a file in `upstream.ca_files`";
    assert!(said.contains(expected) && said.contains("apps.web.web_push: the operating system"), "{said}");
    let (code, said) = check("with_own.toml");
    assert_eq!(code, Some(0), "{said}");
}
