//! What is wrong with a configuration is said with file, line and key, and all of it at once.

use super::{SAMPLE, errors, folder, switched_on};

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
            "progress_interval = \"15s\"",
            "progress_interval = \"0s\"",
            "grpc.progress_interval: expected more than 0, found 0",
        ),
        ("progress_interval = \"15s\"", "progress_interval = 15", "grpc.progress_interval"),
        (
            "deadline_margin = \"50ms\"",
            "deadline_margin = \"400d\"",
            "grpc.deadline_margin: expected at most a year, found",
        ),
        ("deadline_margin = \"50ms\"", "deadline_margin = \"soon\"", "grpc.deadline_margin"),
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
            "max_held_bytes = 25690111",
            "limits.max_held_bytes: expected at least 25690112, so that one caller's share holds",
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
        ("http://127.0.0.1:4317", "127.0.0.1:4317", "traces.endpoint: expected a URL of http or https"),
        ("http://127.0.0.1:4317", "http://me:swordfish@collector", "traces.endpoint: expected a URL"),
        (
            "protocol = \"grpc\"",
            "protocol = \"udp\"",
            "traces.protocol: expected grpc or http/protobuf, found \"udp\"",
        ),
        (
            "sample_ratio = 0.01",
            "sample_ratio = 1.5",
            "traces.sample_ratio: expected a number from 0 to 1, found 1.5",
        ),
        (
            "sample_ratio = 0.01",
            "sample_ratio = nan",
            "traces.sample_ratio: expected a number from 0 to 1, found NaN",
        ),
        (
            "outcomes = [\"delete\"]",
            "outcomes = [\"removed\"]",
            "feed.0.outcomes: expected one of delete, quarantine, all, accepted,",
        ),
        (
            "outcomes = [\"delete\"]",
            "outcomes = []",
            "feed.0.outcomes: expected at least one name, found none",
        ),
        (
            "apps = [\"shop\"]",
            "apps = [\"shp\"]",
            "feed.0.apps: expected the name of one of [apps.NAME], found \"shp\"",
        ),
        (
            "\"crm.secret\"",
            "\"ca.pem\"",
            "feed.0.secret_file: ca.pem: line 1: expected whsec_ and then 24 to 64 bytes",
        ),
        (
            "https://crm.example/fanfare",
            "http://crm.example/fanfare",
            "feed.0.url: expected https, or http on loopback, found http to crm.example",
        ),
        ("https://crm.example/fanfare", "https://crm.example/#s3cret", "feed.0.url: expected a URL such as"),
        ("batch_max = 100\n", "batch_max = 1001\n", "feed.0.batch_max: expected at most 1000, found 1001"),
        ("max_queue = 10000\n", "max_queue = 0\n", "feed.0.max_queue: expected more than 0, found 0"),
        ("name = \"crm\"\n", "name = \"crm\"\nurl_of = 1\n", "url_of"),
        ("\"traces.headers\"", "\"ca.pem\"", "traces.headers_file: ca.pem, line 1: expected NAME: VALUE"),
        ("max_batch = 512", "max_batch = 8193", "traces.max_batch: expected at most traces.max_queue (8192)"),
        (
            "max_queue = 8192",
            "max_queue = 10000000",
            "traces.max_queue: expected at most 1048576, found 10000000",
        ),
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
async fn every_unknown_key_is_said_beside_what_is_wrong_with_the_others() {
    let folder = folder().await;
    let said = errors(folder.path(), |sample| {
        let sample = sample.replace("max_wait = \"30s\"", "max_wiat = \"30s\"");
        let sample = sample.replace("key_id = \"ABC123DEFG\"", "key_id = \"short\"");
        sample
            .replace("any_port = false", "any_prot = 5")
            .replace("max_streams = 1000", "max_streams = \"x\"")
    });
    for expected in [
        "limits.max_wiat: unknown field `max_wiat` (did you mean `max_wait`?), expected one of",
        "apps.web.web_push.any_prot: unknown field `any_prot` (did you mean `any_port`?)",
        "upstream.max_streams: invalid type",
        "apps.shop.apns.token.key_id: the key id is not 10 visible characters",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[tokio::test]
async fn a_mistyped_key_hides_nothing_that_is_wrong_with_the_one_it_is_like() {
    let folder = folder().await;
    let two = |sample: String| sample.replace("max_streams = 1000", "max_streams = 0\nmax_stream = 1");
    let said = errors(folder.path(), two);
    assert!(said.contains("upstream.max_stream: unknown field"), "{said}");
    assert!(said.contains("upstream.max_streams: expected more than 0, found 0"), "{said}");
}

#[tokio::test]
async fn what_settings_contradict_together_is_said() {
    let folder = folder().await;
    let said = errors(folder.path(), |sample| sample.replace("127.0.0.1:9464", "127.0.0.1:50051"));
    let expected = "admin.listen: expected another address than that of grpc.listen (127.0.0.1:50051)";
    assert!(said.contains(expected) && said.lines().count() == 1, "{said}");
}
