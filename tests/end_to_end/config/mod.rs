//! The configuration: what its sample says, and what is wrong with others.

mod earlier;
mod wrong;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fanfare::config::{Config, Trust};
use fanfare::feed::FeedSettings;
use fanfare_simulator::Simulator;

pub(crate) const SAMPLE: &str = include_str!("../../../examples/fanfare.toml");

/// A sample in which the settings that are off are switched on. Their lines begin with # and no space.
pub(crate) fn switched_on(sample: &str) -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| !c.is_whitespace()) => format!("{setting}\n"),
        Some(_) | None => format!("{line}\n"),
    };
    sample.lines().map(on).collect()
}

/// A folder with the sample and the files that it names.
pub(crate) async fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::builder().start().await.unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write("fanfare.toml", SAMPLE);
    write("AuthKey_ABC123DEFG.p8", &simulator.provider_key().private_key_pem);
    let certificate = simulator.client_certificate(&["com.example.news"]).unwrap();
    write("news.pem", &certificate.certificate_pem);
    write("news.key", &certificate.private_key_pem);
    let own = rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
    write("gateway.pem", &own.cert.pem());
    write("gateway.key", &own.signing_key.serialize_pem());
    write("ca.pem", simulator.ca_pem());
    write("proxy-credentials", "fanfare:swordfish\n");
    write("traces.headers", "x-collector-key: swordfish\n");
    write("crm.secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let account = simulator.fcm().add_service_account(&["demo-project"]).unwrap();
    write("service-account.json", &account.key_json());
    write("vapid.pem", include_str!("../../data/vapid/pkcs8.pem"));
    for secret in [
        "AuthKey_ABC123DEFG.p8",
        "news.key",
        "gateway.key",
        "proxy-credentials",
        "traces.headers",
        "crm.secret",
        "service-account.json",
        "vapid.pem",
    ] {
        let only_its_owner = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path().join(secret), only_its_owner).unwrap();
    }
    folder
}

pub(crate) fn errors(folder: &Path, change: impl FnOnce(String) -> String) -> String {
    let file = folder.join("changed.toml");
    std::fs::write(&file, change(switched_on(SAMPLE))).unwrap();
    match Config::load(&file) {
        Ok(_) => "none".to_owned(),
        Err(errors) => errors.to_string(),
    }
}

#[tokio::test]
async fn the_sample_is_good_and_says_every_default() {
    let folder = folder().await;
    let config = Config::load(&folder.path().join("fanfare.toml")).unwrap();
    assert_eq!(config.apps.len(), 5);
    assert!(config.proxy.is_none(), "nothing is switched on that others than its reader have");
    let file = folder.path().join("switched_on.toml");
    std::fs::write(&file, switched_on(SAMPLE)).unwrap();
    let all = Config::load(&file).unwrap();
    assert!(all.proxy.is_some());
    let [feed] = &*all.feeds else { panic!("{} feeds", all.feeds.len()) };
    let (peer, secrets) = (feed.peer.clone(), feed.secrets.clone());
    let bare = FeedSettings::new("crm", peer, "/fanfare".to_owned(), secrets);
    let apps = all.apps.iter().map(|app| app.id.clone()).filter(|id| id.to_string() == "shop").collect();
    assert_eq!(format!("{feed:?}"), format!("{:?}", FeedSettings { apps: Some(apps), ..bare }));
    // The sample writes the defaults out, so a file without settings means the same.
    let bare = Config::on_loopback(Vec::new(), Trust::of_system().unwrap());
    assert_eq!(format!("{:?}", config.upstream), format!("{:?}", bare.upstream));
    assert_eq!(config.max_in_flight, bare.max_in_flight);
    assert_eq!(format!("{:?}", config.traces), format!("{:?}", bare.traces));
    assert_eq!(config.max_held_bytes, bare.max_held_bytes);
    assert_eq!(config.drain_delay, bare.drain_delay);
    assert_eq!(config.drain_timeout, bare.drain_timeout);
    assert_eq!(format!("{:?}", config.dispatch), format!("{:?}", bare.dispatch));
    assert_eq!(config.apns_production.to_string(), bare.apns_production.to_string());
    assert_eq!(config.web_push.max_origins, bare.web_push.max_origins);
    assert_eq!(config.fcm.pushes_per_minute, bare.fcm.pushes_per_minute);
    let mut grpc = config.grpc;
    assert_eq!(grpc.listener.listen.to_string(), "127.0.0.1:50051");
    grpc.listener.listen = bare.grpc.listener.listen;
    assert_eq!(format!("{grpc:?}"), format!("{:?}", bare.grpc));
    let mut admin = config.admin;
    assert_eq!(admin.listener.listen.to_string(), "127.0.0.1:9464");
    admin.listener.listen = bare.admin.listener.listen;
    assert_eq!(format!("{admin:?}"), format!("{:?}", bare.admin));
}

#[tokio::test]
async fn apps_that_name_the_same_key_id_have_the_same_key() {
    let folder = folder().await;
    let twin = |key_file: &str| {
        let ids = "key_id = \"ABC123DEFG\"\nteam_id = \"DEF123GHIJ\"";
        let apns = "[apps.twin.apns]\nenvironment = \"production\"\ntopics = [\"com.example.twin\"]";
        format!("{SAMPLE}\n{apns}\n[apps.twin.apns.token]\nkey_file = \"{key_file}\"\n{ids}\n")
    };
    let said = errors(folder.path(), |_| twin("vapid.pem"));
    assert!(said.contains("apps.twin.apns.token.key_file: expected the key of app shop"), "{said}");
    let good = folder.path().join("good.toml");
    std::fs::write(&good, twin("AuthKey_ABC123DEFG.p8")).unwrap();
    assert!(Config::load(&good).is_ok());
}

#[tokio::test]
async fn apps_that_send_for_the_same_project_have_the_same_pace() {
    let folder = folder().await;
    let twin = |pace: &str| {
        let key = "key_file = \"service-account.json\"";
        format!("{SAMPLE}\n[apps.twin.fcm]\nproject = \"my-project\"\n{key}\n{pace}\n")
    };
    let said = errors(folder.path(), |_| twin("pushes_per_minute = 600"));
    let expected = "apps.twin.fcm.pushes_per_minute: expected 600000, as app droid has it for the same project \
                    my-project, found 600";
    assert!(said.contains(expected), "{said}");
    let good = folder.path().join("good.toml");
    for pace in ["", "pushes_per_minute = 600000"] {
        std::fs::write(&good, twin(pace)).unwrap();
        assert!(Config::load(&good).is_ok());
    }
}
