//! What is not of one app: where homeservers call, the proxy, metrics and the log.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use toml::{Table, Value};

use super::made::Made;
use super::members::Members;
use crate::cli::import::proxy::{NamedProxy, PROXY_CREDENTIALS};

/// The caller for which homeservers stand, since they show nothing.
const CALLER: &str = "matrix";

/// Where sygnal listens that is told nothing else.
const DEFAULT_PORT: u16 = 5000;

pub(super) fn take(made: &mut Made, document: &mut Members, matrix_apps: &Table, proxy: Option<&str>) {
    homeservers(made, document, matrix_apps);
    match (document.take_text("proxy"), proxy) {
        (Some(url), _) => take_proxy(made, &url),
        (None, Some(url)) => {
            made.note("The proxy is that of HTTPS_PROXY in this environment, which sygnal takes as well.");
            take_proxy(made, url);
        }
        (None, None) => {}
    }
    metrics(made, document.take_members("metrics"));
    let mut log = document.take_members("log");
    if log.take_members("access").take_truth("x_forwarded_for") == Some(true) {
        made.note(
            "log.access.x_forwarded_for was not taken over: addresses come from the PROXY protocol alone (http.trusted_proxies).",
        );
    }
    if log.take("setup").is_some() {
        made.note("log.setup was not taken over: the log goes to standard error ([log]).");
    }
    log.note_rest(made, "log.");
}

/// Where homeservers call.
fn homeservers(made: &mut Made, document: &mut Members, matrix_apps: &Table) {
    let mut http = document.take_members("http");
    let port = http.take_number("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(DEFAULT_PORT);
    let named = http.take_texts("bind_addresses").unwrap_or_else(|| vec!["127.0.0.1".to_owned()]);
    http.note_rest(made, "http.");
    let mut addresses = Vec::new();
    for name in named {
        match name.parse::<IpAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) if name == "localhost" => addresses.push(Ipv4Addr::LOCALHOST.into()),
            Err(_) => {
                made.lose(format!("http.bind_addresses has {name:?}, which is no address: add http.listen."))
            }
        }
    }
    // What listens on all of IPv6 takes IPv4 as well.
    if addresses.iter().any(|address| address.is_ipv6() && address.is_unspecified()) {
        addresses.retain(|address| !(address.is_ipv4() && address.is_unspecified()));
    }
    let matrix = Table::from_iter([("apps".to_owned(), matrix_apps.clone().into())]);
    let listeners = addresses.iter().map(|address| {
        let mut table = Table::from_iter([
            ("listen".to_owned(), SocketAddr::new(*address, port).to_string().into()),
            ("serve".to_owned(), Value::Array(vec!["matrix".into()])),
            ("caller".to_owned(), CALLER.into()),
            ("matrix".to_owned(), matrix.clone().into()),
        ]);
        if !address.is_loopback() {
            table.insert("plaintext_anywhere".to_owned(), true.into());
        }
        table.into()
    });
    made.document.insert("http".to_owned(), Value::Array(listeners.collect()));
    if addresses.iter().any(|address| !address.is_loopback()) {
        made.note(
            "http.plaintext_anywhere is true, since sygnal has no TLS: keep the proxy in front of it that ends TLS, or set http.tls.",
        );
    }
    // Homeservers show nothing, so this caller is known by nothing but `http.caller`.
    let list = |text: &str| Value::Array(vec![text.into()]);
    let caller =
        [("rpcs", "SendPush"), ("apps", "*"), ("providers", "*"), ("service_classes", "interactive")];
    let caller = Table::from_iter(caller.map(|(key, text)| (key.to_owned(), list(text))));
    made.document.insert("callers".to_owned(), Table::from_iter([(CALLER.to_owned(), caller.into())]).into());
}

/// The proxy, whose user and password go to a file.
fn take_proxy(made: &mut Made, url: &str) {
    let NamedProxy { url, credentials } = match NamedProxy::parse(url) {
        Ok(proxy) => proxy,
        Err(error) => return made.lose(format!("proxy was not taken over: {error}.")),
    };
    let mut proxy = Table::from_iter([("url".to_owned(), url.into())]);
    if let Some(credentials) = credentials {
        proxy.insert("credentials_file".to_owned(), PROXY_CREDENTIALS.into());
        made.secrets.push((PROXY_CREDENTIALS, credentials));
    }
    made.document.insert("proxy".to_owned(), proxy.into());
}

fn metrics(made: &mut Made, mut metrics: Members) {
    let mut prometheus = metrics.take_members("prometheus");
    if prometheus.take_truth("enabled") == Some(true) {
        let address = prometheus.take_text("address").unwrap_or_else(|| "127.0.0.1".to_owned());
        let port = prometheus.take_number("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(8000);
        match address.parse::<IpAddr>() {
            Ok(address) => {
                let listen = SocketAddr::new(address, port).to_string();
                let mut admin = Table::from_iter([("listen".to_owned(), listen.into())]);
                if !address.is_loopback() {
                    admin.insert("plaintext_anywhere".to_owned(), true.into());
                }
                made.document.insert("admin".to_owned(), admin.into());
            }
            Err(_) => made
                .note("metrics.prometheus.address is no address, so metrics are at the default of [admin]."),
        }
        made.note("The names of metrics begin with fanfare_ and not with sygnal_.");
        prometheus.note_rest(made, "metrics.prometheus.");
    }
    for other in ["opentracing", "sentry"] {
        if metrics.take_members(other).take_truth("enabled") == Some(true) {
            made.note(format!("metrics.{other} was not taken over: there is nothing like it here."));
        }
    }
    metrics.note_rest(made, "metrics.");
}
