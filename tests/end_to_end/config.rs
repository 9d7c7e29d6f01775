//! The configuration, and the commands that read it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use assert_cmd::Command;
use fanfare::config::{Config, Trust};
use fanfare_simulator::Simulator;

pub(crate) const SAMPLE: &str = include_str!("../../examples/fanfare.toml");

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
    let account = simulator.fcm().add_service_account(&["demo-project"]).unwrap();
    write("service-account.json", &account.key_json());
    write("vapid.pem", include_str!("../data/vapid/pkcs8.pem"));
    for secret in [
        "AuthKey_ABC123DEFG.p8",
        "news.key",
        "gateway.key",
        "proxy-credentials",
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
    assert!(Config::load(&file).unwrap().proxy.is_some());
    // The sample writes the defaults out, so a file without settings means the same.
    let bare = Config::on_loopback(Vec::new(), Trust::of_system().unwrap());
    assert_eq!(format!("{:?}", config.upstream), format!("{:?}", bare.upstream));
    assert_eq!(config.max_in_flight, bare.max_in_flight);
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
async fn what_is_wrong_is_said_with_file_line_and_key() {
    let folder = folder().await;
    let wrong = |change: &dyn Fn(String) -> String| errors(folder.path(), change);
    for (from, to, expected) in [
        ("[grpc]", "[grpc]\nlisten_on = 1", "listen_on"),
        ("max_in_flight = 50000", "max_in_flight = \"many\"", "limits.max_in_flight"),
        ("max_in_flight = 50000", "max_in_flight = 0", "limits.max_in_flight: expected more than 0, found 0"),
        (
            "max_connection_age = \"1h\"",
            "max_connection_age = \"0s\"",
            "grpc.max_connection_age: expected more than 0, found 0",
        ),
        (
            "max_connection_age_grace = \"6m\"",
            "max_connection_age_grace = \"0s\"",
            "grpc.max_connection_age_grace: expected more than 0, found 0",
        ),
        (
            "drain_delay = \"0s\"",
            "drain_delay = \"400d\"",
            "limits.drain_delay: expected at most a year, found",
        ),
        ("drain_delay = \"0s\"", "drain_delay = 5", "limits.drain_delay"),
        ("weight = 1", "weight = 0", "apps.shop.weight: expected more than 0, found 0"),
        ("weight = 1", "weight = 256", "apps.shop.weight"),
        (
            "max_push_bytes = 65536",
            "max_push_bytes = 4194305",
            "grpc.max_push_bytes: expected at most grpc.max_message_bytes (4194304), found 4194305",
        ),
        (
            "max_connection_bytes = 33554432",
            "max_connection_bytes = 4194303",
            "grpc.max_connection_bytes: expected at least grpc.max_message_bytes (4194304), found 4194303",
        ),
        (
            "max_held_bytes = 536870912",
            "max_held_bytes = 17301503",
            "limits.max_held_bytes: expected at least 17301504, so that one caller's share holds",
        ),
        (
            "max_message_items = 65536",
            "max_message_items = 0",
            "grpc.max_message_items: expected more than 0",
        ),
        ("message_timeout = \"30s\"", "message_timeout = \"0s\"", "grpc.message_timeout"),
        ("max_wait = \"30s\"", "max_wait = \"thirty\"", "limits.max_wait"),
        (
            "certificate_file = \"gateway.pem\"",
            "certificate_file = \"gateway.key\"",
            "grpc.tls.certificate_file: gateway.key: expected PEM certificates",
        ),
        (
            "private_key_file = \"gateway.key\"",
            "private_key_file = \"news.key\"",
            "admin.tls: keys may not be consistent: KeyMismatch",
        ),
        (
            "trusted_proxies = []",
            "trusted_proxies = [\"10.0.0.0/33\"]",
            "grpc.trusted_proxies: expected an address or a network such as 10.0.0.0/8, found \"10.0.0.0/33\"",
        ),
        (
            "max_connections_per_address = 100",
            "max_connections_per_address = 0",
            "grpc.max_connections_per_address: expected more than 0, found 0",
        ),
        (
            "max_connections_per_address = 8",
            "max_connections_per_address = 0",
            "admin.max_connections_per_address: expected more than 0, found 0",
        ),
        ("https://api.push.apple.com", "api.push.apple.com", "apns.production: expected an origin"),
        ("AuthKey_ABC123DEFG.p8", "missing.p8", "apps.shop.apns.token.key_file"),
        ("key_id = \"ABC123DEFG\"", "key_id = \"short\"", "the key id is not 10 visible characters"),
        (
            "topics = [\"com.example.shop\"]",
            "topics = []",
            "apps.shop.apns: expected at least one bundle id in topics",
        ),
        ("[apps.news.apns.certificate]", "[apps.news.apns.token]", "apps.news.apns.token"),
        (
            "private_key_file = \"news.key\"",
            "private_key_file = \"AuthKey_ABC123DEFG.p8\"",
            "apps.news.apns.certificate: keys may not be consistent: KeyMismatch",
        ),
        (
            "certificate_file = \"news.pem\"",
            "certificate_file = \"news.key\"",
            "apps.news.apns.certificate.certificate_file: news.key: expected PEM certificates",
        ),
        (
            "private_key_file = \"news.key\"",
            "private_key_file = \"news.pem\"",
            "apps.news.apns.certificate.private_key_file: news.pem: expected a PEM private key",
        ),
        (
            "http://proxy.example:3128",
            "https://proxy.example:3128",
            "proxy.url: expected a proxy spoken to without TLS",
        ),
        ("\"proxy-credentials\"", "\"ca.pem\"", "proxy.credentials_file: "),
        (
            "project = \"my-project\"",
            "project = \"My Project\"",
            "apps.droid.fcm.project: expected a project id",
        ),
        (
            "key_file = \"service-account.json\"",
            "",
            "apps.droid.fcm: expected key_file or metadata_server = true, found neither",
        ),
        (
            "url = \"https://push.example\"",
            "url = \"push.example\"",
            "apps.chat.mattermost.url: expected an origin",
        ),
        ("7ee6h5xmwbg7zjkfsz8h6p6yzr", "", "apps.chat.mattermost.server_id: expected a server id"),
        ("http = \"auto\"", "http = \"3\"", "apps.chat.mattermost.http"),
        ("front_502 = \"unknown\"", "front_502 = \"maybe\"", "`unknown` or `not_sent`"),
        ("max_origins = 1024", "max_origins = 0", "web_push.max_origins: expected more than 0, found 0"),
        (
            "pushes_per_minute = 600000",
            "pushes_per_minute = 0",
            "fcm.pushes_per_minute: expected 1 to 60000000, found 0",
        ),
        (
            "pushes_per_minute = 1200000",
            "pushes_per_minute = 60000001",
            "apps.droid.fcm.pushes_per_minute: expected 1 to 60000000, found 60000001",
        ),
        (
            "pushes_per_second_per_origin = 1000",
            "pushes_per_second_per_origin = 0",
            "web_push.pushes_per_second_per_origin: expected 1 to 1000000, found 0",
        ),
        (
            "retry_percent = 20",
            "retry_percent = 101",
            "upstream.retry_percent: expected at most 100, found 101",
        ),
        ("once_window = \"10m\"", "once_window = \"0s\"", "limits.once_window: expected more than 0"),
        ("once_max = 100000", "once_max = 0", "limits.once_max: expected more than 0, found 0"),
        (
            "breaker_failures = 5",
            "breaker_failures = 0",
            "upstream.breaker_failures: expected more than 0, found 0",
        ),
        (
            "breaker_error_percent = 50",
            "breaker_error_percent = 101",
            "upstream.breaker_error_percent: expected 1 to 100, found 101",
        ),
        (
            "breaker_error_percent = 50",
            "breaker_error_percent = 0",
            "upstream.breaker_error_percent: expected more than 0, found 0",
        ),
        ("breaker_wait = \"2s\"", "breaker_wait = \"0s\"", "upstream.breaker_wait: expected more than 0"),
        (
            "breaker_wait = \"2s\"",
            "breaker_wait = \"61s\"",
            "upstream.breaker_wait: expected at most upstream.breaker_max_wait (60s), found 61s",
        ),
        ("breaker_max_wait = \"60s\"", "breaker_max_wait = \"soon\"", "upstream.breaker_max_wait: "),
        (
            "max_stranger_peers = 128",
            "max_stranger_peers = 0",
            "upstream.max_stranger_peers: expected more than 0, found 0",
        ),
        (
            "max_stranger_connections = 64",
            "max_stranger_connections = 0",
            "upstream.max_stranger_connections: expected more than 0, found 0",
        ),
        (
            "max_stranger_lookups = 16",
            "max_stranger_lookups = 0",
            "upstream.max_stranger_lookups: expected more than 0, found 0",
        ),
        ("probe_after = \"60s\"", "probe_after = \"0s\"", "upstream.probe_after: expected more than 0"),
        ("probe_timeout = \"1s\"", "probe_timeout = \"0s\"", "upstream.probe_timeout: expected more than 0"),
        (
            "retry_min_per_second = 10",
            "retry_min_per_second = 1000001",
            "upstream.retry_min_per_second: expected at most 1000000, found 1000001",
        ),
        ("key_file = \"vapid.pem\"", "key_file = \"missing.pem\"", "apps.web.web_push.key_file: "),
        (
            "key_file = \"vapid.pem\"",
            "key_file = \"news.pem\"",
            "apps.web.web_push.key_file: news.pem: expected a private key on the curve P-256",
        ),
        // The key of the app on APNs is on the same curve, but it is another key.
        (
            "key_file = \"vapid.pem\"",
            "key_file = \"AuthKey_ABC123DEFG.p8\"",
            "apps.web.web_push.public_key: expected the public key of AuthKey_ABC123DEFG.p8, which is B",
        ),
        (
            "public_key = \"BFO9UExq",
            "public_key = \"BAAAAAAA",
            "which is BFO9UExqLdD03Glhg0c1VpOyLofXGZNBozyGAJFjfzepeI00zSi822wCHHZ10zKKBvHPMNZdcMhqaJs42umevu0, \
             found BAAAAAAALdD03",
        ),
        (
            "mailto:push@example.com",
            "push@example.com",
            "apps.web.web_push.subject: expected a contact such as mailto:push@example.com",
        ),
        ("any_port = false", "any_ports = false", "any_ports"),
        ("[apps.shop]", "[apps.none]\n[apps.shop]", "apps.none: expected a provider: [apps.NAME.apns], .fcm"),
        ("ca_files = []", "ca_files = [\"fanfare.toml\"]", "upstream.ca_files: fanfare.toml: expected PEM"),
        ("batch_window = 4096", "batch_window = 1", "limits.batch_window: expected at least 2, found 1"),
        ("filter = \"info\"", "filter = \"info,=\"", "log.filter: expected a filter"),
        (
            "stream_window_bytes = 262144",
            "stream_window_bytes = 1",
            "grpc.stream_window_bytes: expected 65535",
        ),
    ] {
        assert!(switched_on(SAMPLE).contains(from), "{from}");
        let said = wrong(&|sample| sample.replace(from, to));
        assert!(said.contains(expected) && said.contains("changed.toml"), "{to}: {said}");
    }
    let line = SAMPLE.lines().position(|line| line == "[limits]").unwrap() + 2;
    let said = wrong(&|sample| sample.replace("[limits]", "[limits]\nnot_a_limit = 1"));
    assert!(said.contains(&format!("changed.toml:{line}: ")), "{said}");
    // Everything that is wrong is said at once.
    let said = wrong(&|sample| sample.replace("max_streams = 1000", "max_streams = 0").replace(".p8", ".p9"));
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[tokio::test]
async fn check_says_good_or_what_is_wrong_and_never_a_key() {
    let folder = folder().await;
    let check = |file: &str| {
        let mut command = Command::cargo_bin("fanfare").unwrap();
        command.arg("check").arg("--config").arg(folder.path().join(file)).assert()
    };
    let good = check("fanfare.toml").success().get_output().clone();
    let said = String::from_utf8(good.stdout).unwrap();
    let public_key = include_str!("../data/vapid/public.key");
    let web = format!("app web: Web Push as mailto:push@example.com, public key {public_key}");
    assert!(said.contains(&web), "{said}");
    let key = std::fs::read_to_string(folder.path().join("AuthKey_ABC123DEFG.p8")).unwrap();
    let secret = key.lines().nth(1).unwrap().to_owned();
    std::fs::write(folder.path().join("AuthKey_ABC123DEFG.p8"), key.replace("PRIVATE KEY", "PRIVATE CHEESE"))
        .unwrap();
    let output = check("fanfare.toml").code(1).get_output().clone();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let line = SAMPLE.lines().position(|line| line.starts_with("key_file = \"AuthKey")).unwrap() + 1;
    assert!(said.contains(&format!("fanfare.toml:{line}: apps.shop.apns.token.key_file: AuthKey")), "{said}");
    assert!(said.contains("the key is not a private key in PEM"), "{said}");
    assert!(!said.contains(&secret));
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

/// A container may have no root certificates of its own.
#[tokio::test]
async fn an_app_without_any_root_certificate_is_wrong_and_one_with_its_own_is_good() {
    let folder = folder().await;
    std::fs::write(folder.path().join("no-roots.pem"), "").unwrap();
    // The first list of certificate authorities is that of all upstreams.
    let with_own = SAMPLE.replacen("ca_files = []", "ca_files = [\"ca.pem\"]", 1);
    std::fs::write(folder.path().join("with_own.toml"), with_own).unwrap();
    let check = |file: &str| {
        let mut command = Command::cargo_bin("fanfare").unwrap();
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
