//! What is not of one app: where homeservers call, the proxy, metrics and the log.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context;
use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use toml::{Table, Value};

use super::members::Members;
use crate::caller::CallerKey;
use crate::cli::import::Imported;

/// The caller for which homeservers stand, since they show nothing.
const CALLER: &str = "matrix";

/// Where sygnal listens that is told nothing else.
const DEFAULT_PORT: u16 = 5000;

pub(super) fn take(
    imported: &mut Imported,
    document: &mut Members,
    matrix_apps: Table,
    proxy: Option<&str>,
) -> anyhow::Result<()> {
    homeservers(imported, document, matrix_apps)?;
    match (document.take_text("proxy"), proxy) {
        (Some(url), _) => take_proxy(imported, &url),
        (None, Some(url)) => {
            imported
                .remark("The proxy is that of HTTPS_PROXY in this environment, which sygnal takes as well.");
            take_proxy(imported, url);
        }
        (None, None) => {}
    }
    metrics(imported, document.take_members("metrics"));
    let mut log = document.take_members("log");
    let of_access = log.take_members("access").take_truth("x_forwarded_for");
    if of_access == Some(true) {
        imported.remark(
            "log.access.x_forwarded_for was not taken over: addresses come from the PROXY protocol alone (http.trusted_proxies).",
        );
    }
    if log.take("setup").is_some() {
        imported.remark("log.setup was not taken over: the log goes to standard error ([log]).");
    }
    log.remark_rest(imported, "log.");
    Ok(())
}

/// Where homeservers call.
fn homeservers(imported: &mut Imported, document: &mut Members, matrix_apps: Table) -> anyhow::Result<()> {
    let mut http = document.take_members("http");
    let port = http.take_number("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(DEFAULT_PORT);
    let named = http.take_texts("bind_addresses").unwrap_or_else(|| vec!["127.0.0.1".to_owned()]);
    http.remark_rest(imported, "http.");
    let mut addresses = Vec::new();
    for name in named {
        match name.parse::<IpAddr>() {
            Ok(address) => addresses.push(address),
            Err(_) if name == "localhost" => addresses.push(Ipv4Addr::LOCALHOST.into()),
            Err(_) => imported
                .remark(format!("http.bind_addresses has {name:?}, which is no address; it was left out.")),
        }
    }
    // What listens on all of IPv6 takes IPv4 as well.
    if addresses.iter().any(|address| address.is_ipv6() && address.is_unspecified()) {
        addresses.retain(|address| !(address.is_ipv4() && address.is_unspecified()));
    }
    let matrix = Table::from_iter([("apps".to_owned(), matrix_apps.into())]);
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
    imported.document.insert("http".to_owned(), Value::Array(listeners.collect()));
    if addresses.iter().any(|address| !address.is_loopback()) {
        imported.remark(
            "http.plaintext_anywhere is true, since sygnal has no TLS: keep the proxy in front of it that ends TLS, or set http.tls.",
        );
    }
    let key = CallerKey::generate().context("cannot make a key")?;
    let all = || Value::Array(vec!["*".into()]);
    let caller = Table::from_iter([
        ("rpcs".to_owned(), Value::Array(vec!["SendPush".into()])),
        ("apps".to_owned(), all()),
        ("providers".to_owned(), all()),
        ("service_classes".to_owned(), all()),
        ("key_sha256".to_owned(), Value::Array(vec![key.digest().to_string().into()])),
    ]);
    let callers = Table::from_iter([(CALLER.to_owned(), caller.into())]);
    imported.document.insert("callers".to_owned(), callers.into());
    let line = SecretString::from(format!("{}\n", key.expose_secret()));
    imported.secrets.push(("matrix.key", line, "a key that a caller may still use"));
    Ok(())
}

/// The proxy, whose user and password go to a file.
fn take_proxy(imported: &mut Imported, url: &str) {
    let parsed = url.parse::<Uri>().ok().filter(|uri| uri.scheme_str() == Some("http"));
    let authority = parsed.as_ref().and_then(Uri::authority);
    let Some(authority) = authority else {
        imported.remark(
            "proxy was not taken over: expected a URL such as http://proxy:3128, found something else.",
        );
        return;
    };
    let authority = authority.as_str();
    let (credentials, host) = match authority.rsplit_once('@') {
        Some((credentials, host)) => (Some(credentials), host),
        None => (None, authority),
    };
    let mut proxy = Table::from_iter([("url".to_owned(), format!("http://{host}").into())]);
    if let Some(credentials) = credentials {
        const FILE: &str = "proxy.credentials";
        proxy.insert("credentials_file".to_owned(), FILE.into());
        let line = SecretString::from(format!("{}\n", percent_decoded(credentials)));
        imported.secrets.push((FILE, line, "the password of a proxy"));
    }
    imported.document.insert("proxy".to_owned(), proxy.into());
}

/// What stands in a URL, without its escapes. Source: RFC 3986, section 2.1.
fn percent_decoded(text: &str) -> String {
    // In a form a plus is a blank, and here it is itself.
    let escaped = text.replace('+', "%2B");
    form_urlencoded::parse(format!("={}", escaped.replace('&', "%26")).as_bytes())
        .map(|(_, value)| value.into_owned())
        .collect()
}

fn metrics(imported: &mut Imported, mut metrics: Members) {
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
                imported.document.insert("admin".to_owned(), admin.into());
            }
            Err(_) => imported
                .remark("metrics.prometheus.address is no address; metrics are at the default of [admin]."),
        }
        imported.remark("The names of metrics begin with fanfare_ and not with sygnal_.");
    }
    for other in ["opentracing", "sentry"] {
        if metrics.take_members(other).take_truth("enabled") == Some(true) {
            imported.remark(format!("metrics.{other} was not taken over: there is nothing like it here."));
        }
    }
    metrics.remark_rest(imported, "metrics.");
}
