//! docs/metrics.md against the registry: each metric has its row, with its type and labels, and no row is of another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use fanfare_upstream::tls::client_config;
use fanfare_upstream::{
    EndCause, Http, Observe, OpenCause, PaceReport, Peer, PeerKind, Reach, Report, SystemResolver, TcpDialer,
    Upstream, UpstreamSettings,
};

use super::*;
use crate::push::ProviderKind;

const REFERENCE: &str = include_str!("../../docs/metrics.md");

/// What a metric looks like: its type, and the names of its labels.
type Look = (String, BTreeSet<String>);

/// A page on which every metric has a sample.
fn page() -> String {
    let metrics = Metrics::default();
    let _app = metrics.pushes.app("shop", ProviderKind::new("apns", 1));
    let breaker = metrics.pushes.breaker("demo");
    breaker.opened();
    let caller = metrics.callers.caller("orders", &["rate"]);
    caller.limited(Some(1), Some(1));
    let _jwks = metrics.issuers.jwks("corp");
    let _listener = metrics.listeners.listener("grpc");
    let _http = metrics.http.calls("http:127.0.0.1:8066", "json", &["malformed"]);
    let _devices = metrics.matrix.devices(["served"]);
    let mattermost = &metrics.mattermost;
    let _mattermost =
        (mattermost.pushes("message", ["OK"]), mattermost.acks(["ios"]), mattermost.forwards(["answered"]));
    let feed = metrics.feeds.feed("crm");
    let _waiting = feed.waits_since(SystemTime::now());
    let credentials = &metrics.credentials;
    let (_token, _key) = (credentials.token("account"), credentials.provider_token("TEAM/KEY"));
    let _standing = credentials.standing("account", "fcm project demo");
    credentials.certificate("shop", "apns", SystemTime::now());
    credentials.listener_certificate("grpc", SystemTime::now());
    let roots = std::sync::Arc::new(rustls::RootCertStore::empty());
    let peer = Peer {
        origin: "https://push.example".parse().unwrap(),
        identity: "".into(),
        tls: client_config(roots, None, Http::Two).unwrap(),
        http: Http::Two,
        reach: Reach::Anywhere,
        proxy: None,
        proves_credential: false,
    };
    let observed = metrics.upstream.peer(&peer, PeerKind::Configured);
    let (resolver, dialer) = (std::sync::Arc::new(SystemResolver), std::sync::Arc::new(TcpDialer));
    let pool = Upstream::new(UpstreamSettings::default(), resolver, dialer, metrics.upstream.clone());
    let pool = std::sync::Arc::new(pool);
    pool.peer(peer).unwrap();
    metrics.upstream.show(&pool);
    for report in [
        Report::Opened(OpenCause::Needed),
        Report::ConnectFailed("dns"),
        Report::Closed(EndCause::Idle),
        Report::GoAway { code: 0, reason: "none" },
        Report::Resent("refused"),
        Report::Unanswered("lost"),
        Report::OrphanEnded("answered"),
        Report::BreakerOpened("dns"),
        Report::RetryRefused,
        Report::Pace(PaceReport::WaitBegan),
        Report::Pace(PaceReport::WaitEnded(Duration::ZERO)),
        Report::Pace(PaceReport::Changed(1.0)),
        Report::Pace(PaceReport::Lowered),
    ] {
        observed.report(report);
    }
    metrics.page()
}

/// Every metric of a page, by its name as it is written in queries.
fn registered(page: &str) -> BTreeMap<String, Look> {
    let mut types = BTreeMap::new();
    let mut labels = BTreeMap::<String, BTreeSet<String>>::new();
    for line in page.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            types.insert(name.to_owned(), kind.to_owned());
        } else if !line.starts_with('#') {
            let (sample, in_braces) = line.split_once('{').map_or_else(
                || (line.split(' ').next().unwrap(), ""),
                |(sample, rest)| (sample, rest.rsplit_once('}').unwrap().0),
            );
            let names = in_braces.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
            labels.entry(sample.to_owned()).or_default().extend(names.filter(|name| name != "le"));
        }
    }
    let look = |(name, kind): (String, String)| {
        let (written, sample) = match kind.as_str() {
            "counter" => (format!("{name}_total"), format!("{name}_total")),
            "histogram" => (name.clone(), format!("{name}_count")),
            _ => (name.clone(), name.clone()),
        };
        let labels = labels.get(&sample).unwrap_or_else(|| panic!("no sample of {name}")).clone();
        (written, (kind, labels))
    };
    types.into_iter().map(look).collect()
}

