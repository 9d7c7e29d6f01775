//! What the file says of the HTTP listeners.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use super::Reader;
use super::listeners::network;
use super::together::clash;
use crate::caller::{CallerSettings, Rpc};
use crate::config::{Config, file};
use crate::ingress::http::HttpSettings;
use crate::ingress::mattermost::PATIENCE;

/// The names of the ingresses.
const INGRESSES: [&str; 3] = ["json", "mattermost", "matrix"];

/// The most tables. Each is a socket, and a row of metrics.
const MAX_TABLES: usize = 64;

impl Reader<'_> {
    /// Reads the HTTP listeners. `config` holds everything else.
    pub(super) fn http(&mut self, files: &[file::HttpTable], config: &Config) -> Vec<HttpSettings> {
        if files.len() > MAX_TABLES {
            self.error("http", format!("expected at most {MAX_TABLES} tables, found {}", files.len()));
        }
        let mut read: Vec<(String, HttpSettings)> = Vec::new();
        for (at, file) in files.iter().take(MAX_TABLES).enumerate() {
            let table = format!("http.{at}");
            let Some(settings) = self.http_table(&table, file, config) else { continue };
            self.expect_address_of_its_own(&table, settings.listener.listen, config, &read);
            self.warn_of_listener(&table, &settings, config);
            read.push((table, settings));
        }
        read.into_iter().map(|(_, settings)| settings).collect()
    }

    /// Notes where a table takes the address of another listener.
    fn expect_address_of_its_own(
        &mut self,
        table: &str,
        found: SocketAddr,
        config: &Config,
        earlier: &[(String, HttpSettings)],
    ) {
        let others = [("grpc", config.grpc.listener.listen), ("admin", config.admin.listener.listen)];
        let earlier = earlier.iter().map(|(table, settings)| (table.as_str(), settings.listener.listen));
        for (other, listen) in others.into_iter().chain(earlier).filter(|(_, listen)| clash(found, *listen)) {
            let problem = format!(
                "expected another address than that of {other}.listen ({listen}), found {found}, which takes the same"
            );
            self.error(&format!("{table}.listen"), problem);
        }
    }

    /// Notes secrets that everybody on the way reads, and a limit that is never reached.
    fn warn_of_listener(&mut self, table: &str, settings: &HttpSettings, config: &Config) {
        let listener = &settings.listener;
        let shows_secrets = |caller: &CallerSettings| !caller.keys.is_empty() || caller.token.is_some();
        if listener.tls.is_none()
            && !listener.listen.ip().is_loopback()
            && config.callers.iter().any(shows_secrets)
        {
            let problem = format!(
                "keys and tokens of callers travel unencrypted without [{table}.tls]; whoever reads along can use them"
            );
            self.warn(&format!("{table}.listen"), problem);
        }
        let (part, whole) = (listener.max_connections_per_address.unwrap_or(0), listener.max_connections);
        if part > whole {
            let problem = format!("{part} is never reached, because {table}.max_connections is {whole}");
            self.warn(&format!("{table}.max_connections_per_address"), problem);
        }
    }

    fn http_table(&mut self, table: &str, file: &file::HttpTable, config: &Config) -> Option<HttpSettings> {
        let at = |key: &str| format!("{table}.{key}");
        let Some(listen) = file.listen else {
            self.error(&at("listen"), "expected an address such as 127.0.0.1:8066, found none");
            return None;
        };
        let mut settings = HttpSettings::on(listen);
        self.http_listener(table, &mut settings, file);
        self.http_ingresses(table, &mut settings, file, config);
        self.http_caller(table, &mut settings, file, config);
        self.positive(&at("max_body_bytes"), &mut settings.max_body_bytes, file.max_body_bytes);
        self.wait(&at("body_timeout"), &mut settings.body_timeout, file.body_timeout);
        if settings.mattermost.is_some() && settings.body_timeout > PATIENCE {
            let found = settings.body_timeout;
            let problem = format!(
                "expected at most {PATIENCE:?}, since a Mattermost server waits no longer, found {found:?}"
            );
            self.error(&at("body_timeout"), problem);
        }
        let most = file.max_requests_per_source;
        self.positive(&at("max_requests_per_source"), &mut settings.max_requests_per_source, most);
        match file.requests_per_second_per_source.map(NonZeroU32::new) {
            Some(Some(rate)) => settings.requests_per_second_per_source = rate,
            Some(None) => {
                self.error(&at("requests_per_second_per_source"), "expected more than 0, found 0");
            }
            None => {}
        }
        // A caller holds at most half of the budget, and a body is held while it arrives and while it is read.
        let needed = settings.max_body_bytes.saturating_mul(4);
        if config.max_held_bytes < needed {
            let found = settings.max_body_bytes;
            let (most, held) = (config.max_held_bytes / 4, config.max_held_bytes);
            let problem = format!(
                "expected at most {most}, which is a fourth of limits.max_held_bytes ({held}), found {found}"
            );
            self.error(&at("max_body_bytes"), problem);
        }
        Some(settings)
    }

    fn http_listener(&mut self, table: &str, settings: &mut HttpSettings, file: &file::HttpTable) {
        let at = |key: &str| format!("{table}.{key}");
        let listener = &mut settings.listener;
        self.listen(table, listener, file.listen, file.tls.as_ref());
        self.expect_secret_or_loopback(table, listener, file.tls.is_some() || file.plaintext_anywhere);
        self.wait(&at("handshake_timeout"), &mut listener.handshake_timeout, file.handshake_timeout);
        self.wait(&at("idle_timeout"), &mut listener.idle_timeout, file.idle_timeout);
        let stall = file.answer_stall_timeout;
        self.wait(&at("answer_stall_timeout"), &mut listener.answer_stall_timeout, stall);
        self.positive(&at("max_connections"), &mut listener.max_connections, file.max_connections);
        self.per_address(table, listener, file.max_connections_per_address);
        listener.trusted_proxies = self.networks(&at("trusted_proxies"), &file.trusted_proxies);
        let streams = &mut settings.http2.max_concurrent_streams;
        self.positive(&at("max_concurrent_streams"), streams, file.max_concurrent_streams);
    }

    fn http_ingresses(
        &mut self,
        table: &str,
        settings: &mut HttpSettings,
        file: &file::HttpTable,
        config: &Config,
    ) {
        let at = |key: &str| format!("{table}.{key}");
        let serve = at("serve");
        if file.serve.is_empty() {
            let names = INGRESSES.join(", ");
            self.error(&serve, format!("expected at least one of {names}, found none"));
        }
        for (index, name) in file.serve.iter().enumerate() {
            if !INGRESSES.contains(&name.as_str()) {
                let names = INGRESSES.join(", ");
                self.error(&serve, format!("expected one of {names}, found {name:?}"));
            } else if file.serve.iter().take(index).any(|earlier| earlier == name) {
                self.error(&serve, format!("expected each name once, found {name:?} twice"));
            }
        }
        let served = |name: &str| file.serve.iter().any(|it| it == name);
        for (name, is_there) in [
            ("json", file.json.is_some()),
            ("mattermost", file.mattermost.is_some()),
            ("matrix", file.matrix.is_some()),
        ] {
            if is_there && !served(name) {
                self.error(&at(name), format!("expected {name:?} in {serve}, since its table is here"));
            }
        }
        let (json, mattermost, matrix) = Default::default();
        settings.json = served("json")
            .then(|| self.json_ingress(&at("json"), file.json.as_ref().unwrap_or(&json), config));
        settings.mattermost = served("mattermost").then(|| {
            self.mattermost_ingress(
                &at("mattermost"),
                file.mattermost.as_ref().unwrap_or(&mattermost),
                config,
            )
        });
        settings.matrix = served("matrix")
            .then(|| self.matrix_ingress(&at("matrix"), file.matrix.as_ref().unwrap_or(&matrix), config));
    }

    /// Reads for whom calls stand that show nothing, and from where they are taken.
    fn http_caller(
        &mut self,
        table: &str,
        settings: &mut HttpSettings,
        file: &file::HttpTable,
        config: &Config,
    ) {
        let at = |key: &str| format!("{table}.{key}");
        settings.networks = self.networks(&at("networks"), &file.networks);
        settings.caller.clone_from(&file.caller);
        let stands_in = settings.mattermost.is_some() || settings.matrix.is_some();
        if let Some(name) = &file.caller {
            let caller = config.callers.iter().find(|caller| caller.name == *name);
            if !stands_in {
                let problem = "expected no such key, since only mattermost and matrix take calls that show no credentials";
                self.error(&at("caller"), problem);
            } else if let Some(caller) = caller {
                if !caller.permissions.rpcs.has(&Rpc::SendPush) {
                    let problem =
                        format!("callers.{name}.rpcs has no SendPush, so every such call is refused");
                    self.warn(&at("caller"), problem);
                }
            } else {
                let problem = format!("expected the name of one of [callers.NAME], found {name:?}");
                self.error(&at("caller"), problem);
            }
        }
        self.expect_no_stranger(table, settings, file, config);
    }

    /// Notes where more may call than who serves a homeserver or a Mattermost server would think.
    fn expect_no_stranger(
        &mut self,
        table: &str,
        settings: &HttpSettings,
        file: &file::HttpTable,
        config: &Config,
    ) {
        let at = |key: &str| format!("{table}.{key}");
        let (mattermost, matrix) = (settings.mattermost.is_some(), settings.matrix.is_some());
        let anonymous = config.callers.iter().any(|caller| caller.anonymous);
        let takes_unproved = settings.caller.is_some() || anonymous || config.callers.is_empty();
        if matrix && !takes_unproved {
            let problem = "no call is taken that shows no credentials, and homeservers show none: set caller to the name of one \
                           of [callers.NAME]";
            self.warn(table, problem.to_owned());
        }
        if settings.listener.listen.ip().is_loopback() {
            return;
        }
        if config.callers.is_empty() && !file.plaintext_anywhere {
            let problem = format!(
                "expected at least one caller, such as [callers.orders], since {table}.listen is not on loopback: without \
                 callers everybody may do everything"
            );
            self.error("callers", problem);
        }
        if mattermost && matrix && !file.together {
            let problem = format!(
                "expected matrix and mattermost in tables of their own, since {table}.listen is not on loopback: homeservers \
                 call from the internet, from where no Mattermost server should be imitated; set {table}.together = true \
                 where both are meant"
            );
            self.error(&at("serve"), problem);
        }
        if mattermost && takes_unproved && settings.networks.is_empty() && !file.no_credentials_anywhere {
            let problem = format!(
                "expected the networks of the Mattermost servers, such as [\"10.0.0.0/8\"], since {table}.listen is not on \
                 loopback: whoever reaches it can send pushes without credentials; set \
                 {table}.no_credentials_anywhere = true where the network keeps others out"
            );
            self.error(&at("networks"), problem);
        }
    }

    /// Reads networks, or addresses, which are networks of one.
    pub(super) fn networks(&mut self, key: &str, texts: &[String]) -> Vec<ipnet::IpNet> {
        let mut networks = Vec::new();
        for text in texts {
            match network(text) {
                Some(network) => networks.push(network),
                None => self.error(
                    key,
                    format!("expected an address or a network such as 10.0.0.0/8, found {text:?}"),
                ),
            }
        }
        networks
    }
}
