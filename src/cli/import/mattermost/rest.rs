//! What the real push proxy has beside its targets: where it listens, its log, its limits, and the proxy on its way.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::their::Object;
use crate::cli::import::imported::Imported;
use crate::cli::import::proxy::{NamedProxy, PROXY_CREDENTIALS};
use crate::cli::import::toml_text::quoted;

const KEYS: &[&str] = &[
    "ListenAddress",
    "ThrottlePerSec",
    "ThrottleMemoryStoreSize",
    "ThrottleVaryByHeader",
    "SendTimeoutSec",
    "RetryTimeoutSec",
    "EnableMetrics",
    "EnableConsoleLog",
    "EnableFileLog",
    "LogFileLocation",
    "LogFormat",
    "ApplePushSettings",
    "AndroidPushSettings",
];

/// How the rest is said: an address, and tables.
pub(super) struct Rest {
    pub(super) listen: String,
    pub(super) log: String,
    pub(super) proxy: String,
}

impl Rest {
    pub(super) fn read(
        config: &Object<'_>,
        proxy: Option<(&str, String)>,
        imported: &mut Imported,
    ) -> anyhow::Result<Self> {
        imported
            .notes
            .extend(config.keys_beside(KEYS).map(|key| format!("{key} is not known and is left out.")));
        let (listen, log) = (listen(config, imported)?, log(config, imported)?);
        limits(config, imported)?;
        let proxy = proxy.map(|(variable, url)| self::proxy(variable, &url, imported)).unwrap_or_default();
        Ok(Self { listen, log, proxy })
    }
}

/// Where it listens. Without a host it is every address, of which IPv4 is meant here: a socket for IPv6 does not take both
/// everywhere.
fn listen(config: &Object<'_>, imported: &mut Imported) -> anyhow::Result<String> {
    let named = config.text("ListenAddress")?;
    let named = if named.is_empty() { ":8066" } else { named };
    let address = match named.rsplit_once(':') {
        Some(("", port)) => port.parse().ok().map(|port| SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port)),
        Some(("localhost", port)) => {
            port.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
        }
        _ => named.parse().ok(),
    };
    Ok(match address {
        Some(address) => {
            if address.ip() == Ipv4Addr::UNSPECIFIED {
                imported
                    .notes
                    .push("It listens on every IPv4 address; listen = \"[::]:PORT\" is for IPv6.".to_owned());
            }
            address.to_string()
        }
        None => {
            let expected = "is no address with a port: correct listen";
            imported.lost.push(format!("ListenAddress {named:?} {expected}."));
            "127.0.0.1:8066".to_owned()
        }
    })
}

fn log(config: &Object<'_>, imported: &mut Imported) -> anyhow::Result<String> {
    if config.flag("EnableFileLog")? {
        imported.notes.push(
            "EnableFileLog is left out: the log goes to standard error, which systemd or the container runtime keeps.".to_owned(),
        );
    }
    if config.flag("EnableMetrics")? {
        imported.notes.push(
            "Metrics are at http://127.0.0.1:9464/metrics ([admin]), with other names; docs/mattermost.md lists them.".to_owned(),
        );
    }
    let format = if config.text("LogFormat")? == "json" { "json" } else { "pretty" };
    Ok(format!("\n[log]\nformat = {}\n", quoted(format)))
}

/// Limits that have no counterpart.
fn limits(config: &Object<'_>, imported: &mut Imported) -> anyhow::Result<()> {
    if config.number("ThrottlePerSec")?.is_some() {
        imported.notes.push(
            "ThrottlePerSec is left out: it never took effect. pushes_per_second of [callers.mattermost] bounds what servers send."
                .to_owned(),
        );
    }
    for (key, usual) in [("SendTimeoutSec", 30), ("RetryTimeoutSec", 8)] {
        if let Some(found) = config.number(key)?.filter(|found| *found != usual) {
            imported.notes.push(format!(
                "{key} = {found} is left out: a push is answered within 25 s, since servers hang up after 30 s."
            ));
        }
    }
    Ok(())
}

/// The proxy on the way to the push services. Credentials in its URL go to a file of their own, and are never shown.
fn proxy(variable: &str, url: &str, imported: &mut Imported) -> String {
    let NamedProxy { url, credentials } = match NamedProxy::parse(url) {
        Ok(proxy) => proxy,
        Err(error) => {
            imported.lost.push(format!("{variable} was not taken over: {error}. Set [proxy] by hand."));
            return String::new();
        }
    };
    let mut table = format!("\n# {variable} of the environment said so.\n[proxy]\nurl = {}\n", quoted(&url));
    if let Some(credentials) = credentials {
        imported.secrets.push((PROXY_CREDENTIALS, credentials));
        table.push_str(&format!("credentials_file = {}\n", quoted(PROXY_CREDENTIALS)));
    }
    imported.notes.push(format!(
        "The proxy is that of {variable} in this environment; check that it is the push proxy's."
    ));
    table
}