/// Every metric of the reference: the rows of its tables whose first cell is a name.
fn documented() -> BTreeMap<String, Look> {
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = REFERENCE.lines().filter(|line| line.starts_with("| `")).map(cells);
    let mut documented = BTreeMap::new();
    for row in rows {
        let [_, name, kind, labels, meaning, to_do, _] = &row[..] else { panic!("not six cells: {row:?}") };
        assert!(!meaning.is_empty() && !to_do.is_empty(), "{name} says not what it is for");
        let labels = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let look = (kind.clone(), labels.filter(|label| !label.is_empty()).collect());
        let name = name.trim_matches('`').to_owned();
        assert!(documented.insert(name.clone(), look).is_none(), "{name} has two rows");
    }
    documented
}

#[test]
fn the_reference_has_every_metric_and_no_other() {
    let (registered, documented) = (registered(&page()), documented());
    for (name, look) in &registered {
        assert_eq!(documented.get(name), Some(look), "docs/metrics.md has not this of {name}");
    }
    let names = |metrics: &BTreeMap<String, Look>| metrics.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&documented), names(&registered));
}

#[test]
fn names_keep_to_the_conventions() {
    for (name, (kind, _)) in registered(&page()) {
        assert!(name.starts_with("fanfare_") || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        assert!(kind != "histogram" || name.ends_with("_seconds"), "{name}");
        for other in ["_ms", "_milliseconds", "_minutes", "_kib", "_percent", "_count", "_timestamp"] {
            assert!(!name.ends_with(other), "{name}");
        }
    }
}

#[test]
fn an_app_that_is_gone_has_no_series_and_others_keep_theirs() {
    let metrics = Metrics::default();
    let known = [(200, ""), (410, "Unregistered")];
    let of = |app| metrics.pushes.app_answered(app, ProviderKind::new("apns", 1), &known);
    let (shop, _news) = (of("shop"), of("news"));
    shop.answered(410, "Unregistered");
    let _caller = metrics.callers.caller("orders", &["rate"]);
    metrics.pushes.keep_apps(|app, _| app == "shop");
    metrics.callers.keep(|_| false);
    let page = metrics.page();
    assert!(!page.contains("news") && !page.contains("orders"), "{page}");
    let line = "fanfare_upstream_answers_total{app=\"shop\",provider=\"apns\",status=\"410\",reason=\"Unregistered\"} 1\n";
    assert!(page.contains(line), "{page}");
}

/// Every word of a text that begins like the name of a metric.
fn named_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words.filter(|word| word.starts_with("fanfare_") || word.starts_with("process_")).collect()
}

#[test]
fn alerts_are_on_metrics_that_exist_and_lead_to_a_page_that_names_them() {
    let alerts = include_str!("../../deploy/prometheus/alerts.yml");
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let registered = registered(&page());
    let exists = |name: &str| {
        let histogram = ["_bucket", "_count", "_sum"].iter().find_map(|part| name.strip_suffix(part));
        registered.contains_key(name) || histogram.is_some_and(|name| registered.contains_key(name))
    };
    let unknown = |text: &str| named_in(text).into_iter().find(|name| !exists(name)).map(str::to_owned);
    assert_eq!(unknown(alerts), None);
    for dashboard in [
        include_str!("../../deploy/grafana/fanfare-overview.json"),
        include_str!("../../deploy/grafana/fanfare-upstream.json"),
    ] {
        assert_eq!(unknown(dashboard), None);
    }
    let after =
        |line: &str, key: &str| Some(line.trim().trim_start_matches("- ").strip_prefix(key)?.to_owned());
    let names: Vec<_> = alerts.lines().filter_map(|line| after(line, "alert: ")).collect();
    let runbooks: Vec<_> = alerts.lines().filter_map(|line| after(line, "runbook: ")).collect();
    assert!(names.len() == runbooks.len() && names.len() >= 10, "{names:?} {runbooks:?}");
    for (name, runbook) in names.iter().zip(&runbooks) {
        let page = std::fs::read_to_string(root.join(runbook)).unwrap();
        assert!(page.contains(&format!("`{name}`")), "{runbook} does not name {name}");
        assert_eq!(unknown(&page), None, "{runbook}");
    }
    let index = include_str!("../../docs/runbooks/README.md");
    for (name, runbook) in names.iter().zip(&runbooks) {
        let page = runbook.rsplit('/').next().unwrap();
        let row = index.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        assert!(row.contains(&format!("({page})")), "{row}");
    }
    for page in std::fs::read_dir(root.join("docs/runbooks")).unwrap() {
        let page = page.unwrap().file_name().into_string().unwrap();
        assert!(page == "README.md" || runbooks.iter().any(|it| it.ends_with(&page)), "{page} has no alert");
    }
}
